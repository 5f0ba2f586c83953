import type { CodedError } from '../../base/result.ts';
import { codedError } from '../../base/result.ts';
import { networkTrust, type SignatureTrust } from '../crypto/canister-signature.ts';
import type { ExecutionEnvironment } from '../execution/execution-environment.ts';
import { QueryStatsCollector } from '../execution/query/query-stats-collector.ts';
import { authenticate } from '../http/authenticate.ts';
import { createIngressPool } from '../ingress/ingress-pool.ts';
import type { IngressPool } from '../ingress/ingress-pool.ts';
import { createPayloadBuilder, type IngressPayloads } from '../ingress/payload-builder.ts';
import { QueryStatsPayloads } from '../ingress/query-stats-payloads.ts';
import { decodeIngress } from '../ingress/signed-ingress.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { SignedIngress } from '../interfaces/replica.ts';
import type { Gossip } from '../p2p/gossip.ts';
import { INGRESS_KIND } from '../p2p/packet.ts';
import type { ArtifactName } from '../p2p/packet.ts';
import type { BouncerValue } from '../p2p/slot-receiver.ts';
import { isTerminal } from '../replicated-state/ingress-history.ts';
import type { StateManager } from '../state-manager/state-manager.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { MessageId, NodeId, TimeNs } from '../types/ids.ts';

/** A peer's call is authenticated as it comes: a signature or two, in the units of P2P work. */
export const WORK_OF_INGRESS = 2000;
const PURGE_EVERY_NS: TimeNs = 1_000_000_000n;

export interface IngressManagerDeps {
  readonly nodeId: NodeId;
  readonly genesis: SubnetGenesis;
  readonly env: ExecutionEnvironment;
  readonly crypto: NodeCrypto;
  readonly rootKeyDer: Uint8Array;
  readonly stateManager: StateManager;
  readonly gossip: Pick<Gossip, 'deliver' | 'withdraw'>;
}

/**
 * The calls that wait for a block: own clients' and peers'.
 *
 * Liveness: a call that one honest node admitted reaches every node's pool, so the next honest
 * maker can include it. Security: a peer's call is authenticated like a client's; the pool is
 * bounded. Upstream: rs/ingress_manager.
 */
export class IngressManager {
  readonly payloadBuilder: IngressPayloads;
  /** For canister signatures of users. */
  readonly trust: SignatureTrust;
  /** Counts this node's queries, which its blocks report. */
  readonly queryStats = new QueryStatsCollector();
  private readonly deps: IngressManagerDeps;
  private readonly pool: IngressPool = createIngressPool();
  private purgeAtNs: TimeNs = 0n;

  constructor(deps: IngressManagerDeps) {
    const { stateManager, env, genesis } = deps;
    const { parameters } = genesis;
    this.deps = deps;
    this.trust = networkTrust(deps.crypto, deps.rootKeyDer);
    this.payloadBuilder = createPayloadBuilder({
      pool: this.pool,
      env,
      trust: this.trust,
      queryStats: new QueryStatsPayloads(deps.nodeId, this.queryStats),
      limits: {
        maxMessages: parameters.maxIngressMessagesPerBlock,
        maxBlockBytes: parameters.maxBlockPayloadBytes,
        maxMessageBytes: parameters.maxIngressBytesPerMessage,
      },
      stateAt: (height) => stateManager.stateAt(height),
      oldestState: () =>
        stateManager.stateAt(stateManager.oldestHeight()) ?? stateManager.latestState(),
    });
  }

  /** A message of a block, decoded from its bytes alone. */
  read(envelope: Uint8Array): SignedIngress | undefined {
    const decoded = decodeIngress(envelope);
    return decoded.ok ? decoded.value.message : undefined;
  }

  /** The bytes of a call that waits here. */
  envelopeOf(messageId: MessageId): Uint8Array | undefined {
    return this.pool.get(messageId)?.envelope;
  }

  /** Takes an authenticated client's call and offers it to all peers. */
  admit(message: SignedIngress): boolean {
    const outcome = this.pool.add(message);
    if (outcome === 'added') {
      this.gossip.deliver(nameOf(message.messageId), message.envelope, true);
    }
    return outcome !== 'full';
  }

  bounce(name: ArtifactName): BouncerValue {
    const messageId = name.hash as MessageId;
    const known = this.pool.get(messageId) !== undefined || this.isDone(messageId);
    return known || name.height !== 0 ? 'unwanted' : 'wants';
  }

  /** A peer's call; null = taken or not needed, else why it is refused. */
  accept(name: ArtifactName, bytes: Uint8Array, nowNs: TimeNs): CodedError | null {
    if (bytes.length > this.deps.genesis.parameters.maxIngressBytesPerMessage) {
      return codedError('limit', 'INGRESS_TOO_LARGE', 'the call is larger than a block may carry');
    }
    const decoded = decodeIngress(bytes);
    if (!decoded.ok) {
      return decoded.error;
    }
    const { message, envelope } = decoded.value;
    if (message.messageId !== name.hash || name.height !== 0) {
      return codedError('input', 'ARTIFACT_MISNAMED', 'its bytes have another name');
    }
    const authentic = authenticate(envelope, message.canisterId, nowNs, this.trust);
    if (!authentic.ok) {
      return authentic.error;
    }
    this.pool.add(message);
    return null;
  }

  /** Forgets calls that were executed or expired; once a second. */
  purge(nowNs: TimeNs): void {
    if (nowNs < this.purgeAtNs || this.pool.size === 0) {
      return;
    }
    this.purgeAtNs = nowNs + PURGE_EVERY_NS;
    for (const messageId of this.pool.purge(nowNs, (id) => this.isDone(id))) {
      this.gossip.withdraw(nameOf(messageId));
    }
  }

  nextPurgeNs(): TimeNs | null {
    return this.pool.size === 0 ? null : this.purgeAtNs;
  }

  private get gossip(): IngressManagerDeps['gossip'] {
    return this.deps.gossip;
  }

  private isDone(messageId: MessageId): boolean {
    const entry = this.deps.stateManager.latestState().ingressHistory.entries.get(messageId);
    return entry !== undefined && isTerminal(entry.status);
  }
}

function nameOf(messageId: MessageId): ArtifactName {
  // Calls travel between nodes under their message id.
  return { kind: INGRESS_KIND, height: 0, hash: messageId };
}
