import { requestIdOf, type CallRequest } from '@icp-sdk/core/agent';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { Principal } from '@icp-sdk/core/principal';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../base/hex.ts';
import { encodeCbor, type CborRecord } from '../crypto/cbor.ts';
import { canisterIdFromU64, principalToBytes } from '../crypto/principal.ts';
import type { ExecutionEnvironment } from '../execution/execution-environment.ts';
import type { BatchPayload, SignedIngress, ValidationContext } from '../interfaces/replica.ts';
import { MAINNET_EXECUTION_LIMITS } from '../limits/execution.ts';
import { MAX_INGRESS_TTL_NS } from '../limits/messaging.ts';
import { createCanisterState, DEFAULT_SETTINGS } from '../replicated-state/canister-state.ts';
import {
  emptyIngressHistory,
  pruneIngressHistory,
  withIngressStatus,
} from '../replicated-state/ingress-history.ts';
import { RadixMap } from '../replicated-state/radix-map.ts';
import { NO_METRICS, type ReplicatedState } from '../replicated-state/replicated-state.ts';
import { EMPTY_SCHEDULE } from '../replicated-state/schedule.ts';
import { NO_OUTBOUND } from '../replicated-state/streams.ts';
import type { Cycles, MessageId, PrincipalId, SubnetId } from '../types/ids.ts';
import { createIngressPool, type IngressPool } from './ingress-pool.ts';
import { createPayloadBuilder, type PayloadLimits } from './payload-builder.ts';
import { decodeIngress } from './signed-ingress.ts';

const NOW = 1_800_000_000_000_000_000n;
const SECOND = 1_000_000_000n;
const canisterId = canisterIdFromU64(5n);
const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(1));
const sender = bytesToHex(identity.getPrincipal().toUint8Array()) as PrincipalId;

const env: ExecutionEnvironment = {
  subnetId: '01' as SubnetId,
  subnetType: 'application',
  specialization: 'none',
  nodeCount: 13,
  rootKeyDer: new Uint8Array(0),
  limits: MAINNET_EXECUTION_LIMITS,
  checkpointInterval: 500,
};

function stateWith(cycles: Cycles, known: readonly MessageId[] = []): ReplicatedState {
  let ingressHistory = emptyIngressHistory();
  for (const id of known) {
    const entry = {
      status: { kind: 'received' },
      sender,
      effectiveCanisterId: canisterId,
      timeNs: NOW,
    } as const;
    ingressHistory = withIngressStatus(ingressHistory, id, entry);
  }
  const canister = createCanisterState({
    height: 0,
    canisterId,
    controllers: [],
    cycles,
    settings: DEFAULT_SETTINGS,
    timeNs: NOW,
    creator: { kind: 'user', userId: sender },
  });
  return {
    height: 0,
    timeNs: NOW,
    previousRoot: null,
    subnetId: '01' as SubnetId,
    canisters: RadixMap.empty<typeof canister>().set(canisterId, canister),
    ingressHistory,
    subnetQueue: [],
    randomRequests: [],
    registry: null,
    topology: null,
    ...NO_OUTBOUND,
    canisterIds: { ranges: [], next: undefined },
    schedule: EMPTY_SCHEDULE,
    queryStats: { nextEpoch: 0, reports: [] },
    metrics: NO_METRICS,
    nodeMetrics: [],
    atCheckpoint: RadixMap.empty(),
  };
}

interface CallOptions {
  readonly nonce?: number;
  readonly expiryNs?: bigint;
  readonly argBytes?: number;
  readonly forge?: boolean;
}

async function envelope(options: CallOptions = {}): Promise<Uint8Array> {
  const content: CborRecord = {
    request_type: 'call',
    canister_id: principalToBytes(canisterId),
    method_name: 'inc',
    arg: new Uint8Array(options.argBytes ?? 0),
    sender: principalToBytes(sender),
    ingress_expiry: options.expiryNs ?? NOW + 60n * SECOND,
    nonce: Uint8Array.of(options.nonce ?? 0),
  };
  const requestId = requestIdOf(content as unknown as CallRequest);
  const separator = new Uint8Array([0x0a, ...Buffer.from('ic-request')]);
  const signature = await identity.sign(new Uint8Array([...separator, ...requestId]));
  const sig = Uint8Array.from(signature);
  if (options.forge === true) {
    sig[10] = (sig[10] as number) ^ 1;
  }
  const pubkey = Uint8Array.from(identity.getPublicKey().toDer());
  return encodeCbor({ content, sender_pubkey: pubkey, sender_sig: sig }, { selfDescribed: true });
}

