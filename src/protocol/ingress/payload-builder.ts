import { assert } from '../../base/assert.ts';
import { equalBytes } from '../../base/bytes.ts';
import { bytesToHex } from '../../base/hex.ts';
import { createLru, type Lru } from '../../base/lru.ts';
import type { SignatureTrust } from '../crypto/canister-signature.ts';
import { sha256 } from '../crypto/sha256.ts';
import { checkAffordable, ingressInductionFee } from '../execution/cycles-account-manager.ts';
import type { ExecutionEnvironment } from '../execution/execution-environment.ts';
import { authenticate } from '../http/authenticate.ts';
import type { Envelope } from '../http/envelope.ts';
import type {
  BatchPayload,
  PayloadBuilder,
  SignedIngress,
  Validation,
  ValidationContext,
} from '../interfaces/replica.ts';
import { MAX_INGRESS_TTL_NS } from '../limits/messaging.ts';
import { isRegistry } from '../execution/registry-call.ts';
import { chargedBytes, ingressPayer } from '../messaging/valid-set-rule.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import type { CanisterId, Cycles, Height, MessageId, TimeNs } from '../types/ids.ts';
import type { IngressPool } from './ingress-pool.ts';
import { isTimely, type QueryStatsPayloads } from './query-stats-payloads.ts';
import { decodeIngress, type DecodedIngress } from './signed-ingress.ts';

/**
 * Chooses the ingress messages of a block and checks those of others.
 * Security: every node checks each envelope's signature itself; no message is in the chain twice
 * while its expiry is valid.
 * @upstream rs/ingress_manager/src/ingress_selector.rs
 */

export interface PayloadLimits {
  readonly maxMessages: number;
  readonly maxBlockBytes: number;
  readonly maxMessageBytes: number;
}

export interface PayloadBuilderConfig {
  readonly pool: IngressPool;
  readonly env: ExecutionEnvironment;
  /** For canister signatures of users. */
  readonly trust: SignatureTrust;
  readonly limits: PayloadLimits;
  /** The state of a height, or undefined when it isn't there (yet or any more). */
  readonly stateAt: (height: Height) => ReplicatedState | undefined;
  /** The oldest state still kept, for blocks with an older context. */
  readonly oldestState: () => ReplicatedState;
  /** This node's part in query statistics. */
  readonly queryStats?: QueryStatsPayloads;
}

/** Envelopes whose signature was found good; enough for several full blocks. */
const VERIFIED_CAPACITY = 4096;

/** Of calls and query statistics. */
export interface IngressPayloads extends PayloadBuilder {
  /** @param maxBytes what other sections leave of a block; its limit unless given */
  build(context: ValidationContext, past: readonly BatchPayload[], maxBytes?: number): BatchPayload;
}

class IngressPayloadBuilder implements IngressPayloads {
  private readonly config: PayloadBuilderConfig;
  /** Hash of the envelope's bytes → authentic at least until that time. */
  private readonly verified: Lru<TimeNs> = createLru<TimeNs>(VERIFIED_CAPACITY);
  private readonly decoded = new WeakMap<Uint8Array, DecodedIngress>();

  constructor(config: PayloadBuilderConfig) {
    this.config = config;
  }

  build(
    context: ValidationContext,
    past: readonly BatchPayload[],
    maxBytes = this.config.limits.maxBlockBytes,
  ): BatchPayload {
    const state = this.stateFor(context.certifiedHeight);
    if (state === undefined) {
      return { ingress: [] };
    }
    const known = this.messageIds(past);
    const spent = new Map<CanisterId, Cycles>();
    const ingress: Uint8Array[] = [];
    let bytes = 0;
    for (const message of this.config.pool.messages()) {
      const { maxMessages, maxMessageBytes } = this.config.limits;
      const size = message.envelope.length;
      if (ingress.length >= maxMessages) {
        break;
      }
      const fits = size <= maxMessageBytes && bytes + size <= maxBytes;
      const fresh =
        !known.has(message.messageId) && !state.ingressHistory.entries.has(message.messageId);
      if (
        fits &&
        fresh &&
        isInWindow(message, context.timeNs) &&
        this.canPay(state, message, spent)
      ) {
        ingress.push(message.envelope);
        bytes += size;
      }
    }
    assert(ingress.length <= this.config.limits.maxMessages, 'a payload keeps its limits');
    const queryStats = this.config.queryStats?.next(context.certifiedHeight, state);
    return queryStats === undefined ? { ingress } : { ingress, queryStats };
  }

