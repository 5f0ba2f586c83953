import { createPrng } from '../../../base/prng.ts';
import type { TraceEvent } from '../../interfaces/trace.ts';
import type { StateAdvert, StateRequest, StateResponse } from '../../p2p/packet.ts';
import type { Checkpoint } from '../../state-manager/checkpoint.ts';
import type { RestoredCheckpoint } from '../../state-manager/restore-checkpoint.ts';
import type { NodeId, TimeNs } from '../../types/ids.ts';
import { createStateSync, type StateSync } from '../state-sync.ts';

type Message =
  | { readonly kind: 'adverts'; readonly adverts: readonly StateAdvert[] }
  | { readonly kind: 'request'; readonly request: StateRequest }
  | { readonly kind: 'response'; readonly response: StateResponse };

interface UnderWay {
  readonly atNs: TimeNs;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: Message;
}

export interface SyncNode {
  readonly nodeId: NodeId;
  checkpoints: readonly Checkpoint[];
  sync: StateSync;
  up: boolean;
  readonly trace: TraceEvent[];
  restored: RestoredCheckpoint | undefined;
  requestsServed: number;
  /** What becomes of an answer on its way out; undefined = it is lost. */
  answer: (response: StateResponse) => StateResponse | undefined;
}

const NS_PER_MS = 1_000_000n;

/** State sync alone, between nodes on a medium with a delay and losses; virtual time. */
export class SyncCluster {
  nowNs: TimeNs = 1_000_000_000n;
  readonly nodes: readonly SyncNode[];
  private readonly lossPercent: number;
  private readonly chance;
  private messages: UnderWay[] = [];

  constructor(
    count: number,
    options: { readonly seed?: string; readonly lossPercent?: number } = {},
  ) {
    this.chance = createPrng(options.seed ?? 'sync');
    this.lossPercent = options.lossPercent ?? 0;
    this.nodes = Array.from({ length: count }, (_, i) => this.newNode(`0${i + 1}` as NodeId));
  }

  node(index: number): SyncNode {
    return this.nodes[index] as SyncNode;
  }

  /** As after a kill and a start with an empty memory. */
  restart(node: SyncNode): void {
    node.sync = this.newSync(node);
    node.restored = undefined;
  }

  /** Runs until it holds; false when it does not in time. */
  runUntil(condition: () => boolean, limitMs: number): boolean {
    const endNs = this.nowNs + BigInt(limitMs) * NS_PER_MS;
    while (!condition()) {
      if (this.nowNs >= endNs) {
        return false;
      }
      this.step();
    }
    return true;
  }

  private step(): void {
    this.nowNs += NS_PER_MS;
    const due = this.messages.filter(({ atNs }) => atNs <= this.nowNs);
    this.messages = this.messages.filter(({ atNs }) => atNs > this.nowNs);
    for (const { from, to, message } of due) {
      const node = this.nodes.find(({ nodeId }) => nodeId === to);
      if (node?.up === true) {
        this.deliver(node, from, message);
      }
    }
    for (const node of this.nodes.filter(({ up }) => up)) {
      const peersUp = this.nodes.filter((peer) => peer.up && peer !== node);
      const restored = node.sync.step(
        this.nowNs,
        peersUp.map(({ nodeId }) => nodeId),
      );
      if (restored !== undefined) {
        node.restored = restored;
        node.checkpoints = [restored.checkpoint];
      }
    }
  }

  private deliver({ sync }: SyncNode, from: NodeId, message: Message): void {
    switch (message.kind) {
      case 'adverts':
        sync.onAdverts(from, message.adverts);
        return;
      case 'request':
        sync.onRequest(from, message.request);
        return;
      case 'response':
        sync.onResponse(from, message.response, this.nowNs);
    }
  }

  private send(from: NodeId, to: NodeId, message: Message): void {
    if (this.chance.below(100) >= this.lossPercent) {
      const atNs = this.nowNs + BigInt(2 + this.chance.below(4)) * NS_PER_MS;
      this.messages.push({ atNs, from, to, message });
    }
  }

  private newNode(nodeId: NodeId): SyncNode {
    const node: Omit<SyncNode, 'sync'> & { sync?: StateSync } = {
      nodeId,
      checkpoints: [],
      up: true,
      trace: [],
      restored: undefined,
      requestsServed: 0,
      answer: (response) => response,
    };
    node.sync = this.newSync(node as SyncNode);
    return node as SyncNode;
  }

  private newSync(node: SyncNode): StateSync {
    const { nodeId } = node;
    return createStateSync({
      stateManager: {
        checkpoints: () => node.checkpoints,
        checkpointAt: (height) => node.checkpoints.find((held) => held.height === height),
        latestCheckpoint: () => node.checkpoints.at(-1),
      },
      chooseIndex: this.chance.fork(nodeId).below,
      unitDelayMs: () => 1000,
      sendAdverts: (to, adverts) => this.send(nodeId, to, { kind: 'adverts', adverts }),
      sendRequest: (to, request) => this.send(nodeId, to, { kind: 'request', request }),
      sendResponse: (to, honest) => {
        node.requestsServed += 1;
        const response = node.answer(honest);
        if (response !== undefined) {
          this.send(nodeId, to, { kind: 'response', response });
        }
      },
      onTrace: (event) => node.trace.push(event),
    });
  }
}
