import type { WasmHost } from '../protocol/interfaces/wasm-host.ts';
import type { NodeCore, NodeInput, StorageWrite } from '../protocol/node/node-io.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import type { MaliciousBehaviour } from '../protocol/types/malicious.ts';
import { HEALTHY_NODE, type NodeConditions } from '../wire/node-conditions.ts';
import type { EventQueue } from './event-queue.ts';
import type { FetchEvent } from './node-fetches.ts';

/** Something that happens to a node at a virtual time. */
export type SimulationEvent =
  | {
      readonly kind: 'packet';
      readonly to: readonly SimNode[];
      readonly input: NodeInput;
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

/** The copies of one packet. Most of a broadcast arrive at one moment: one event for all of them. */
export class Arrivals {
  private readonly input: NodeInput;
  private readonly moments: { readonly atNs: number; readonly to: SimNode[] }[] = [];

  constructor(input: NodeInput) {
    this.input = input;
  }

  add(atNs: number, to: SimNode): void {
    const known = this.moments.find((moment) => moment.atNs === atNs);
    if (known === undefined) {
      this.moments.push({ atNs, to: [to] });
    } else {
      known.to.push(to);
    }
  }

  schedule(queue: EventQueue<SimulationEvent>): void {
    for (const { atNs, to } of this.moments) {
      queue.schedule(atNs, { kind: 'packet', to, input: this.input });
    }
  }
}
