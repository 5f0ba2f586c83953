import { describe, expect, it } from 'vitest';
import type { Mutations } from '../../artifact-pool/change-action.ts';
import { sealArtifact } from '../../types/artifact-codec.ts';
import type { Block, DkgSummary, EquivocationProof } from '../../types/artifacts.ts';
import type { NodeId } from '../../types/ids.ts';
import { randomTapeSignedBytes } from '../../types/signed-bytes.ts';
import type { Role } from '../role-context.ts';
import { fakeHash, MS, RoleFixture } from '../testing/role-fixture.ts';
import { validateBlockProposals } from './block-proposal.ts';
import { validateEquivocationProofs } from './equivocation-proof.ts';
import { validateFinalizations } from './finalization.ts';
import { validateNotarizations } from './notarization.ts';
import { validateRandomBeacons } from './random-beacon.ts';
import { validateRandomTapes } from './random-tape.ts';
import { NO_DKG } from '../../types/block-codec.ts';

const outcome = (mutations: Mutations): string =>
  mutations.map((m) => (m.kind === 'handleInvalid' ? m.code : m.kind)).join();

type Edits = Partial<Omit<Block, 'payloadHash' | 'blockHash'>>;

/** Verdict on a rank-0 proposal of round 2 whose block is edited; the clock is well past its time. */
function verdictOn(edits: (parent: Block, f: RoleFixture) => Edits, signer?: NodeId): string {
  const f = new RoleFixture();
  const parent = f.round(f.genesisBlock);
  f.nowNs += 1000n * MS;
  const block = f.block(parent, 0, edits(parent, f));
  f.unvalidated(f.proposal(block, signer ?? f.maker(2, 0)));
  return outcome(f.run(validateBlockProposals));
}

