import { ok } from '../../base/result.ts';
import { roundTripMs } from '../../wire/datacentres.ts';
import { ATTACKS } from '../../wire/malicious.ts';
import { linkInWords, nodeInWords } from '../../wire/narrate-world.ts';
import { initialLink, type LinkConditions, type NetworkSpec } from '../../wire/network-spec.ts';
import type { Network, NetworkResult } from '../../wire/network.ts';
import { HEALTHY_NODE, type NodeConditions } from '../../wire/node-conditions.ts';
import type { LinkView, NetworkProjection, NodeView } from '../../wire/projection.ts';
import { subnetName } from '../../wire/topology.ts';
import { allNodes, nodeLabel } from '../store/derive.ts';
import type { NodeId } from '../store/ids.ts';
import { areLinksCut, linksBetween, setSubnetLink } from './subnet-links.ts';

/** One thing that is not as it should be, and how to undo it alone. */
export interface ActiveFault {
  readonly key: string;
  readonly text: string;
  undo(network: Network): NetworkResult<unknown>;
}

/** Everything that is wrong on purpose now: the list the reader sees. */
export function activeFaults(
  projection: NetworkProjection,
  spec: NetworkSpec,
): readonly ActiveFault[] {
  return [
    ...partitionFault(projection),
    ...subnetDownFault(projection),
    ...subnetCutFaults(projection),
    ...projection.nodes.flatMap((node) => [
      ...(isAllDown(projection) ? [] : downFault(node)),
      ...worldFaults(node),
      ...attackFaults(node),
    ]),
    ...linkFaults(projection, spec),
  ];
}

/** Undoes those of all subnets: the world, the attacks, and nodes that are down. */
export async function healEverything(
  network: Network,
  subnets: readonly Pick<NetworkProjection, 'nodes'>[],
): NetworkResult<void> {
  const { faults } = network;
  const nodes = subnets.flatMap((subnet) => subnet.nodes);
  const healed = await faults.heal();
  const others = await Promise.all([
    ...nodes
      .filter((node) => node.behaviours.length > 0)
      .map((node) => faults.setMalicious(node.nodeId, [])),
    ...nodes.filter(isDownMember).map((node) => faults.restart(node.nodeId)),
  ]);
  return [healed, ...others].find((outcome) => !outcome.ok) ?? ok(undefined);
}

function isDownMember({ isMember, condition }: NodeView): boolean {
  return isMember && (condition === 'stopped' || condition === 'crashed');
}

function partitionFault(projection: NetworkProjection): readonly ActiveFault[] {
  const sides = projection.partitions.map((group) =>
    group.map((nodeId) => nodeLabel(projection, nodeId)).join(', '),
  );
  return sides.length === 0
    ? []
    : [
        {
          key: 'partition',
          text: `Split: ${sides.join(' | ')}`,
          undo: ({ faults }) => faults.partition([]),
        },
      ];
}

/** All members of a subnet of several. */
function isAllDown({ nodes }: Pick<NetworkProjection, 'nodes'>): boolean {
  const members = nodes.filter(({ isMember }) => isMember);
  return members.length > 1 && members.every(isDownMember);
}

function subnetDownFault({ nodes, subnetIndex }: NetworkProjection): readonly ActiveFault[] {
  return isAllDown({ nodes })
    ? [
        {
          key: 'subnet/down',
          text: `${subnetName(subnetIndex)}: all nodes are down`,
          undo: async ({ faults }) => {
            const down = nodes.filter(isDownMember);
            const outcomes = await Promise.all(down.map(({ nodeId }) => faults.restart(nodeId)));
            return outcomes.find((outcome) => !outcome.ok) ?? ok(undefined);
          },
        },
      ]
    : [];
}

/** Other subnets to which each link is cut. */
function cutSubnets(projection: NetworkProjection): readonly number[] {
  const { topology, subnetIndex } = projection;
  return topology.subnets.flatMap((_, other) =>
    other !== subnetIndex && areLinksCut(projection, subnetIndex, other) ? [other] : [],
  );
}

function subnetCutFaults(projection: NetworkProjection): readonly ActiveFault[] {
  const { subnetIndex } = projection;
  return cutSubnets(projection).map((other) => ({
    key: `subnet/cut/${other}`,
    text: `${subnetName(subnetIndex)} ⇄ ${subnetName(other)}: all links are cut`,
    undo: (network) => setSubnetLink(network, projection, [subnetIndex, other], false),
  }));
}

