import { encodeCbor } from '../../protocol/crypto/cbor-encode.ts';
import { asBytes, asMap, decodeCbor } from '../../protocol/crypto/cbor.ts';
import { messageIdOf, requestIdOfContent } from '../../protocol/crypto/representation-hash.ts';
import {
  canisterIdFromU64,
  principalToBytes,
  principalToText,
} from '../../protocol/crypto/principal.ts';
import type { HttpReply } from '../../protocol/node/node-io.ts';
import type { CanisterId, MessageId } from '../../protocol/types/ids.ts';
import type { Simulation } from '../simulation.ts';

/** A call on its way: the message's id, and whether the subnet's certificate for it came back. */
export interface Call {
  readonly messageId: MessageId;
  state: 'open' | 'certified' | 'refused';
}

const ANONYMOUS = Uint8Array.of(4);
/** Management canister aaaaa-aa: the empty principal. */
const MANAGEMENT = new Uint8Array(0);
/** Candid of an empty record: every field of the argument is optional. */
const EMPTY_RECORD = Uint8Array.of(0x44, 0x49, 0x44, 0x4c, 1, 0x6c, 0, 1, 0);
const EXPIRY_NS = 240_000_000_000n;
const NS_PER_S = 1_000_000_000n;
const CALL_AGAIN_AFTER_MS = 15_000;

export interface CallContent {
  /** Null = the management canister. */
  readonly canisterId: CanisterId | null;
  readonly effectiveCanisterId: CanisterId;
  readonly methodName: string;
  readonly arg: Uint8Array;
}

/** The cheapest message that changes the state and runs no Wasm. */
export const CREATE_CANISTER: CallContent = {
  canisterId: null,
  // Any canister id of the subnet's range serves as the effective one.
  effectiveCanisterId: canisterIdFromU64(0n),
  methodName: 'provisional_create_canister_with_cycles',
  arg: EMPTY_RECORD,
};

function isCertified(reply: HttpReply | null): boolean {
  const decoded = reply?.status === 200 ? decodeCbor(reply.body, { maxDepth: 4 }) : undefined;
  return decoded?.ok === true && asBytes(asMap(decoded.value)?.get('certificate')) !== undefined;
}

/** Whole seconds, as agents send it. */
function expiryOf(simulation: Simulation): bigint {
  return ((simulation.nowNs() + EXPIRY_NS) / NS_PER_S) * NS_PER_S;
}

/** Calls anonymously; `number` tells the message from others with the same content. */
export function call(
  simulation: Simulation,
  number: number,
  asked: CallContent = CREATE_CANISTER,
  subnet = 0,
): Call {
  const content = {
    request_type: 'call',
    canister_id: asked.canisterId === null ? MANAGEMENT : principalToBytes(asked.canisterId),
    method_name: asked.methodName,
    arg: asked.arg,
    sender: ANONYMOUS,
    ingress_expiry: expiryOf(simulation),
    nonce: Uint8Array.of(number >> 8, number & 0xff),
  };
  const decoded = decodeCbor(encodeCbor(content), { maxDepth: 2 });
  const requestId = decoded.ok ? requestIdOfContent(decoded.value) : decoded;
  if (!requestId.ok) {
    throw new TypeError('a call of the hunter has no request id');
  }
  const call: Call = { messageId: messageIdOf(requestId.value), state: 'open' };
  const { reply } = simulation.http(
    {
      method: 'POST',
      path: `/api/v4/canister/${principalToText(asked.effectiveCanisterId)}/call`,
      body: encodeCbor({ content }),
    },
    subnet,
  );
  void reply.then((answer) => {
    call.state = isCertified(answer) ? 'certified' : 'refused';
  });
  return call;
}

/** Asks one node, whose word is not checked: for times when all are honest. Undefined = no reply. */
export async function query(
  simulation: Simulation,
  canisterId: CanisterId,
  methodName: string,
  subnet: number,
): Promise<Uint8Array | undefined> {
  const content = {
    request_type: 'query',
    canister_id: principalToBytes(canisterId),
    method_name: methodName,
    arg: new Uint8Array(0),
    sender: ANONYMOUS,
    ingress_expiry: expiryOf(simulation),
  };
  const path = `/api/v3/canister/${principalToText(canisterId)}/query`;
  const { reply } = simulation.http(
    { method: 'POST', path, body: encodeCbor({ content }) },
    subnet,
  );
  const answer = await reply;
  const decoded = answer?.status === 200 ? decodeCbor(answer.body, { maxDepth: 4 }) : undefined;
  const fields = decoded?.ok === true ? asMap(decoded.value) : undefined;
  return asBytes(asMap(fields?.get('reply'))?.get('arg'));
}

/** A call that is made again until its certificate came back. */
export class PersistentCall {
  private readonly send: () => Call;
  private current: Call;
  private sentMs: number;

  constructor(send: () => Call, nowMs: number) {
    this.send = send;
    this.current = send();
    this.sentMs = nowMs;
  }

  state(): Call['state'] {
    return this.current.state;
  }

  /** Whether it is answered; calls again if not, when it was refused or takes long. */
  isAnswered(nowMs: number): boolean {
    const { state } = this.current;
    if (state === 'refused' || (state === 'open' && nowMs > this.sentMs + CALL_AGAIN_AFTER_MS)) {
      this.current = this.send();
      this.sentMs = nowMs;
    }
    return state === 'certified';
  }
}
