import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { canisterIdFromU64 } from '../crypto/principal.ts';
import type { MessageId, PrincipalId } from '../types/ids.ts';
import type { Callback, CallContext, CallOrigin, CanisterMessage } from './canister-messages.ts';
import {
  createCanisterState,
  DEFAULT_SETTINGS,
  type CanisterState,
  type IngressMessage,
} from './canister-state.ts';
import { decodeCanister } from './decode-state.ts';
import { encodeCanister } from './encode-state.ts';

const id = canisterIdFromU64(0n);
const other = canisterIdFromU64(1n);
const user = '04' as PrincipalId;

const callerInfo = { data: Uint8Array.of(7), signer: other };
const ingress: IngressMessage = {
  messageId: 'ab'.repeat(32) as MessageId,
  sender: user,
  canisterId: id,
  effectiveCanisterId: id,
  methodName: 'm',
  arg: Uint8Array.of(1, 2),
  expiryNs: 3n,
};
const origins: readonly CallOrigin[] = [
  {
    kind: 'ingress',
    message: {
      messageId: ingress.messageId,
      sender: user,
      canisterId: id,
      effectiveCanisterId: id,
      methodName: 'm',
      callerInfo,
    },
  },
  {
    kind: 'canister',
    request: {
      sender: other,
      receiver: id,
      callbackId: 4,
      methodName: 'n',
      deadlineNs: 9n,
      callTree: { depth: 3, startTimeNs: 14n },
    },
  },
  { kind: 'systemTask' },
];
const contexts = origins.map(
  (origin, index): CallContext => ({
    id: index + 1,
    origin,
    responded: index === 1,
    deleted: index === 2,
    availableCycles: 1n << 100n,
    timeNs: 5n,
    instructionsExecuted: 6n,
  }),
);
const callback = (contextId: number): Callback => ({
  id: contextId + 10,
  contextId,
  respondent: other,
  cyclesSent: 7n,
  executionPrepayment: 8n,
  transmissionPrepayment: 9n,
  onReply: { functionIndex: 2, env: (1n << 64n) - 1n },
  onReject: { functionIndex: 3, env: 0n },
  onCleanup: contextId === 1 ? null : { functionIndex: 4, env: 1n },
  deadlineNs: 0n,
  expired: contextId === 2,
});
const request: CanisterMessage = {
  kind: 'request',
  sender: other,
  receiver: id,
  callbackId: 5,
  methodName: 'call',
  arg: Uint8Array.of(3),
  cycles: 11n,
  deadlineNs: 12n,
  callTree: { depth: 1, startTimeNs: 13n },
};
const messages: readonly CanisterMessage[] = [
  request,
  {
    kind: 'response',
    originator: id,
    respondent: other,
    callbackId: 11,
    refund: 2n,
    payload: { kind: 'reply', data: Uint8Array.of(9) },
    deadlineNs: 15n,
  },
  {
    kind: 'response',
    originator: id,
    respondent: other,
    callbackId: 12,
    refund: 0n,
    payload: { kind: 'reject', code: 5, message: 'no' },
    deadlineNs: 0n,
  },
];
const busy: CanisterState = {
  ...createCanisterState({
    height: 1,
    canisterId: id,
    controllers: [user],
    cycles: 1000n,
    settings: DEFAULT_SETTINGS,
    timeNs: 1n,
    creator: { kind: 'user', userId: user },
  }),
  nextMemoryVersion: 0,
  status: 'stopping',
  ingressQueue: [ingress, { ...ingress, callerInfo }],
  inputQueues: [{ sender: other, isRemote: true, messages }],
  nextInput: 'remote',
  outputQueues: [
    {
      receiver: other,
      messages: messages.map((message, at) => ({ message, expiresNs: BigInt(at) })),
    },
  ],
  calls: {
    nextContextId: 4,
    nextCallbackId: 14,
    contexts,
    callbacks: contexts.map((context) => callback(context.id)),
  },
  stopRequests: [
    { message: ingress, timeNs: 1n },
    { message: request, timeNs: 2n },
  ],
};

describe('the encoded state of a canister with open calls', () => {
  it('comes back as it was', () => {
    expect(decodeCanister(encodeCanister(busy))).toEqual({ ok: true, value: busy });
  });

  it('is refused when a callback belongs to no call', () => {
    const lost = { ...busy, calls: { ...busy.calls, contexts: contexts.slice(1) } };
    expect(decodeCanister(encodeCanister(lost))).toMatchObject({
      ok: false,
      error: { code: 'MALFORMED_STATE' },
    });
  });

  const encoded = encodeCanister(busy);
  test.prop([fc.nat(encoded.length - 1), fc.nat(255), fc.nat(encoded.length)], { numRuns: 2000 })(
    'never makes the decoder throw, whatever is changed or cut',
    (at, byte, length) => {
      const damaged = encoded.slice(0, byte === 0 ? length : encoded.length);
      if (at < damaged.length) {
        damaged[at] = byte;
      }
      const decoded = decodeCanister(damaged);
      expect(decoded.ok || decoded.error.code === 'MALFORMED_STATE').toBe(true);
    },
  );
});