function downFault(node: NodeView): readonly ActiveFault[] {
  const { nodeId, label, condition } = node;
  return isDownMember(node)
    ? [
        {
          key: `${nodeId}/down`,
          text: `${label}: ${condition === 'crashed' ? 'crashed' : 'switched off'}`,
          undo: ({ faults }) => faults.restart(nodeId),
        },
      ]
    : [];
}

const WORLD_KEYS = Object.keys(HEALTHY_NODE) as readonly (keyof NodeConditions)[];

function worldFaults({ nodeId, label, world }: NodeView): readonly ActiveFault[] {
  return WORLD_KEYS.filter((key) => world[key] !== HEALTHY_NODE[key]).map((key) => ({
    key: `${nodeId}/${key}`,
    text: `${label}: ${nodeInWords({ ...HEALTHY_NODE, [key]: world[key] })}`,
    undo: ({ faults }) => faults.setNode(nodeId, { ...world, [key]: HEALTHY_NODE[key] }),
  }));
}

function attackFaults(node: NodeView): readonly ActiveFault[] {
  const { nodeId, label, behaviours } = node;
  return behaviours.map((behaviour, index) => ({
    key: `${nodeId}/attack/${index}`,
    text: `${label} attacks: ${ATTACKS[behaviour.kind].name}`,
    undo: (network) =>
      network.faults.setMalicious(
        node.nodeId,
        behaviours.filter((other) => other !== behaviour),
      ),
  }));
}

/** What the preset makes of a link: half a real round-trip time on top of what it starts with. */
export function datacentreLink(spec: NetworkSpec, from: number, to: number): LinkConditions {
  const initial = initialLink({ ...spec, latencyPreset: 'none' }, from, to);
  return { ...initial, delayMs: initial.delayMs + Math.round(roundTripMs(from, to) / 2) };
}

function sameConditions(one: LinkConditions, other: LinkConditions): boolean {
  const keys = Object.keys(one) as readonly (keyof LinkConditions)[];
  return keys.every((key) => one[key] === other[key]);
}

interface ChangedLink extends LinkView {
  readonly isPreset: boolean;
}

function changedLinks(projection: NetworkProjection, spec: NetworkSpec): readonly ChangedLink[] {
  const all = allNodes(projection);
  const indexOf = (id: NodeId): number => all.findIndex((node) => node.nodeId === id);
  return projection.links
    .map((link) => ({ link, from: indexOf(link.from), to: indexOf(link.to) }))
    .toSorted((one, other) => one.from - other.from || one.to - other.to)
    .filter(({ link, from, to }) => !sameConditions(link.conditions, initialLink(spec, from, to)))
    .map(({ link, from, to }) => ({
      ...link,
      isPreset: sameConditions(link.conditions, datacentreLink(spec, from, to)),
    }));
}

/** Directed links that are not as at the start: what the ring draws. A preset is on all of them: that is no news. */
export function troubledLinks(
  projection: NetworkProjection,
  spec: NetworkSpec,
): readonly LinkView[] {
  return changedLinks(projection, spec).filter((link) => !link.isPreset);
}

function linkFaults(projection: NetworkProjection, spec: NetworkSpec): readonly ActiveFault[] {
  const changed = changedLinks(projection, spec);
  const preset = changed.filter((link) => link.isPreset);
  const asSubnet = new Set(
    cutSubnets(projection).flatMap((other) =>
      linksBetween(projection, projection.subnetIndex, other).map(([from, to]) => `${from}/${to}`),
    ),
  );
  const others = changed.filter(
    ({ isPreset, from, to }) => !isPreset && !asSubnet.has(`${from}/${to}`),
  );
  const name = (id: NodeId): string => nodeLabel(projection, id);
  const single = others.flatMap(({ from, to, conditions }): readonly ActiveFault[] => {
    const back = others.find((other) => other.from === to && other.to === from);
    const bothWays = back !== undefined && sameConditions(back.conditions, conditions);
    if (bothWays && from > to) {
      return [];
    }
    return [
      {
        key: `link/${from}/${to}`,
        text: `${name(from)} ${bothWays ? '⇄' : '→'} ${name(to)}: ${linkInWords(conditions)}`,
        undo: async ({ faults }) => {
          const there = await faults.setLink(from, to, null);
          return bothWays && there.ok ? faults.setLink(to, from, null) : there;
        },
      },
    ];
  });
  return preset.length === 0
    ? single
    : [
        {
          key: 'datacentres',
          text: `Delays of real data centres on ${preset.length} links`,
          undo: async ({ faults }) => {
            const outcomes = await Promise.all(
              preset.map(({ from, to }) => faults.setLink(from, to, null)),
            );
            return outcomes.find((outcome) => !outcome.ok) ?? ok(undefined);
          },
        },
        ...single,
      ];
}
