import type { TraceEvent } from '../protocol/interfaces/trace.ts';
import type { NodeId, SubnetId } from '../protocol/types/ids.ts';
import type { MaliciousBehaviour } from '../protocol/types/malicious.ts';
import type { NodeHeights, NodeRunState, Topology } from './network.ts';
import type { LinkConditions, Pace } from './network-spec.ts';
import type { NodeConditions } from './node-conditions.ts';

/**
 * The one-way lane from nodes and hosts to whoever watches. Batches are structured-cloneable and
 * small; a sender that cannot keep up drops facts and says how many.
 */

export const TELEMETRY_VERSION = 1;
/** A host posts no more often than this. */
export const TELEMETRY_INTERVAL_MS = 100;
/** Facts a batch may hold; the rest are counted in `dropped`. */
export const MAX_EVENTS_PER_BATCH = 500;

/** Facts that the host knows, not the core. */
export type HostEvent =
  | {
      readonly kind: 'bootStage';
      readonly stage: BootStage;
      readonly elapsedMs: number;
      readonly detail: string;
    }
  | {
      readonly kind: 'nodeState';
      readonly nodeId: NodeId;
      readonly state: NodeRunState;
      readonly reason: string | null;
    }
  | { readonly kind: 'nodeHeights'; readonly nodeId: NodeId; readonly heights: NodeHeights }
  /** Packets summed up by kind over one batch: the moving dots. */
  | {
      readonly kind: 'packetsSent';
      readonly from: NodeId;
      readonly to: NodeId | 'all';
      readonly content: PacketContent;
      readonly count: number;
      readonly bytes: number;
    }
  | {
      readonly kind: 'packetsDropped';
      readonly from: NodeId;
      readonly to: NodeId;
      readonly count: number;
      /** `queue`: the link's bandwidth was used up. */
      readonly cause: 'loss' | 'cut' | 'partition' | 'queue';
    }
  | {
      readonly kind: 'linkChanged';
      readonly from: NodeId;
      readonly to: NodeId;
      readonly conditions: LinkConditions;
    }
  | {
      readonly kind: 'nodeConditionsChanged';
      readonly nodeId: NodeId;
      readonly conditions: NodeConditions;
    }
  /** The rules a node breaks; none = honest. */
  | {
      readonly kind: 'nodeBehavioursChanged';
      readonly nodeId: NodeId;
      readonly behaviours: readonly MaliciousBehaviour[];
    }
  /** A new version of the subnet's record. */
  | {
      readonly kind: 'registryChanged';
      /** Absent = the root subnet. */
      readonly subnetId?: SubnetId;
      readonly version: number;
      readonly members: readonly NodeId[];
      readonly isHalted: boolean;
      readonly haltAtCatchUpPackage: boolean;
    }
  /** The network has one more subnet, the last of the topology. */
  | { readonly kind: 'subnetAdded'; readonly topology: Topology }
  /** The storage of a stopped node was erased. */
  | { readonly kind: 'nodeWiped'; readonly nodeId: NodeId }
  | { readonly kind: 'partitionChanged'; readonly groups: readonly (readonly NodeId[])[] }
  | {
      readonly kind: 'clockChanged';
      readonly rate: number;
      readonly paused: boolean;
      readonly pace: Pace;
    }
  /** A checker of the host saw the protocol broken. */
  | {
      readonly kind: 'safetyViolated';
      readonly rule: string;
      readonly message: string;
      /** Where; absent = wherever the watcher looks. */
      readonly subnetId?: SubnetId;
    };

export const BOOT_STAGES = ['keys', 'nodes', 'firstBeacon', 'firstBlock', 'ready'] as const;
export type BootStage = (typeof BOOT_STAGES)[number];

export const PACKET_CONTENTS = [
  'hello',
  'ack',
  'advert',
  'pull',
  'block',
  'beacon',
  'tape',
  'notarization',
  'finalization',
  'certification',
  'catchUpPackage',
  'ingress',
  'dkg',
  'stateSync',
] as const;
export type PacketContent = (typeof PACKET_CONTENTS)[number];

export type TelemetryEvent = TraceEvent | HostEvent;

export interface TelemetryBatch {
  readonly v: typeof TELEMETRY_VERSION;
  /** Grows by one per sender; restarts at 0 with the node. */
  readonly seq: number;
  /** The node whose facts these are, or the host itself. */
  readonly from: NodeId | 'host';
  /** Network time when the batch was closed, nanoseconds. */
  readonly atNs: bigint;
  readonly events: readonly TelemetryEvent[];
  /** Facts lost since the last batch because a bound was reached. */
  readonly dropped: number;
}
