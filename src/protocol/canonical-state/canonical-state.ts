import { compareText, equalBytes } from '../../base/bytes.ts';
import { hexToBytes } from '../../base/hex.ts';
import { encodeUleb128 } from '../../base/leb128.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { present } from '../../base/assert.ts';
import { encodeCbor } from '../crypto/cbor.ts';
import { encodeCanisterRanges, type CanisterRange } from '../crypto/certificate.ts';
import {
  digest,
  EMPTY_MAP,
  labeledMap,
  leaf,
  withEntry,
  withoutEntry,
  type LabeledTree,
  type LeafTree,
  type MapTree,
} from '../crypto/labeled-tree.ts';
import { canisterIdFromU64, principalToBytes } from '../crypto/principal.ts';
import { errorCodeText, rejectCodeOf } from '../execution/user-error.ts';
import { usedBytes } from '../execution/cycles-account-manager.ts';
import { CANISTER_RANGES_PER_LEAF } from '../limits/messaging.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import type { IngressEntry } from '../replicated-state/ingress-history.ts';
import { registryIdIn, registryTree } from '../registry/bootstrap-registry.ts';
import { RadixMap } from '../replicated-state/radix-map.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import { genesisTopology } from '../registry/network-topology.ts';
import { NO_STREAM_TREE, streamTree, type StreamTree } from './stream-tree.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import type { SubnetId } from '../types/ids.ts';

/**
 * The part of the state that the subnet signs, as a labeled tree. Only what changed since the
 * previous height is built again.
 * @upstream rs/canonical_state/src/lazy_tree_conversion.rs
 */
export interface CanonicalState {
  readonly tree: MapTree;
  readonly topology: SubnetTopology;
  readonly state: ReplicatedState;
  readonly canisters: MapTree;
  readonly requestStatus: MapTree;
  readonly metrics: LeafTree;
  readonly streams: StreamTree;
  /** Memory of all canisters in bytes. */
  readonly stateBytes: bigint;
}

/** The parts of the tree that only a registry change alters. */
export interface SubnetTopology {
  readonly subnetId: SubnetId;
  /** `/subnet/<id>` of this subnet without metrics. */
  readonly subnet: MapTree;
  /** `/subnet` of the whole network; this subnet's entry lacks its metrics. */
  readonly subnets: MapTree;
  readonly canisterRanges: MapTree;
}

const LABELS = {
  apiBoundaryNodes: encodeUtf8('api_boundary_nodes'),
  canister: encodeUtf8('canister'),
  canisterRanges: encodeUtf8('canister_ranges'),
  metadata: encodeUtf8('metadata'),
  requestStatus: encodeUtf8('request_status'),
  streams: encodeUtf8('streams'),
  subnet: encodeUtf8('subnet'),
  time: encodeUtf8('time'),
  metrics: encodeUtf8('metrics'),
} as const;

function textLeaf(text: string): LabeledTree {
  return leaf(encodeUtf8(text));
}

function label(text: string): Uint8Array {
  return encodeUtf8(text);
}

/**
 * Every subnet certifies what it knows of all; node keys it knows of its own only.
 * @param publicKeyDer the subnet's threshold key, DER
 * @param network absent = the subnet is alone
 */
export function subnetTopology(
  genesis: SubnetGenesis,
  publicKeyDer: Uint8Array,
  network: NetworkTopology = genesisTopology([genesis]),
): SubnetTopology {
  // Every registered node, member or not: which ones are members changes, their keys never do.
  const registered = [...genesis.nodes, ...genesis.spareNodes].sort((a, b) =>
    compareText(a.nodeId, b.nodeId),
  );
  const nodes = registered.map((node): readonly [Uint8Array, LabeledTree] => [
    principalToBytes(node.nodeId),
    labeledMap([[label('public_key'), leaf(node.nodePublicKeyDer)]]),
  ]);
  let subnets = EMPTY_MAP;
  let canisterRanges = EMPTY_MAP;
  let own = EMPTY_MAP;
  for (const { subnetId, subnetType, publicKeyDer: otherKeyDer } of network.subnets) {
    const isOwn = subnetId === genesis.subnetId;
    const ranges = rangesOf(network, subnetId);
    const entries: readonly (readonly [Uint8Array, LabeledTree])[] = [
      [label('public_key'), leaf(isOwn ? publicKeyDer : otherKeyDer)],
      [label('canister_ranges'), leaf(encodeCanisterRanges(ranges))],
      [label('type'), textLeaf(subnetType)],
    ];
    const subnet = labeledMap(isOwn ? [...entries, [label('node'), labeledMap(nodes)]] : entries);
    own = isOwn ? subnet : own;
    const name = principalToBytes(subnetId);
    subnets = withEntry(subnets, name, subnet);
    canisterRanges = withEntry(canisterRanges, name, shards(ranges));
  }
  return { subnetId: genesis.subnetId, subnet: own, subnets, canisterRanges };
}

