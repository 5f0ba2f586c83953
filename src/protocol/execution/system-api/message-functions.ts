import { concatBytes } from '../../../base/bytes.ts';
import { hexToBytes } from '../../../base/hex.ts';
import { present } from '../../../base/assert.ts';
import { decodeUtf8, encodeUtf8 } from '../../../base/utf8.ts';
import { MAX_QUERY_REPLY_BYTES, MAX_RESPONSE_PAYLOAD_BYTES } from '../../limits/execution.ts';
import { toolchainViolation, userViolation } from './canister-trap.ts';
import { forbidden } from './contexts.ts';
import type { SystemApiFunctions } from './functions.ts';
import type { ApiSession } from './session.ts';

const NO_BYTES = new Uint8Array(0);

function principalBytes(id: string): Uint8Array {
  return present(hexToBytes(id), 'a principal id is hex');
}

function isAnswered(session: ApiSession): boolean {
  return session.response.kind !== 'none' || session.input.call.responded;
}

/** Composite queries answer within the query limit, their callbacks within that of calls. */
function replyLimit({ input: { context } }: ApiSession): number {
  switch (context) {
    case 'nonReplicatedQuery':
    case 'httpTransform':
    case 'compositeQuery':
      return MAX_QUERY_REPLY_BYTES;
    default:
      return MAX_RESPONSE_PAYLOAD_BYTES;
  }
}

function tooLarge(name: string, bytes: number, limit: number): string {
  return `ic0.${name}: application payload size (${bytes}) cannot be larger than ${limit}.`;
}

function certificate(session: ApiSession, name: string): Uint8Array {
  const { dataCertificate, context } = session.input;
  if (dataCertificate === null) {
    throw forbidden(name, context);
  }
  return dataCertificate;
}

function copyCertificate(
  session: ApiSession,
  target: number,
  offset: number,
  size: number,
): undefined {
  const name = 'data_certificate_copy';
  const bytes = certificate(session, name);
  const outside = (what: string, start: number, end: number) =>
    toolchainViolation(
      `ic0_${name} failed because ${what} + size is out of bounds. Found ${what} = ${start} and size = ${size} while ${what} + size must be <= ${end}`,
    );
  if (offset + size > bytes.length) {
    throw outside('offset', offset, bytes.length);
  }
  const heapSize = session.ports.heap.size();
  if (target + size > heapSize) {
    throw outside('dst', target, heapSize);
  }
  session.copyToHeap([name, 'certificate'], bytes, target, offset, size);
}

function signerBytes({ input: { callerInfo } }: ApiSession): Uint8Array {
  return callerInfo === null ? NO_BYTES : principalBytes(callerInfo.signer);
}

type MessageNames =
  | 'accept_message'
  | `canister_self_${'copy' | 'size'}`
  | `data_certificate_${'copy' | 'present' | 'size'}`
  | `msg_arg_data_${'copy' | 'size'}`
  | `msg_caller_${'copy' | 'size'}`
  | `msg_caller_info_${'data' | 'signer'}_${'copy' | 'size'}`
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
      throw toolchainViolation('ic0.accept_message: the function was already called.');
    }
    session.acceptedMessage = true;
  },
  canister_self_copy: (session, target, offset, size) => {
    const id = principalBytes(session.input.canisterId);
    session.copyToHeap(['canister_self_copy', 'id'], id, target, offset, size);
  },
  canister_self_size: (session) => session.input.canisterId.length / 2,
  data_certificate_copy: copyCertificate,
  data_certificate_present: ({ input }) => (input.dataCertificate === null ? 0 : 1),
  data_certificate_size: (session) => certificate(session, 'data_certificate_size').length,
  msg_arg_data_copy: (session, target, offset, size) =>
    session.copyToHeap(['msg_arg_data_copy', 'payload'], session.input.arg, target, offset, size),
  msg_arg_data_size: ({ input }) => input.arg.length,
  msg_caller_copy: (session, target, offset, size) => {
    const caller = principalBytes(session.input.caller);
    session.copyToHeap(['msg_caller_copy', 'id'], caller, target, offset, size);
  },
  msg_caller_info_data_copy: (session, target, offset, size) => {
    const data = session.input.callerInfo?.data ?? NO_BYTES;
    session.copyToHeap(['msg_caller_info_data_copy', 'data'], data, target, offset, size);
  },
  msg_caller_info_data_size: ({ input }) => input.callerInfo?.data.length ?? 0,
  msg_caller_info_signer_copy: (session, target, offset, size) => {
    const name = ['msg_caller_info_signer_copy', 'signer'] as const;
    session.copyToHeap(name, signerBytes(session), target, offset, size);
  },
  msg_caller_info_signer_size: (session) => signerBytes(session).length,
  msg_caller_size: ({ input }) => input.caller.length / 2,
  msg_deadline: ({ input }) => input.call.deadlineNs,
  msg_method_name_copy: (session, target, offset, size) => {
    const name = encodeUtf8(session.input.methodName);
    session.copyToHeap(['msg_method_name_copy', 'payload'], name, target, offset, size);
  },
  msg_method_name_size: ({ input }) => encodeUtf8(input.methodName).length,
  msg_reject: (session, source, size) => {
    if (isAnswered(session)) {
      throw toolchainViolation('ic0.msg_reject: the call is already replied');
    }
    const limit = replyLimit(session);
    if (size > limit) {
      throw userViolation(
        tooLarge('msg_reject', size, limit),
        'Try truncating the error messages that are too long.',
        'msg_reject-payload-too-large',
      );
    }
    const message = decodeUtf8(session.heapRange('ic0.msg_reject', source, size));
    if (message === undefined) {
      throw toolchainViolation('ic0.msg_reject: invalid UTF-8 string provided');
    }
    session.response = { kind: 'reject', message };
  },
  msg_reject_code: ({ input }) => input.call.rejectCode,
  msg_reject_msg_copy: (session, target, offset, size) => {
    const text = encodeUtf8(session.input.call.rejectMessage);
    session.copyToHeap(['msg_reject_msg_copy', 'msg'], text, target, offset, size);
  },
  msg_reject_msg_size: ({ input }) => encodeUtf8(input.call.rejectMessage).length,
  msg_reply: (session) => {
    if (isAnswered(session)) {
      throw toolchainViolation('ic0.msg_reply: the call is already replied');
    }
    session.response = { kind: 'reply', data: concatBytes(...session.replyParts) };
    session.replyParts = [];
  },
  msg_reply_data_append: (session, source, size) => {
    if (isAnswered(session)) {
      throw toolchainViolation('ic0.msg_reply_data_append: the call is already replied.');
    }
    const bytes = session.replyBytes + size;
    const limit = replyLimit(session);
    if (bytes > limit) {
      throw userViolation(
        tooLarge('msg_reply_data_append', bytes, limit),
        'Consider checking the response size and returning an error if it is too long.',
        'msg_reply_data_append-payload-too-large',
      );
    }
    const part = session.readHeap('msg.reply', source, size);
    if (part.length > 0) {
      session.replyParts.push(part);
      session.replyBytes = bytes;
    }
  },
  root_key_copy: (session, target, offset, size) =>
    session.copyToHeap(['root_key_copy', 'bytes'], session.input.rootKey, target, offset, size),
  root_key_size: ({ input }) => input.rootKey.length,
  subnet_self_copy: (session, target, offset, size) => {
    const id = principalBytes(session.input.subnetId);
    session.copyToHeap(['subnet_self_copy', 'id'], id, target, offset, size);
  },
  subnet_self_size: ({ input }) => input.subnetId.length / 2,
};
