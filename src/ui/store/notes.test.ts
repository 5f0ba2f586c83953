import { describe, expect, it } from 'vitest';
import type { Topology } from '../../wire/network.ts';
import { initialProjections, type SubnetProjections } from '../../wire/project-subnets.ts';
import type { NodeView } from '../../wire/projection.ts';
import { followHiddenTab, type HiddenSpell, inWords } from './hidden-tab.ts';
import { createLossWatch } from './lost-state.ts';

const TOPOLOGY = {
  subnets: [0, 1].map((subnet) => ({
    nodes: [0, 1].map((index) => ({ nodeId: `${subnet}${index}`, label: 'Node', index })),
    spareNodes: [{ nodeId: `${subnet}9`, label: 'Node', index: 9 }],
  })),
} as unknown as Topology;

/** Both subnets run, far above their packages, but for what is said of one node. */
function subnets(change: (node: NodeView) => Partial<NodeView>): SubnetProjections {
  return initialProjections(TOPOLOGY).map((projection) => ({
    ...projection,
    nodes: projection.nodes.map((node) => {
      const heights = { ...node.heights, executed: 90, catchUpPackage: 80 };
      const up = node.isMember ? { ...node, condition: 'running' as const, heights } : node;
      return { ...up, ...change(up) };
    }),
  }));
}

const stuckAt = (executed: number) => (node: NodeView) =>
  node.isMember && node.nodeId.startsWith('1')
    ? { heights: { ...node.heights, executed, catchUpPackage: 80 } }
    : {};

describe('a subnet whose state is lost', () => {
  it('is told once it has got nowhere for half a minute', () => {
    const watch = createLossWatch();
    expect(watch(subnets(stuckAt(0)), 0)).toEqual([]);
    expect(watch(subnets(stuckAt(0)), 29_000)).toEqual([]);
    expect(watch(subnets(stuckAt(0)), 30_000)).toEqual([{ subnet: 1, needed: 80, best: 0 }]);
    expect(
      watch(
        subnets(() => ({})),
        31_000,
      ),
    ).toEqual([]);
  });

  it('is not one that executes its blocks again', () => {
    const watch = createLossWatch();
    for (let at = 0; at < 79; at += 1) {
      expect(watch(subnets(stuckAt(at)), at * 29_000)).toEqual([]);
    }
  });

  it.each<[string, (node: NodeView) => Partial<NodeView>]>([
    [
      'one node has it',
      ({ nodeId }) => (nodeId === '11' ? { heights: { ...node0, executed: 81 } } : {}),
    ],
    [
      'one node is down: it may have it',
      ({ nodeId }) => (nodeId === '11' ? { condition: 'stopped' } : {}),
    ],
    [
      'one node fetches it',
      ({ nodeId }) => (nodeId === '11' ? { sync: { height: 80 } as never } : {}),
    ],
  ])('is not one where %s', (_, change) => {
    const watch = createLossWatch();
    const seen = subnets((node) => ({ ...stuckAt(3)(node), ...change(node) }));
    watch(seen, 0);
    expect(watch(seen, 60_000)).toEqual([]);
  });
});

const node0 = { notarized: 90, finalized: 90, executed: 90, certified: 90, catchUpPackage: 80 };

describe('a hidden tab', () => {
  function scene() {
    let nowMs = 0;
    let hidden = false;
    let height = 10;
    let changed = (): void => undefined;
    let tick = (): void => undefined;
    const told: HiddenSpell[] = [];
    followHiddenTab({
      isHidden: () => hidden,
      listen: (task) => {
        changed = task;
        return () => undefined;
      },
      every: (_, task) => {
        tick = task;
        return () => undefined;
      },
      nowMs: () => nowMs,
      height: () => height,
      onBack: (spell) => told.push(spell),
    });
    const pass = (ms: number): void => {
      nowMs += ms;
      height += 1;
      tick();
    };
    const show = (isShown: boolean): void => {
      hidden = !isShown;
      changed();
    };
    return { pass, show, told };
  }

  it('is told of when it is back, with what was late and what went on', () => {
    const { pass, show, told } = scene();
    pass(1_000);
    show(false);
    [1_000, 60_000, 60_000].forEach(pass);
    show(true);
    [1_000, 1_000].forEach(pass);
    expect(told).toEqual([{ hiddenMs: 121_000, blocks: 5, worstLagMs: 59_000 }]);
    expect(told.map(inWords).join()).toBe(
      'This tab was hidden for 2 min: its nodes went on and finalized 5 blocks. The browser slowed the page itself down, its timers came up to 59 s late; the nodes run in workers of their own.',
    );
    [1_000, 1_000].forEach(pass);
    expect(told).toHaveLength(1);
  });

  it('is not told of after a short look elsewhere', () => {
    const { pass, show, told } = scene();
    show(false);
    pass(5_000);
    show(true);
    [1_000, 1_000, 1_000].forEach(pass);
    expect(told).toEqual([]);
  });

  it('says when nothing went on', () => {
    expect(inWords({ hiddenMs: 30_000, blocks: 0, worstLagMs: 0 })).toContain('finalized no block');
  });
});
