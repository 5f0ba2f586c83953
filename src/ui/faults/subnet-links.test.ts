import { describe, expect, it } from 'vitest';
import { ok } from '../../base/result.ts';
import { defaultNetworkSpec, initialLink } from '../../wire/network-spec.ts';
import type { Network, Topology } from '../../wire/network.ts';
import { initialProjections } from '../../wire/project-subnets.ts';
import type { LinkView } from '../../wire/projection.ts';
import type { NodeId } from '../store/ids.ts';
import { activeFaults } from './active-faults.ts';
import { isCutOff, setSubnetLink } from './subnet-links.ts';

const SPEC = defaultNetworkSpec({});
const TOPOLOGY = {
  subnets: [['aa', 'bb'], ['cc'], ['dd']].map((nodes, subnet) => ({
    nodes: nodes.map((nodeId, index) => ({ nodeId, label: nodeId, index: 2 * subnet + index })),
    spareNodes: [],
    canisterRanges: [],
  })),
} as unknown as Topology;
const START = initialProjections(TOPOLOGY).map((projection) => ({
  ...projection,
  nodes: projection.nodes.map((node) => ({ ...node, condition: 'running' as const })),
}));

/** What a network would tell of the links after those commands. */
function recording(): { readonly network: Network; links(): readonly LinkView[] } {
  const links = new Map<string, LinkView>();
  const faults = {
    setLink: async (from: NodeId, to: NodeId, conditions: LinkView['conditions'] | null) => {
      links.set(`${from}/${to}`, { from, to, conditions: conditions ?? initialLink(SPEC, 0, 1) });
      return ok(undefined);
    },
  };
  return {
    network: { faults, spec: SPEC } as unknown as Network,
    links: () => [...links.values()],
  };
}

describe('the links between two subnets', () => {
  it('are cut and joined together, and are one fault in the list, undone as one', async () => {
    const { network, links } = recording();
    const [first] = START;
    if (first === undefined) {
      throw new TypeError('there are subnets');
    }
    await setSubnetLink(network, first, [0, 1], true);
    expect(links()).toHaveLength(4);
    const cut = START.map((projection) => ({ ...projection, links: links() }));
    expect([isCutOff(cut, 0, 1), isCutOff(cut, 1, 0), isCutOff(cut, 0, 2)]).toEqual([
      true,
      true,
      false,
    ]);
    const listed = cut.slice(0, 1).flatMap((projection) => activeFaults(projection, SPEC));
    expect(listed.map(({ text }) => text)).toEqual(['Root subnet ⇄ Subnet 2: all links are cut']);
    await listed[0]?.undo(network);
    const joined = START.map((projection) => ({ ...projection, links: links() }));
    expect(isCutOff(joined, 0, 1)).toBe(false);
    expect(joined.slice(0, 1).flatMap((all) => activeFaults(all, SPEC))).toEqual([]);
  });

  it('are as good as cut when a partition has their nodes on different sides', () => {
    const [aa, bb, cc, dd] = ['aa', 'bb', 'cc', 'dd'] as [NodeId, NodeId, NodeId, NodeId];
    const split = START.map((projection) => ({
      ...projection,
      partitions: [
        [aa, bb],
        [cc, dd],
      ],
    }));
    expect([isCutOff(split, 0, 1), isCutOff(split, 1, 2)]).toEqual([true, false]);
    const one = START.map((projection) => ({ ...projection, partitions: [[aa], [bb, cc, dd]] }));
    expect(isCutOff(one, 0, 1)).toBe(false);
  });
});
