import { describe, expect, it } from 'vitest';
import type { MaliciousBehaviour } from '../../src/protocol/types/malicious.ts';
import { PERFECT_LINK } from '../../src/wire/network-spec.ts';
import { ATTACKS } from '../../src/wire/malicious.ts';
import type { HuntPlan, TimedFault } from '../../src/sim/hunt/plan.ts';
import { LIES_ABOUT_STREAMS } from '../support/xnet-scene.ts';
import { runPlan } from '../../src/sim/hunt/run-plan.ts';

/** Each attack by f and by f + 1 of four nodes: with f the subnet goes on, beyond it never forks. */

const CUT = { cut: true };
const FAULT_MS = 5000;

interface Case {
  readonly name: string;
  readonly behaviours: readonly MaliciousBehaviour[];
  /** Under at least one of these honest nodes must report the liar; empty = nothing can be seen. */
  readonly codes: readonly string[];
  /** What f + 1 liars achieve at most: the subnet stands still, or they are seen. */
  readonly beyond: 'stall' | 'stallOrCaught' | 'nothing';
  readonly more?: readonly TimedFault[];
  readonly dkgIntervalLength?: number;
  readonly faultMs?: number;
}

function planOf(
  seed: string,
  liars: number,
  { behaviours, more = [], dkgIntervalLength = 4, faultMs = FAULT_MS }: Case,
): HuntPlan {
  const attack = (node: number): TimedFault => ({
    fromMs: 0,
    toMs: faultMs,
    fault: { kind: 'malicious', node, behaviours },
  });
  return {
    version: 1,
    seed,
    profile: 'byzantine',
    nodes: 4,
    spareNodes: 0,
    pace: 'mainnet',
    dkgIntervalLength,
    persistDelayMs: 1,
    links: { ...PERFECT_LINK, delayMs: 15, jitterMs: 10 },
    faultMs,
    faults: [...Array.from({ length: liars }, (_, node) => attack(node)), ...more],
    callsAtMs: [1000],
  };
}

const preset = (kind: keyof typeof ATTACKS): MaliciousBehaviour => ATTACKS[kind].preset;

function single(kind: keyof typeof ATTACKS, beyond: Case['beyond']): Case {
  return { name: kind, behaviours: [preset(kind)], codes: ATTACKS[kind].seenAs, beyond };
}

const CASES: readonly Case[] = [
  single('equivocate', 'stallOrCaught'),
  single('makeNoBlocks', 'stallOrCaught'),
  single('makeBlocksLate', 'stallOrCaught'),
  single('makeBlocksOutOfRank', 'stallOrCaught'),
  single('invalidPayload', 'stallOrCaught'),
  {
    name: 'withhold votes and what they add up to',
    behaviours: [
      {
        kind: 'withhold',
        artifacts: ['notarizationShare', 'notarization', 'finalizationShare', 'finalization'],
        from: null,
      },
    ],
    codes: [],
    beyond: 'stall',
  },
  {
    name: 'withhold blocks',
    behaviours: [{ kind: 'withhold', artifacts: ['blockProposal'], from: null }],
    codes: ['BLOCK_MAKER_FAILED'],
    beyond: 'stallOrCaught',
  },
  {
    ...single('notarizeEverything', 'stallOrCaught'),
    behaviours: [preset('equivocate'), preset('notarizeEverything')],
  },
  {
    ...single('finalizeEverything', 'stallOrCaught'),
    behaviours: [preset('equivocate'), preset('finalizeEverything')],
  },
  single('wrongCertification', 'stallOrCaught'),
  single('wrongCatchUpPackage', 'stallOrCaught'),
  single('garbage', 'stallOrCaught'),
  {
    name: 'garbage packets',
    behaviours: [{ kind: 'garbage', what: 'packets' }],
    codes: ['PACKET_MALFORMED'],
    beyond: 'stallOrCaught',
  },
  {
    name: 'garbage artifacts',
    behaviours: [{ kind: 'garbage', what: 'artifacts' }],
    codes: ['MALFORMED_ARTIFACT'],
    beyond: 'stallOrCaught',
  },
  single('replay', 'nothing'),
  single('floodSlots', 'stallOrCaught'),
  // Keys are dealt in intervals of nine blocks and more.
  { ...single('corruptDealing', 'stallOrCaught'), dkgIntervalLength: 9 },
  { ...single('falseComplaint', 'stallOrCaught'), dkgIntervalLength: 9 },
  {
    ...single('corruptStateChunks', 'stallOrCaught'),
    faultMs: 7000,
    // Somebody has to fetch the state, and has few peers to choose from.
    more: [
      { fromMs: 3500, toMs: 4500, fault: { kind: 'wipe', node: 3 } },
      { fromMs: 3500, toMs: 7000, fault: { kind: 'link', from: 2, to: 3, conditions: CUT } },
      { fromMs: 3500, toMs: 7000, fault: { kind: 'link', from: 3, to: 2, conditions: CUT } },
    ],
  },
];

describe('an attack', () => {
  it.each(CASES)('$name: one liar of four is caught and the subnet goes on', async (attack) => {
    const { codes } = attack;
    const outcome = await runPlan(planOf(`paired ${attack.name}`, 1, attack));
    expect(outcome).toMatchObject({ violation: null, stall: null });
    expect(outcome.finalizedUnderFaults).toBeGreaterThan(4);
    const seen = Object.keys(outcome.caught);
    expect(codes.length === 0 || codes.some((code) => seen.includes(code)), String(seen)).toBe(
      true,
    );
  });

  it.each(CASES)('$name: two liars of four cannot fork it: $beyond', async (attack) => {
    const { beyond, codes } = attack;
    const outcome = await runPlan(planOf(`paired ${attack.name}`, 2, attack));
    expect(outcome.violation).toBeNull();
    switch (beyond) {
      case 'stall':
        expect(outcome.finalizedUnderFaults).toBe(0);
        return;
      case 'stallOrCaught':
        expect(
          outcome.finalizedUnderFaults <= 4 ||
            codes.some((code) => Object.keys(outcome.caught).includes(code)),
        ).toBe(true);
        return;
      case 'nothing':
        expect(outcome).toMatchObject({ stall: null });
        expect(outcome.finalizedUnderFaults).toBeGreaterThan(4);
    }
  });

  it('is made for every behaviour in the table', () => {
    const tried = new Set(CASES.flatMap(({ behaviours }) => behaviours.map(({ kind }) => kind)));
    // Lies about streams need a second subnet: xnet.test.ts has them.
    const inOneSubnet = Object.keys(ATTACKS).filter(
      (kind) => !(LIES_ABOUT_STREAMS as readonly string[]).includes(kind),
    );
    expect([...tried].sort()).toEqual(inOneSubnet.sort());
  });
});
