import { MAX_WAITING_STATE_REQUESTS, SERVED_BYTES_PER_STEP } from '../limits/state-sync.ts';
import type { StateRequest, StateResponse } from '../p2p/packet.ts';
import type { Checkpoint } from '../state-manager/checkpoint.ts';
import { ChunkIndex } from '../state-manager/chunk-ids.ts';
import type { Height, NodeId } from '../types/ids.ts';

export interface StateAnswer {
  readonly to: NodeId;
  readonly response: StateResponse;
}

/**
 * Answers peers' requests for parts of own checkpoints: so many bytes a step, peers in turns, so
 * that serving a state delays neither consensus nor another peer.
 */
export class ChunkServer {
  private readonly checkpointAt: (height: Height) => Checkpoint | undefined;
  private readonly waiting = new Map<NodeId, StateRequest[]>();
  private readonly refused: StateAnswer[] = [];
  private readonly indices = new WeakMap<Checkpoint, ChunkIndex>();

  constructor(checkpointAt: (height: Height) => Checkpoint | undefined) {
    this.checkpointAt = checkpointAt;
  }

  request(from: NodeId, request: StateRequest): void {
    const queue = this.waiting.get(from) ?? [];
    this.waiting.set(from, queue);
    if (queue.length < MAX_WAITING_STATE_REQUESTS) {
      queue.push(request);
    } else if (this.refused.length < MAX_WAITING_STATE_REQUESTS) {
      this.refused.push({ to: from, response: { ...request, bytes: null, busy: true } });
    }
  }

  hasWork(): boolean {
    return this.waiting.size > 0 || this.refused.length > 0;
  }

  /** The answers of one step. */
  serve(peersUp: readonly NodeId[]): readonly StateAnswer[] {
    const answers = this.refused.splice(0);
    let left = SERVED_BYTES_PER_STEP;
    for (const peer of this.waiting.keys()) {
      if (!peersUp.includes(peer)) {
        this.waiting.delete(peer);
      }
    }
    while (left > 0 && this.waiting.size > 0) {
      for (const [peer, queue] of [...this.waiting]) {
        const request = queue.shift();
        // Put behind the others: the next step begins with whoever was not reached in this one.
        this.waiting.delete(peer);
        if (queue.length > 0) {
          this.waiting.set(peer, queue);
        }
        if (request !== undefined) {
          const bytes = this.bytesOf(request) ?? null;
          left -= bytes?.length ?? 0;
          answers.push({ to: peer, response: { ...request, bytes, busy: false } });
        }
        if (left <= 0) {
          break;
        }
      }
    }
    return answers;
  }

  private bytesOf({ height, root, chunk }: StateRequest): Uint8Array | undefined {
    const checkpoint = this.checkpointAt(height);
    if (checkpoint === undefined || checkpoint.hash !== root) {
      return undefined;
    }
    const index = this.indices.get(checkpoint) ?? new ChunkIndex(checkpoint);
    this.indices.set(checkpoint, index);
    return index.bytesOf(chunk);
  }
}