function message(bytes: Uint8Array): SignedIngress {
  const decoded = decodeIngress(bytes);
  if (!decoded.ok) {
    throw new Error(decoded.error.message);
  }
  return decoded.value.message;
}

const LIMITS: PayloadLimits = { maxMessages: 3, maxBlockBytes: 5000, maxMessageBytes: 2000 };
const context: ValidationContext = { certifiedHeight: 0, registryVersion: 1, timeNs: NOW };
const RICH = 1_000_000_000_000_000n;

function builderOn(state: ReplicatedState, pool: IngressPool = createIngressPool()) {
  return createPayloadBuilder({
    trust: { rootKeyDer: new Uint8Array(133), bls: { verify: () => false } },
    pool,
    env,
    limits: LIMITS,
    stateAt: (height) => (height === 0 ? state : undefined),
    oldestState: () => state,
  });
}

function codeOf(verdict: ReturnType<ReturnType<typeof builderOn>['validate']>): string {
  return verdict.kind === 'valid' ? 'valid' : verdict.code;
}

describe('ingress payloads', () => {
  it('decodes a call as its sender signed it', async () => {
    const decoded = message(await envelope({ nonce: 4 }));
    expect(Principal.fromHex(decoded.sender).toText()).toBe(identity.getPrincipal().toText());
    expect(decoded).toMatchObject({
      canisterId,
      effectiveCanisterId: canisterId,
      methodName: 'inc',
    });
  });

  it('CN50: builds what it accepts itself: in order, within limits, without what is known', async () => {
    const envelopes = await Promise.all([0, 1, 2, 3, 4, 5].map((nonce) => envelope({ nonce })));
    const pool = createIngressPool();
    for (const bytes of envelopes) {
      expect(pool.add(message(bytes))).toBe('added');
    }
    expect(pool.add(message(envelopes[0] as Uint8Array))).toBe('known');
    const state = stateWith(RICH, [message(envelopes[1] as Uint8Array).messageId]);
    const builder = builderOn(state, pool);
    const past: BatchPayload[] = [{ ingress: [envelopes[2] as Uint8Array] }];
    const payload = builder.build(context, past);
    expect(payload.ingress).toEqual([envelopes[0], envelopes[3], envelopes[4]]);
    expect(builder.validate(payload, context, past)).toEqual({ kind: 'valid' });
    // Another node has never seen the messages and comes to the same verdict.
    expect(builderOn(state).validate(payload, context, past)).toEqual({ kind: 'valid' });
  });

  it('CN50: names what is wrong with a payload', async () => {
    const builder = builderOn(stateWith(RICH));
    const good = await envelope();
    const check = (ingress: readonly Uint8Array[], past: readonly BatchPayload[] = []): string =>
      codeOf(builder.validate({ ingress }, context, past));
    expect(check([good])).toBe('valid');
    expect(check([good, good])).toBe('DUPLICATE_INGRESS');
    expect(check([good], [{ ingress: [good.slice()] }])).toBe('DUPLICATE_INGRESS');
    expect(
      codeOf(
        builderOn(stateWith(RICH, [message(good).messageId])).validate(
          { ingress: [good] },
          context,
          [],
        ),
      ),
    ).toBe('DUPLICATE_INGRESS');
    expect(check([await envelope({ forge: true })])).toBe('UNAUTHENTIC_INGRESS');
    expect(check([await envelope({ expiryNs: NOW - 1n })])).toBe('UNAUTHENTIC_INGRESS');
    expect(check([await envelope({ expiryNs: NOW + 300n * SECOND + 1n })])).toBe(
      'UNAUTHENTIC_INGRESS',
    );
    expect(check([await envelope({ argBytes: 2000 })])).toBe('MESSAGE_TOO_LARGE');
    expect(check([good.slice(0, -1)])).toBe('MALFORMED_INGRESS');
    expect(check([good, good, good, good])).toBe('PAYLOAD_TOO_LARGE');
    const queryStats = { epoch: 0, canisters: [] };
    expect(codeOf(builder.validate({ ingress: [], queryStats }, context, []))).toBe(
      'QUERY_STATS_TOO_EARLY',
    );
    const ahead = { ...context, certifiedHeight: 9 };
    expect(codeOf(builder.validate({ ingress: [good] }, ahead, []))).toBe('STATE_NOT_AVAILABLE');
  });

  it('does not trust a verdict beyond the expiry it was given for', async () => {
    const builder = builderOn(stateWith(RICH));
    const ingress = [await envelope({ expiryNs: NOW + 10n * SECOND })];
    const at = (timeNs: bigint): string =>
      codeOf(builder.validate({ ingress }, { ...context, timeNs }, []));
    expect(at(NOW)).toBe('valid');
    expect(at(NOW + 10n * SECOND)).toBe('valid');
    expect(at(NOW + 10n * SECOND + 1n)).toBe('UNAUTHENTIC_INGRESS');
  });

  it('CN50: lets nothing into a block that outlives its entry in the ingress history', async () => {
    const pool = createIngressPool();
    const longest = await envelope({ expiryNs: NOW + MAX_INGRESS_TTL_NS });
    const tooLong = await envelope({ nonce: 1, expiryNs: NOW + MAX_INGRESS_TTL_NS + 1n });
    pool.add(message(tooLong));
    pool.add(message(longest));
    expect(builderOn(stateWith(RICH), pool).build(context, []).ingress).toEqual([longest]);
    // Executed at once, the entry is still there at the last moment the message could come again.
    const { messageId, ingressExpiryNs } = message(longest);
    const status = { kind: 'replied', reply: new Uint8Array(0) } as const;
    const entry = { status, sender, effectiveCanisterId: canisterId, timeNs: NOW };
    const history = withIngressStatus(emptyIngressHistory(), messageId, entry);
    expect(pruneIngressHistory(history, ingressExpiryNs).entries.has(messageId)).toBe(true);
  });

  it('takes the word of its pool for the very same bytes only', async () => {
    const pool = createIngressPool();
    const good = await envelope();
    pool.add(message(good));
    const builder = builderOn(stateWith(RICH), pool);
    const check = (bytes: Uint8Array): string =>
      codeOf(builder.validate({ ingress: [bytes] }, context, []));
    expect(check(good.slice())).toBe('valid');
    expect(check(await envelope({ forge: true }))).toBe('UNAUTHENTIC_INGRESS');
  });

  it('leaves out what the payer cannot pay', async () => {
    const pool = createIngressPool();
    pool.add(message(await envelope()));
    expect(builderOn(stateWith(1000n), pool).build(context, []).ingress).toEqual([]);
    expect(builderOn(stateWith(RICH), pool).build(context, []).ingress).toHaveLength(1);
  });

  it('bounds the pool and purges what expired or is done', async () => {
    const pool = createIngressPool({ maxMessages: 2, maxBytes: 10_000 });
    const [a, b, c] = await Promise.all(
      [0, 1, 2].map(async (nonce) => message(await envelope({ nonce }))),
    );
    if (a === undefined || b === undefined || c === undefined) {
      throw new Error('three messages');
    }
    expect([pool.add(a), pool.add(b), pool.add(c)]).toEqual(['added', 'added', 'full']);
    expect(pool.purge(NOW, (id) => id === a.messageId)).toEqual([a.messageId]);
    expect(pool.add(c)).toBe('added');
    expect(pool.purge(NOW + 61n * SECOND, () => false)).toHaveLength(2);
    expect([pool.size, pool.bytes]).toEqual([0, 0]);
  });

  test.prop([fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 3 })])(
    'validates garbage without throwing',
    (ingress) => {
      const code = codeOf(builderOn(stateWith(RICH)).validate({ ingress }, context, []));
      expect(code).toBe(ingress.length === 0 ? 'valid' : 'MALFORMED_INGRESS');
    },
  );
});