  validate(
    payload: BatchPayload,
    context: ValidationContext,
    past: readonly BatchPayload[],
  ): Validation {
    const { maxMessages, maxBlockBytes, maxMessageBytes } = this.config.limits;
    const bytes = payload.ingress.reduce((sum, envelope) => sum + envelope.length, 0);
    if (payload.ingress.length > maxMessages || bytes > maxBlockBytes) {
      return invalid('PAYLOAD_TOO_LARGE', `${payload.ingress.length} messages of ${bytes} bytes`);
    }
    const { queryStats } = payload;
    if (queryStats !== undefined && !isTimely(queryStats, context.certifiedHeight)) {
      return invalid('QUERY_STATS_TOO_EARLY', `epoch ${queryStats.epoch} is not over`);
    }
    const state = this.stateFor(context.certifiedHeight);
    if (state === undefined) {
      return { kind: 'undecided', code: 'STATE_NOT_AVAILABLE' };
    }
    const known = this.messageIds(past);
    for (const envelope of payload.ingress) {
      if (envelope.length > maxMessageBytes) {
        return invalid('MESSAGE_TOO_LARGE', `an ingress message has ${envelope.length} bytes`);
      }
      const decoded = this.decode(envelope);
      if (decoded === undefined) {
        return invalid('MALFORMED_INGRESS', 'an ingress message cannot be decoded');
      }
      const { messageId } = decoded.message;
      if (known.has(messageId) || state.ingressHistory.entries.has(messageId)) {
        return invalid('DUPLICATE_INGRESS', `message ${messageId} is in the chain already`);
      }
      known.add(messageId);
      const refusal = this.authenticityError(decoded, context.timeNs);
      if (refusal !== undefined) {
        return invalid('UNAUTHENTIC_INGRESS', refusal);
      }
    }
    return { kind: 'valid' };
  }

  /**
   * A later state than the context's serves as well: what was executed in between is in `past`,
   * and so counts as known either way.
   */
  private stateFor(height: Height): ReplicatedState | undefined {
    const oldest = this.config.oldestState();
    return height < oldest.height ? oldest : this.config.stateAt(height);
  }

  private decode(envelope: Uint8Array): DecodedIngress | undefined {
    const cached = this.decoded.get(envelope);
    if (cached !== undefined) {
      return cached;
    }
    const decoded = decodeIngress(envelope);
    if (decoded.ok) {
      this.decoded.set(envelope, decoded.value);
    }
    return decoded.ok ? decoded.value : undefined;
  }

  private messageIds(past: readonly BatchPayload[]): Set<MessageId> {
    const ids = new Set<MessageId>();
    for (const payload of past) {
      for (const envelope of payload.ingress) {
        const decoded = this.decode(envelope);
        if (decoded !== undefined) {
          ids.add(decoded.message.messageId);
        }
      }
    }
    return ids;
  }

  private authenticityError(decoded: DecodedIngress, timeNs: TimeNs): string | undefined {
    const { message, envelope } = decoded;
    if (!isInWindow(message, timeNs)) {
      return `message ${message.messageId} is expired or expires too late`;
    }
    if (this.isPooled(message) && timeNs <= validUntil(envelope)) {
      return undefined;
    }
    const key = bytesToHex(sha256(message.envelope));
    const until = this.verified.get(key);
    if (until !== undefined && timeNs <= until) {
      return undefined;
    }
    const authentic = authenticate(envelope, message.canisterId, timeNs, this.config.trust);
    if (!authentic.ok) {
      return authentic.error.message;
    }
    this.verified.set(key, validUntil(envelope));
    return undefined;
  }

  /** The pool holds authenticated messages only; the very bytes count, not just the id. */
  private isPooled(message: SignedIngress): boolean {
    const pooled = this.config.pool.get(message.messageId);
    return pooled !== undefined && equalBytes(pooled.envelope, message.envelope);
  }

  /** Counts the fee against the payer's balance, with all fees of this block. */
  private canPay(
    state: ReplicatedState,
    message: SignedIngress,
    spent: Map<CanisterId, Cycles>,
  ): boolean {
    if (isRegistry(state, message.canisterId)) {
      return true;
    }
    const payer = ingressPayer(message);
    const canister = payer === undefined ? undefined : state.canisters.get(payer);
    if (payer === undefined) {
      return true;
    }
    if (canister === undefined) {
      return false;
    }
    const fees =
      (spent.get(payer) ?? 0n) + ingressInductionFee(this.config.env, chargedBytes(message));
    if (checkAffordable(this.config.env, canister, fees, false) !== undefined) {
      return false;
    }
    spent.set(payer, fees);
    return true;
  }
}

function invalid(code: string, message: string): Validation {
  return { kind: 'invalid', code, message };
}

/**
 * Not expired at the block's time, and not living longer than its entry in the ingress history will:
 * else it could be executed again after that was forgotten. A message that a client's clock puts
 * further ahead waits in the pool.
 */
function isInWindow(message: SignedIngress, timeNs: TimeNs): boolean {
  return (
    timeNs <= message.ingressExpiryNs && message.ingressExpiryNs <= timeNs + MAX_INGRESS_TTL_NS
  );
}

/** Until when a good signature stays good: the earliest expiry of message and delegations. */
function validUntil(envelope: Envelope): TimeNs {
  return envelope.delegations.reduce(
    (earliest, delegation) =>
      delegation.expirationNs < earliest ? delegation.expirationNs : earliest,
    envelope.content.ingressExpiryNs,
  );
}

export function createPayloadBuilder(config: PayloadBuilderConfig): IngressPayloads {
  return new IngressPayloadBuilder(config);
}
