import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/protocol/types/ids.ts';
import { ATTACKS } from '../../src/wire/malicious.ts';
import { LIES_ABOUT_STREAMS, XNetScene } from '../support/xnet-scene.ts';

/** Makes so many calls from each side and waits until all are answered, each once. */
async function callBothWays(scene: XNetScene, count: number): Promise<void> {
  const { a, b, network } = scene;
  const answered = () => [scene.executed(a, 'forward').length, scene.executed(b, 'forward').length];
  const [beforeA = 0, beforeB = 0] = answered();
  for (let i = 0; i < count; i += 1) {
    await scene.forward('a');
    await scene.forward('b');
    network.runFor(700);
  }
  const isDone = () => {
    const [nowA = 0, nowB = 0] = answered();
    return nowA >= beforeA + count && nowB >= beforeB + count;
  };
  expect(network.runUntil(isDone, 60_000)).toBe(true);
  network.runFor(1000);
  expect(answered()).toEqual([beforeA + count, beforeB + count]);
}

describe('canisters of two subnets', () => {
  /** Four honest nodes on each side; the second test goes on where the first ended. */
  let shared: Promise<XNetScene> | undefined;
  const sceneOfTwo = (): Promise<XNetScene> => {
    shared ??= XNetScene.start({ seed: 'two' });
    return shared;
  };

  it('XN30 hear from each other within eight blocks when nothing else is going on', async () => {
    const scene = await sceneOfTwo();
    const { network, events, a, b } = scene;
    for (const [from, canister] of [
      ['a', a],
      ['b', b],
    ] as const) {
      network.runFor(4000);
      const mark = events.length;
      await scene.forward(from);
      const answered = () => scene.executed(canister, 'forward').at(-1);
      expect(network.runUntil(() => answered() !== undefined, 20_000)).toBe(true);
      const began = events
        .slice(mark)
        .flatMap((event) =>
          event.kind === 'batchDelivered' && event.ingress > 0 ? [event.height] : [],
        )[0];
      expect((answered() ?? 99) - (began ?? 0)).toBeLessThanOrEqual(8);
    }
    expect(scene.refusals()).toEqual(new Map());
    expect(network.violations).toEqual([]);
  });

  it('XN31 answer each call once whatever a liar on each side does, and the lie is refused by its rule', async () => {
    const scene = await sceneOfTwo();
    const { network, nodes } = scene;
    const liars = [nodes[0][1], nodes[1][2]] as readonly NodeId[];
    for (const kind of LIES_ABOUT_STREAMS) {
      scene.events.splice(0);
      const { preset, seenAs } = ATTACKS[kind];
      for (const liar of liars) {
        expect(await network.faults.setMalicious(liar, [preset])).toMatchObject({ ok: true });
      }
      await callBothWays(scene, 3);
      // A liar whom nobody asked yet has not shown itself.
      const isSeen = (): boolean => seenAs.some((code) => scene.refusals().has(code));
      expect({ kind, seen: network.runUntil(isSeen, 30_000) }).toEqual({ kind, seen: true });
      const refused = scene.refusals();
      for (const [code, from] of refused) {
        expect({ kind, code, by: [...from].filter((id) => !liars.includes(id as NodeId)) }).toEqual(
          {
            kind,
            code,
            by: [],
          },
        );
      }
    }
    expect(network.violations).toEqual([]);
    await network.close();
  });

  it('XN32 answer each call once through a partition between the subnets, restarts and lost messages', async () => {
    const scene = await XNetScene.start({ seed: 'faults', links: { lossPercent: 2 } });
    const { network, nodes } = scene;
    scene.events.splice(0);
    await network.faults.partition([nodes[0], nodes[1]]);
    await scene.forward('a');
    await scene.forward('b');
    network.runFor(6000);
    expect(scene.executed(scene.a, 'forward')).toEqual([]);
    await network.faults.heal();
    expect(network.runUntil(() => scene.executed(scene.a, 'forward').length === 1, 60_000)).toBe(
      true,
    );
    const [first, second] = [nodes[0][0], nodes[1][0]] as [NodeId, NodeId];
    await network.faults.kill(first);
    await network.faults.kill(second);
    await scene.forward('a');
    network.runFor(2000);
    await network.faults.restart(first);
    await network.faults.restart(second);
    expect(network.runUntil(() => scene.executed(scene.a, 'forward').length === 2, 60_000)).toBe(
      true,
    );
    await callBothWays(scene, 2);
    expect(scene.executed(scene.b, 'echo')).toHaveLength(4);
    expect(network.violations).toEqual([]);
    await network.close();
  });
});
