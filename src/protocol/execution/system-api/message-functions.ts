import { concatBytes } from '../../../base/bytes.ts';
import { hexToBytes } from '../../../base/hex.ts';
import { present } from '../../../base/assert.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import { contractViolation } from './canister-trap.ts';
import { CONTEXT_NAMES } from './contexts.ts';
import { BYTE_COST } from './costs.ts';
import type { SystemApiFunctions } from './functions.ts';
import type { ApiSession } from './session.ts';
import { displayText } from './session.ts';

const MIB = 1024 * 1024;
/** @upstream rs/types/types/src/lib.rs#MAX_INTER_CANISTER_PAYLOAD_IN_BYTES and query replies */
const MAX_REPLICATED_REPLY_BYTES = 2 * MIB;
const MAX_QUERY_REPLY_BYTES = 3 * MIB;

function principalBytes(id: string): Uint8Array {
  return present(hexToBytes(id), 'a principal id is hex');
}

function requireOpenCall(session: ApiSession, name: string): void {
  if (session.response.kind !== 'none' || session.input.call.responded) {
    throw contractViolation(`ic0.${name}: the call is already replied`);
  }
}

function replyLimit(session: ApiSession): number {
  return session.input.replicated ? MAX_REPLICATED_REPLY_BYTES : MAX_QUERY_REPLY_BYTES;
}

function requireReplySize(session: ApiSession, name: string, bytes: number): void {
  const limit = replyLimit(session);
  if (bytes > limit) {
    throw contractViolation(
      `ic0.${name}: application payload size (${bytes}) cannot be larger than ${limit}.`,
    );
  }
}

function certificate(session: ApiSession, name: string): Uint8Array {
  const { dataCertificate, context } = session.input;
  if (dataCertificate === null) {
    throw contractViolation(`"ic0_${name}" cannot be executed in ${CONTEXT_NAMES[context]} mode`);
  }
  return dataCertificate;
}

type MessageNames =
  | 'accept_message'
  | `canister_self_${'copy' | 'size'}`
  | `data_certificate_${'copy' | 'present' | 'size'}`
  | `msg_arg_data_${'copy' | 'size'}`
  | `msg_caller_${'copy' | 'size'}`
  | 'msg_deadline'
  | `msg_method_name_${'copy' | 'size'}`
  | 'msg_reject'
  | 'msg_reject_code'
  | `msg_reject_msg_${'copy' | 'size'}`
  | 'msg_reply'
  | 'msg_reply_data_append'
  | `root_key_${'copy' | 'size'}`
  | `subnet_self_${'copy' | 'size'}`;

/** Argument, caller, response and identities. */
export const messageFunctions: SystemApiFunctions<MessageNames> = {
  accept_message: (session) => {
    if (session.acceptedMessage) {
      throw contractViolation('ic0.accept_message: the function was already called.');
    }
    session.acceptedMessage = true;
  },
  canister_self_copy: (session, target, offset, size) => {
    const id = principalBytes(session.input.canisterId);
    session.copyToHeap('canister_self_copy', id, target, offset, size);
  },
  canister_self_size: (session) => session.input.canisterId.length / 2,
  data_certificate_copy: (session, target, offset, size) => {
    const bytes = certificate(session, 'data_certificate_copy');
    session.copyToHeap('data_certificate_copy', bytes, target, offset, size);
  },
  data_certificate_present: ({ input }) => (input.dataCertificate === null ? 0 : 1),
  data_certificate_size: (session) => certificate(session, 'data_certificate_size').length,
  msg_arg_data_copy: (session, target, offset, size) =>
    session.copyToHeap('msg_arg_data_copy', session.input.arg, target, offset, size),
  msg_arg_data_size: ({ input }) => input.arg.length,
  msg_caller_copy: (session, target, offset, size) => {
    const caller = principalBytes(session.input.caller);
    session.copyToHeap('msg_caller_copy', caller, target, offset, size);
  },
  msg_caller_size: ({ input }) => input.caller.length / 2,
  msg_deadline: ({ input }) => input.call.deadlineNs,
  msg_method_name_copy: (session, target, offset, size) => {
    const name = encodeUtf8(session.input.methodName);
    session.copyToHeap('msg_method_name_copy', name, target, offset, size);
  },
  msg_method_name_size: ({ input }) => encodeUtf8(input.methodName).length,
  msg_reject: (session, source, size) => {
    requireOpenCall(session, 'msg_reject');
    requireReplySize(session, 'msg_reject', size);
    session.charge(size * BYTE_COST);
    const message = displayText(session.heapRange('msg_reject', source, size));
    session.response = { kind: 'reject', message };
  },
  msg_reject_code: ({ input }) => input.call.rejectCode,
  msg_reject_msg_copy: (session, target, offset, size) => {
    const text = encodeUtf8(session.input.call.rejectMessage);
    session.copyToHeap('msg_reject_msg_copy', text, target, offset, size);
  },
  msg_reject_msg_size: ({ input }) => encodeUtf8(input.call.rejectMessage).length,
  msg_reply: (session) => {
    requireOpenCall(session, 'msg_reply');
    session.response = { kind: 'reply', data: concatBytes(...session.replyParts) };
    session.replyParts = [];
  },
  msg_reply_data_append: (session, source, size) => {
    requireOpenCall(session, 'msg_reply_data_append');
    requireReplySize(session, 'msg_reply_data_append', session.replyBytes + size);
    session.charge(size * BYTE_COST);
    const part = session.readHeap('msg_reply_data_append', source, size);
    if (part.length > 0) {
      session.replyParts.push(part);
      session.replyBytes += part.length;
    }
  },
  root_key_copy: (session, target, offset, size) =>
    session.copyToHeap('root_key_copy', session.input.rootKey, target, offset, size),
  root_key_size: ({ input }) => input.rootKey.length,
  subnet_self_copy: (session, target, offset, size) => {
    const id = principalBytes(session.input.subnetId);
    session.copyToHeap('subnet_self_copy', id, target, offset, size);
  },
  subnet_self_size: ({ input }) => input.subnetId.length / 2,
};