describe('block proposals', () => {
  it('CN33: a correct one is moved', () => {
    expect(verdictOn(() => ({}))).toBe('moveToValidated');
  });

  it('CN32 CN35: every broken rule is named and blamed on the maker', () => {
    const context = (edits: Partial<Block['context']>) => (parent: Block) => ({
      context: { ...parent.context, timeNs: parent.context.timeNs + 1n, ...edits },
    });
    const data = (dkgStartHeight: number) => () => ({
      payload: { kind: 'data', dkgStartHeight, dkg: NO_DKG, batch: { ingress: [] } } as const,
    });
    const cases: readonly (readonly [string, (parent: Block, f: RoleFixture) => Edits])[] = [
      ['WRONG_RANK', () => ({ rank: 1 })],
      ['WRONG_RANK', () => ({ rank: 9 })],
      ['TIME_NOT_INCREASING', (p) => ({ context: p.context })],
      ['WRONG_CERTIFIED_HEIGHT', context({ certifiedHeight: 2 })],
      ['REGISTRY_VERSION_DECREASED', context({ registryVersion: 0 })],
      ['DATA_EXPECTED', data(1)],
      ['DATA_EXPECTED', (_p, f) => ({ payload: f.genesisBlock.payload })],
    ];
    for (const [code, edits] of cases) {
      const f = new RoleFixture();
      const parent = f.round(f.genesisBlock);
      f.nowNs += 3000n * MS;
      f.unvalidated(f.proposal(f.block(parent, 0, edits(parent, f)), f.maker(2, 0)), f.self);
      expect(outcome(f.run(validateBlockProposals)), code).toBe(code);
    }
  });

  it('CN32 CN35: what this node lacks is undecided, never held against the maker', () => {
    expect(verdictOn(() => ({ parent: fakeHash(1) }))).toBe('');
    const ahead = (parent: Block): Edits => ({
      context: { ...parent.context, timeNs: parent.context.timeNs + 1n, certifiedHeight: 1 },
    });
    expect(verdictOn(ahead), 'own state has not reached the certified height').toBe('');
    const newer = (parent: Block): Edits => ({
      context: { ...parent.context, timeNs: parent.context.timeNs + 1n, registryVersion: 2 },
    });
    expect(verdictOn(newer)).toBe('');
  });

  it('CN4 CN33: rejects a signature of another node and a maker that is none', () => {
    const f = new RoleFixture();
    f.nowNs += 1000n * MS;
    const block = f.block(f.genesisBlock);
    const proposal = f.proposal(block);
    const other = f.proposal(block, f.maker(1, 1));
    const forged = sealArtifact<'blockProposal'>({ ...proposal, signature: other.signature });
    f.unvalidated(forged);
    expect(outcome(f.run(validateBlockProposals))).toBe('BAD_BLOCK_SIGNATURE');
    f.apply(f.run(validateBlockProposals));
    f.unvalidated(other);
    expect(outcome(f.run(validateBlockProposals))).toBe('WRONG_RANK');
  });

  it('CN34 CN36: of rank r waits for its time, and for the clock to reach the block’s', () => {
    const f = new RoleFixture();
    const start = f.nowNs;
    const early = f.block(f.genesisBlock, 1, {
      context: { ...f.genesisBlock.context, timeNs: start + 5000n * MS },
    });
    f.unvalidated(f.proposal(early));
    expect(outcome(f.run(validateBlockProposals))).toBe('');
    expect(f.wakes).toEqual([start + 1000n * MS]);
    f.nowNs = start + 1000n * MS;
    expect(outcome(f.run(validateBlockProposals))).toBe('');
    expect(f.wakes).toEqual([start + 5000n * MS]);
    f.nowNs = start + 5000n * MS;
    expect(outcome(f.run(validateBlockProposals))).toBe('moveToValidated');
  });

  it('CN34: of a higher rank is not looked at once a better one is valid', () => {
    const f = new RoleFixture();
    f.nowNs += 5000n * MS;
    f.validated(f.proposal(f.block(f.genesisBlock, 0)));
    f.unvalidated(f.proposal(f.block(f.genesisBlock, 1)));
    expect(outcome(f.run(validateBlockProposals))).toBe('');
  });

  it('CN33: checks the signature only when everything cheap is settled', () => {
    const f = new RoleFixture();
    f.unvalidated(f.proposal(f.block(f.genesisBlock)));
    const verified = (): number => f.cryptoOf(f.self).counters().ed25519Verify;
    const before = verified();
    for (let i = 0; i < 5; i += 1) {
      expect(outcome(f.run(validateBlockProposals)), 'its time has not come').toBe('');
    }
    expect(verified()).toBe(before);
    f.nowNs += 1000n * MS;
    expect(outcome(f.run(validateBlockProposals))).toBe('moveToValidated');
    expect(verified()).toBe(before + 1);
  });

  it('CN32 CN37: three-way payload validation: the builder decides', () => {
    for (const [verdict, expected] of [
      [{ kind: 'valid' }, 'moveToValidated'],
      [{ kind: 'invalid', code: 'INGRESS_EXPIRED', message: 'x' }, 'INGRESS_EXPIRED'],
      [{ kind: 'undecided', code: 'STATE_MISSING' }, ''],
    ] as const) {
      const f = new RoleFixture();
      f.payloadBuilder = { ...f.payloadBuilder, validate: () => verdict };
      f.nowNs += 1000n * MS;
      f.unvalidated(f.proposal(f.block(f.genesisBlock)));
      expect(outcome(f.run(validateBlockProposals))).toBe(expected);
    }
  });

  it('CN53: a summary block must be exactly what follows from the chain', () => {
    const f = new RoleFixture(1, { dkgIntervalLength: 1 });
    const parent = f.round(f.genesisBlock);
    f.nowNs += 1000n * MS;
    const genesis = f.genesisBlock.payload;
    const summary = genesis.kind === 'summary' ? genesis.summary : undefined;
    for (const [edits, expected] of [
      [{ height: 2, intervalLength: 1 }, 'moveToValidated'],
      [{ height: 2, intervalLength: 2 }, 'WRONG_SUMMARY'],
      [{ height: 4 }, 'WRONG_SUMMARY'],
    ] as const) {
      const payload = {
        kind: 'summary',
        summary: { ...(summary as DkgSummary), ...edits },
      } as const;
      const proposal = f.unvalidated(f.proposal(f.block(parent, 0, { payload })));
      expect(outcome(f.run(validateBlockProposals))).toBe(expected);
      f.pool.unvalidated.remove(proposal);
    }
    f.unvalidated(f.proposal(f.block(parent)));
    expect(outcome(f.run(validateBlockProposals))).toBe('SUMMARY_EXPECTED');
  });

  it('CN44 CN45: a second block of a maker becomes a proof that others accept', () => {
    const f = new RoleFixture();
    f.nowNs += 1000n * MS;
    f.validated(f.proposal(f.block(f.genesisBlock)));
    const context = { ...f.genesisBlock.context, timeNs: f.genesisBlock.context.timeNs + 7n };
    f.unvalidated(f.proposal(f.block(f.genesisBlock, 0, { context })));
    const [made] = f.run(validateBlockProposals);
    expect(made).toMatchObject({
      kind: 'addToValidated',
      artifact: { kind: 'equivocationProof', signer: f.maker(1, 0) },
    });
    f.apply([made as never]);
    expect(outcome(f.run(validateBlockProposals)), 'the rank is disqualified').toBe('');
    const proof = made?.kind === 'addToValidated' ? made.artifact : undefined;
    const peer = new RoleFixture();
    peer.unvalidated(proof as never);
    expect(outcome(peer.run(validateEquivocationProofs))).toBe('moveToValidated');
    const framed = sealArtifact<'equivocationProof'>({
      ...(proof as EquivocationProof),
      hash1: fakeHash(0),
    });
    const other = new RoleFixture();
    other.unvalidated(framed);
    expect(outcome(other.run(validateEquivocationProofs))).toBe('BAD_EQUIVOCATION_PROOF');
  });
});

