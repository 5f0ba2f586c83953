import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { faultsTolerated } from '../../src/protocol/registry/committee.ts';
import type { HuntPlan } from '../../src/sim/hunt/plan.ts';
import { nodesBySubnet } from '../../src/sim/hunt/draw-xnet-plan.ts';
import { drawPlan, PROFILES } from '../../src/sim/hunt/plan.ts';
import { runPlan } from '../../src/sim/hunt/run-plan.ts';
import { failureOf, shrink } from '../../src/sim/hunt/shrink.ts';
import { MAX_NODES_PER_SUBNET } from '../../src/wire/network-spec.ts';
import { LIES_ABOUT_STREAMS } from '../support/xnet-scene.ts';

const REGRESSIONS = new URL('regressions/', import.meta.url);

function unreliable(plan: HuntPlan): ReadonlySet<number> {
  return new Set(
    plan.faults.flatMap(({ fault }) =>
      fault.kind === 'malicious' || fault.kind === 'wipe' ? [fault.node] : [],
    ),
  );
}

describe('the hunter', () => {
  it('draws the same plan from a seed, as plain JSON, with at most f unreliable nodes', () => {
    for (const profile of PROFILES) {
      for (let seed = 0; seed < 60; seed += 1) {
        const nodes = [4, 7, 13, 40][seed % 4] ?? 4;
        const plan = drawPlan(String(seed), profile, nodes);
        expect(drawPlan(String(seed), profile, nodes)).toEqual(plan);
        expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
        const bad = unreliable(plan);
        for (const indices of nodesBySubnet(plan.subnets ?? [{ type: 'system', nodes }])) {
          expect(indices.length + plan.spareNodes).toBeLessThanOrEqual(MAX_NODES_PER_SUBNET);
          const ofSubnet = indices.filter((index) => bad.has(index));
          expect(ofSubnet.length).toBeLessThanOrEqual(faultsTolerated(indices.length));
        }
      }
    }
    const kinds = Array.from({ length: 60 }, (_, seed) =>
      drawPlan(String(seed), 'chaos', 4).faults.map(({ fault }) => fault.kind),
    ).flat();
    const lies = Array.from({ length: 60 }, (_, seed) =>
      drawPlan(String(seed), 'xnet', 4).faults.flatMap(({ fault }) =>
        fault.kind === 'malicious' ? fault.behaviours.map(({ kind }) => kind) : [],
      ),
    ).flat();
    expect(lies).toEqual(expect.arrayContaining([...LIES_ABOUT_STREAMS]));
    expect(new Set(kinds)).toEqual(
      new Set(['crash', 'wipe', 'conditions', 'link', 'partition', 'membership']),
    );
  });

  it.each(PROFILES)('finds nothing in a run of %s, twice alike', async (profile) => {
    // Short, for the many times this runs; `npm run sim` hunts for real.
    const plan: HuntPlan = { ...drawPlan('7', profile, 4), pace: 'mainnet', faultMs: 2500 };
    const outcome = await runPlan(plan);
    expect(outcome).toMatchObject({ violation: null, stall: null });
    expect(outcome.finalized).toBeGreaterThan(2);
    expect(outcome.answered.replies > 0).toBe(profile === 'xnet');
    const again = await runPlan(JSON.parse(JSON.stringify(plan)) as HuntPlan);
    expect(again).toEqual(outcome);
    const other = await runPlan({ ...plan, seed: '8' });
    expect(other.traceHash).not.toBe(outcome.traceHash);
  });

  it('finds a subnet that f + 1 liars stopped for good, and shrinks the plan to them', async () => {
    const plan = drawPlan('1', 'weather', 4);
    const stopped: HuntPlan = {
      ...plan,
      pace: 'mainnet',
      faultMs: 1500,
      faults: [
        // Who signed finalizations for the first proposals never notarizes them again.
        ...[0, 1].map((node) => ({
          fromMs: 0,
          toMs: 1500,
          fault: {
            kind: 'malicious' as const,
            node,
            behaviours: [{ kind: 'finalizeEverything' as const }],
          },
        })),
        { fromMs: 500, toMs: 700, fault: { kind: 'crash', node: 2 } },
      ],
    };
    expect(failureOf(await runPlan(stopped))).toBe('stall');
    const small = await shrink(stopped, 'stall');
    expect(failureOf(await runPlan(small))).toBe('stall');
    expect(small.faults.length).toBeLessThanOrEqual(2);
    expect(small.faultMs).toBeLessThan(1500);
  });
});

describe('failures of the past', () => {
  const files = readdirSync(REGRESSIONS).filter((name) => name.endsWith('.json'));

  it('do not come back', async () => {
    for (const name of files) {
      const plan = JSON.parse(readFileSync(new URL(name, REGRESSIONS), 'utf8')) as HuntPlan;
      const { violation, stall } = await runPlan(plan);
      expect({ name, violation, stall }).toEqual({ name, violation: null, stall: null });
    }
  });
});