/** `subnetTopology` of a state's network, made anew only when that is another one. */
export function createTopologyReader(
  genesis: SubnetGenesis,
  publicKeyDer: Uint8Array,
): (state: Pick<ReplicatedState, 'topology'>) => SubnetTopology {
  let network: NetworkTopology | null = null;
  let known: SubnetTopology | undefined;
  return ({ topology }) => {
    if (known === undefined || topology !== network) {
      network = topology;
      known = subnetTopology(genesis, publicKeyDer, topology ?? undefined);
    }
    return known;
  };
}

function rangesOf(network: NetworkTopology, subnetId: SubnetId): readonly CanisterRange[] {
  return network.routingTable
    .filter((route) => route.subnetId === subnetId)
    .map(({ first, last }): CanisterRange => [canisterIdFromU64(first), canisterIdFromU64(last)])
    .sort((a, b) => compareText(a[0], b[0]));
}

/** Leaves of at most five ranges, each under its first id; an empty table has one empty leaf at id 0. */
function shards(sorted: readonly CanisterRange[]): MapTree {
  if (sorted.length === 0) {
    return labeledMap([[principalToBytes(canisterIdFromU64(0n)), leaf(encodeCanisterRanges([]))]]);
  }
  let map = EMPTY_MAP;
  for (let i = 0; i < sorted.length; i += CANISTER_RANGES_PER_LEAF) {
    const shard = sorted.slice(i, i + CANISTER_RANGES_PER_LEAF);
    const first = present(shard[0], 'a shard has a first range')[0];
    map = withEntry(map, principalToBytes(first), leaf(encodeCanisterRanges(shard)));
  }
  return map;
}

/** The tree of a state, reusing what it shares with the previous one. */
export function canonicalState(
  topology: SubnetTopology,
  state: ReplicatedState,
  previous: CanonicalState | undefined,
): CanonicalState {
  const changed = updateMap(
    previous?.canisters ?? EMPTY_MAP,
    state.canisters,
    previous?.state.canisters,
    canisterTree,
  );
  const canisters =
    state.registry === (previous?.state.registry ?? null) ? changed : withRegistry(changed, state);
  const requestStatus = updateMap(
    previous?.requestStatus ?? EMPTY_MAP,
    state.ingressHistory.entries,
    previous?.state.ingressHistory.entries,
    statusTree,
  );
  const stateBytes = stateBytesOf(state, previous);
  const sameMetrics =
    previous?.state.metrics === state.metrics && previous.state.canisters === state.canisters;
  const metrics =
    sameMetrics && previous !== undefined
      ? previous.metrics
      : metricsLeaf(state, stateBytes, previous?.metrics);
  const streams = streamTree(state.streams, topology.subnetId, previous?.streams ?? NO_STREAM_TREE);
  const metadata = encodeCbor({
    height: state.height,
    prev_state_hash: state.previousRoot === null ? undefined : hexToBytes(state.previousRoot),
  });
  // What is set to the same subtree as before keeps the digests above it.
  const isSameTopology = previous?.topology === topology;
  let tree = isSameTopology ? previous.tree : fixedTree(topology);
  tree = withEntry(tree, LABELS.canister, canisters);
  tree = withEntry(tree, LABELS.metadata, leaf(metadata));
  tree = withEntry(tree, LABELS.requestStatus, requestStatus);
  tree = withEntry(tree, LABELS.streams, streams.tree);
  if (!isSameTopology || metrics !== previous.metrics) {
    tree = withEntry(tree, LABELS.subnet, subnetsTree(topology, metrics));
  }
  tree = withEntry(tree, LABELS.time, leaf(encodeUleb128(state.timeNs)));
  return { tree, topology, state, canisters, requestStatus, metrics, streams, stateBytes };
}

/** The parts that are the same at all heights. */
function fixedTree({ canisterRanges }: SubnetTopology): MapTree {
  return labeledMap([
    [LABELS.apiBoundaryNodes, EMPTY_MAP],
    [LABELS.canisterRanges, canisterRanges],
  ]);
}