describe('notarizations', () => {
  it('CN39: of a validated block need only their multi-signature', () => {
    const f = new RoleFixture();
    const block = f.block(f.genesisBlock);
    f.unvalidated(f.notarization(block));
    expect(outcome(f.run(validateNotarizations)), 'block unknown').toBe('');
    f.validated(f.proposal(block));
    f.apply(f.run(validateNotarizations));
    expect(f.view.isNotarized(1, block.blockHash)).toBe(true);
    f.unvalidated(f.notarization(block, 4));
    expect(outcome(f.run(validateNotarizations)), 'a second one adds nothing').toBe(
      'removeFromUnvalidated',
    );
  });

  it('CN38: fast path: block and notarization are taken over together, without payload checks', () => {
    const f = new RoleFixture();
    f.payloadBuilder = { ...f.payloadBuilder, validate: () => ({ kind: 'undecided', code: '' }) };
    const block = f.block(f.genesisBlock);
    f.unvalidated(f.proposal(block));
    f.unvalidated(f.notarization(block));
    expect(outcome(f.run(validateBlockProposals))).toBe('');
    expect(outcome(f.run(validateNotarizations))).toBe('moveToValidated,moveToValidated');
  });

  it('CN38: fast path waits for a notarized parent', () => {
    const f = new RoleFixture();
    f.round(f.genesisBlock);
    const orphan = f.block(f.block(f.genesisBlock, 1));
    f.unvalidated(f.proposal(orphan));
    f.unvalidated(f.notarization(orphan));
    expect(outcome(f.run(validateNotarizations))).toBe('');
  });

  it('CN39: with too few, foreign or wrong signatures are rejected', () => {
    const f = new RoleFixture(6);
    const block = f.block(f.genesisBlock);
    f.validated(f.proposal(block));
    const good = f.notarization(block);
    const outsider = f.nodes.find((n) => !f.membership.committee(1)?.includes(n));
    for (const [bad, code] of [
      [f.notarization(block, 2), 'INSUFFICIENT_SIGNATURES'],
      [{ ...good, signers: [...good.signers.slice(1), outsider] }, 'SIGNER_NOT_IN_COMMITTEE'],
      [{ ...good, signature: f.finalization(block).signature }, 'BAD_MULTI_SIGNATURE'],
      [
        {
          ...good,
          blockHash: block.blockHash,
          signers: good.signers
            .slice(1)
            .concat(good.signers[0] as never)
            .sort()
            .slice(0, 2),
        },
        'INSUFFICIENT_SIGNATURES',
      ],
    ] as const) {
      f.unvalidated(sealArtifact(bad as never));
      expect(outcome(f.run(validateNotarizations))).toBe(code);
      f.apply(f.run(validateNotarizations));
    }
    expect(f.view.notarizedHeight()).toBe(0);
  });
});

