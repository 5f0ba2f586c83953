import type { SignedIngress } from '../interfaces/replica.ts';
import { MAX_INGRESS_POOL_BYTES, MAX_INGRESS_POOL_MESSAGES } from '../limits/interface.ts';
import type { MessageId, TimeNs } from '../types/ids.ts';

/**
 * Calls waiting to get into a block, in order of arrival; bounded in number and bytes.
 * @upstream rs/artifact_pool/src/ingress_pool.rs
 */
export type PoolOutcome = 'added' | 'known' | 'full';

export interface IngressPool {
  /** Takes a message whose envelope was authenticated. */
  add(message: SignedIngress): PoolOutcome;
  get(messageId: MessageId): SignedIngress | undefined;
  remove(messageId: MessageId): void;
  /** Drops what expired before `nowNs` and what `isDone` tells is executed. */
  purge(nowNs: TimeNs, isDone: (messageId: MessageId) => boolean): readonly MessageId[];
  messages(): Iterable<SignedIngress>;
  readonly size: number;
  readonly bytes: number;
}

export interface IngressPoolLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

const DEFAULT_LIMITS: IngressPoolLimits = {
  maxMessages: MAX_INGRESS_POOL_MESSAGES,
  maxBytes: MAX_INGRESS_POOL_BYTES,
};

class IngressPoolImpl implements IngressPool {
  private readonly byId = new Map<MessageId, SignedIngress>();
  private readonly limits: IngressPoolLimits;
  bytes = 0;

  constructor(limits: IngressPoolLimits) {
    this.limits = limits;
  }

  get size(): number {
    return this.byId.size;
  }

  add(message: SignedIngress): PoolOutcome {
    if (this.byId.has(message.messageId)) {
      return 'known';
    }
    const bytes = this.bytes + message.envelope.length;
    if (this.byId.size >= this.limits.maxMessages || bytes > this.limits.maxBytes) {
      return 'full';
    }
    this.byId.set(message.messageId, message);
    this.bytes = bytes;
    return 'added';
  }

  get(messageId: MessageId): SignedIngress | undefined {
    return this.byId.get(messageId);
  }

  remove(messageId: MessageId): void {
    const message = this.byId.get(messageId);
    if (message !== undefined) {
      this.bytes -= message.envelope.length;
      this.byId.delete(messageId);
    }
  }

  purge(nowNs: TimeNs, isDone: (messageId: MessageId) => boolean): readonly MessageId[] {
    const purged: MessageId[] = [];
    for (const message of this.byId.values()) {
      if (message.ingressExpiryNs < nowNs || isDone(message.messageId)) {
        this.remove(message.messageId);
        purged.push(message.messageId);
      }
    }
    return purged;
  }

  messages(): Iterable<SignedIngress> {
    return this.byId.values();
  }
}

export function createIngressPool(limits: IngressPoolLimits = DEFAULT_LIMITS): IngressPool {
  return new IngressPoolImpl(limits);
}
