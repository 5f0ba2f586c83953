import type { WasmHost } from '../protocol/interfaces/wasm-host.ts';
import type { NodeCore, NodeInput, StorageWrite } from '../protocol/node/node-io.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import type { MaliciousBehaviour } from '../protocol/types/malicious.ts';
import { HEALTHY_NODE, type NodeConditions } from '../wire/node-conditions.ts';
import type { FetchEvent } from './node-fetches.ts';

/** Something that happens to a node at a virtual time. */
export type SimulationEvent =
  | {
      readonly kind: 'packet';
      readonly to: SimNode;
      readonly from: NodeId;
      readonly bytes: Uint8Array;
    }
  | FetchEvent
  | { readonly kind: 'wake'; readonly node: SimNode; readonly atNs: number }
  /** A slow node has done what it was at. */
  | { readonly kind: 'free'; readonly node: SimNode }
  | {
      readonly kind: 'persisted';
      readonly node: SimNode;
      readonly incarnation: number;
      readonly operationId: number;
      readonly writes: readonly StorageWrite[];
    };

export interface RunningNode {
  readonly core: NodeCore;
  readonly sandbox: WasmHost;
}

export interface SimNode {
  readonly id: NodeId;
  readonly subnet: number;
  readonly storage: Map<string, Uint8Array>;
  running: RunningNode | null;
  reason: string | null;
  incarnation: number;
  inputs: NodeInput[];
  wakeAtNs: number | null;
  conditions: NodeConditions;
  behaviours: readonly MaliciousBehaviour[];
  /** Until then a slow node computes and takes nothing in. */
  busyUntilNs: number;
}

export function createSimNode(id: NodeId, subnet: number): SimNode {
  return {
    id,
    subnet,
    storage: new Map(),
    running: null,
    reason: null,
    incarnation: 0,
    inputs: [],
    wakeAtNs: null,
    conditions: HEALTHY_NODE,
    behaviours: [],
    busyUntilNs: 0,
  };
}