describe('finalizations', () => {
  it('CN29: finalize the block and all its ancestors', () => {
    const f = new RoleFixture();
    const first = f.round(f.genesisBlock);
    const second = f.round(first);
    f.unvalidated(f.finalization(second));
    f.apply(f.run(validateFinalizations));
    expect(f.view.finalizedHeight()).toBe(2);
    expect(f.chain.blockAt(1)).toEqual(first);
    expect(f.chain.tip).toEqual(second);
  });

  it('CN32: of an unknown block wait; with a notarization’s signature they are rejected', () => {
    const f = new RoleFixture();
    const block = f.round(f.genesisBlock);
    f.unvalidated(f.finalization(f.block(f.genesisBlock, 1)));
    expect(outcome(f.run(validateFinalizations))).toBe('');
    const { signature } = f.notarization(block);
    f.unvalidated(sealArtifact<'finalization'>({ ...f.finalization(block), signature }));
    expect(outcome(f.run(validateFinalizations))).toBe('BAD_MULTI_SIGNATURE');
  });
});

describe('beacons and tapes', () => {
  it('CN11: a valid beacon on the known one is moved, others are rejected', () => {
    const f = new RoleFixture();
    const beacon = f.beacon(1);
    const check = (artifact: typeof beacon): string => {
      const entry = f.unvalidated(artifact);
      const result = outcome(f.run(validateRandomBeacons as Role));
      f.pool.unvalidated.remove(entry);
      return result;
    };
    expect(check(beacon)).toBe('moveToValidated');
    const forged = sealArtifact<'randomBeacon'>({ ...beacon, signature: new Uint8Array(48) });
    expect(check(forged)).toBe('BAD_THRESHOLD_SIGNATURE');
    expect(check(sealArtifact<'randomBeacon'>({ ...beacon, parent: fakeHash(3) }))).toBe(
      'WRONG_PARENT',
    );
    const later = sealArtifact<'randomBeacon'>({ ...beacon, height: 2 });
    expect(check(later), 'its parent is unknown').toBe('');
  });

  it('CN13: a tape is checked against the height', () => {
    const f = new RoleFixture();
    const shares = f.cryptos.slice(0, 2).map((crypto) => ({
      signer: crypto.nodeId,
      signature: crypto.signThreshold('low', randomTapeSignedBytes(1)) as Uint8Array,
    }));
    const combined = f.cryptoOf(f.self).combineThreshold('low', randomTapeSignedBytes(1), shares);
    const signature = combined.kind === 'combined' ? combined.signature : new Uint8Array(1);
    const tape = (height: number) =>
      sealArtifact<'randomTape'>({ kind: 'randomTape', height, signature });
    f.unvalidated(tape(1));
    expect(outcome(f.run(validateRandomTapes))).toBe('moveToValidated');
    f.apply(f.run(validateRandomTapes));
    f.validated(f.finalization(f.round(f.genesisBlock)));
    f.unvalidated(tape(2));
    expect(outcome(f.run(validateRandomTapes))).toBe('BAD_THRESHOLD_SIGNATURE');
  });
});