function subnetsTree({ subnetId, subnet, subnets }: SubnetTopology, metrics: LeafTree): MapTree {
  const own = withEntry(subnet, LABELS.metrics, metrics);
  return withEntry(subnets, principalToBytes(subnetId), own);
}

function updateMap<V>(
  map: MapTree,
  current: RadixMap<V>,
  previous: RadixMap<V> | undefined,
  toTree: (value: V) => LabeledTree,
): MapTree {
  let updated = map;
  for (const { key, value } of current.changesSince(previous ?? RadixMap.empty<V>())) {
    const name = present(hexToBytes(key), 'keys of the state are hex');
    updated =
      value === undefined ? withoutEntry(updated, name) : withEntry(updated, name, toTree(value));
  }
  return updated;
}

function canisterTree(canister: CanisterState): LabeledTree {
  const controllers = canister.controllers.map(principalToBytes);
  const entries: (readonly [Uint8Array, LabeledTree])[] = [
    [label('controllers'), leaf(encodeCbor(controllers, { selfDescribed: true }))],
  ];
  entries.push([label('canister_creation_timestamp'), leaf(encodeUleb128(canister.createdAtNs))]);
  if (canister.lastInstallNs !== 0n) {
    entries.push([label('last_install_timestamp'), leaf(encodeUleb128(canister.lastInstallNs))]);
  }
  const execution = canister.execution;
  if (execution !== null) {
    entries.push([label('certified_data'), leaf(canister.certifiedData)]);
    entries.push([
      label('module_hash'),
      leaf(present(hexToBytes(execution.moduleHash), 'a module hash is hex')),
    ]);
    const sections = execution.customSections.map((section): readonly [Uint8Array, LabeledTree] => [
      label(section.name),
      leaf(section.content),
    ]);
    entries.push([label('metadata'), labeledMap(sections)]);
  }
  return labeledMap(entries);
}

/** The bootstrap registry as the canister that will follow it: its certified data, no module. */
function withRegistry(canisters: MapTree, { registry, canisterIds }: ReplicatedState): MapTree {
  const [range] = canisterIds.ranges;
  if (registry === null || range === undefined) {
    return canisters;
  }
  const data = labeledMap([[label('certified_data'), leaf(digest(registryTree(registry)))]]);
  return withEntry(canisters, principalToBytes(registryIdIn(range)), data);
}

function statusTree(entry: IngressEntry): LabeledTree {
  const { status } = entry;
  const kind: readonly [Uint8Array, LabeledTree] = [label('status'), textLeaf(status.kind)];
  switch (status.kind) {
    case 'received':
    case 'processing':
      return labeledMap([kind]);
    case 'replied':
      return labeledMap([kind, [label('reply'), leaf(status.reply)]]);
    case 'rejected':
      return labeledMap([
        kind,
        [label('reject_code'), leaf(encodeUleb128(rejectCodeOf(status.errorCode)))],
        [label('reject_message'), textLeaf(status.message)],
        [label('error_code'), textLeaf(errorCodeText(status.errorCode))],
      ]);
  }
}

const U64_MASK = (1n << 64n) - 1n;

/** The sum over all canisters, from the previous sum and what changed. */
function stateBytesOf(state: ReplicatedState, previous: CanonicalState | undefined): bigint {
  let bytes = previous?.stateBytes ?? 0n;
  const before = previous?.state.canisters ?? RadixMap.empty<CanisterState>();
  for (const { key, value } of state.canisters.changesSince(before)) {
    const old = before.get(key);
    bytes += value === undefined ? 0n : usedBytes(value);
    bytes -= old === undefined ? 0n : usedBytes(old);
  }
  return bytes;
}

/** The previous leaf, if it says the same. */
function metricsLeaf(
  state: ReplicatedState,
  stateBytes: bigint,
  previous: LeafTree | undefined,
): LeafTree {
  const consumed = state.metrics.consumedCycles;
  const high = consumed >> 64n;
  const value = encodeCbor(
    {
      num_canisters: state.canisters.size,
      canister_state_bytes: stateBytes,
      consumed_cycles_total: { low: consumed & U64_MASK, high: high === 0n ? undefined : high },
      update_transactions_total: state.metrics.updateTransactions,
    },
    { selfDescribed: true },
  );
  return previous !== undefined && equalBytes(previous.value, value) ? previous : leaf(value);
}
