import { concatBytes } from '../../base/bytes.ts';
import { type CodedError, codedError, err, ok, type Result } from '../../base/result.ts';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import type { HttpReply, HttpRequest } from '../../protocol/node/node-io.ts';
import { MAX_FETCH_REPLY_BYTES, MAX_FETCH_REQUEST_BYTES } from '../../protocol/limits/fetch.ts';

/**
 * What nodes of different subnets say to each other, one message a packet:
 *
 *   u8 kind | u48 id of the asking node
 *   request: u8 length | method | u16 length | path | body to the end
 *   reply:   u16 status | u8 length | content type | body to the end
 *   done:    nothing more
 */
export type FetchMessage =
  | { readonly kind: 'request'; readonly id: number; readonly request: HttpRequest }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: HttpReply }
  /** The asking node needs no reply, or no more. */
  | { readonly kind: 'done'; readonly id: number };

export type FetchMessageError = CodedError<'MALFORMED_FETCH' | 'FETCH_TOO_LARGE'>;

const KINDS = ['request', 'reply', 'done'] as const;
const HEAD_BYTES = 7;
const MAX_METHOD_BYTES = 16;
export const MAX_FETCH_PATH_BYTES = 1_024;
const MAX_CONTENT_TYPE_BYTES = 128;

export function encodeFetchMessage(message: FetchMessage): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  head[0] = KINDS.indexOf(message.kind);
  view.setUint16(1, Math.floor(message.id / 2 ** 32));
  view.setUint32(3, message.id % 2 ** 32);
  switch (message.kind) {
    case 'request': {
      const { method, path, body } = message.request;
      const [methodBytes, pathBytes] = [encodeUtf8(method), encodeUtf8(path)];
      return concatBytes(
        head,
        Uint8Array.of(methodBytes.length),
        methodBytes,
        Uint8Array.of(pathBytes.length >> 8, pathBytes.length & 0xff),
        pathBytes,
        body,
      );
    }
    case 'reply': {
      const { status, contentType, body } = message.reply;
      const type = encodeUtf8(contentType);
      const lengths = Uint8Array.of(status >> 8, status & 0xff, type.length);
      return concatBytes(head, lengths, type, body);
    }
    case 'done':
      return head;
  }
}

/** Of bytes that another node sent: every length is checked before anything is read. */
export function decodeFetchMessage(bytes: Uint8Array): Result<FetchMessage, FetchMessageError> {
  const kind = KINDS[bytes[0] ?? KINDS.length];
  if (kind === undefined || bytes.length < HEAD_BYTES) {
    return malformed('it has no known kind');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const id = view.getUint16(1) * 2 ** 32 + view.getUint32(3);
  switch (kind) {
    case 'request':
      return decodeRequest(bytes, id);
    case 'reply':
      return decodeReply(bytes, view, id);
    case 'done':
      return bytes.length === HEAD_BYTES ? ok({ kind, id }) : malformed('bytes follow its end');
  }
}

function decodeRequest(bytes: Uint8Array, id: number): Result<FetchMessage, FetchMessageError> {
  const methodEnd = HEAD_BYTES + 1 + (bytes[HEAD_BYTES] ?? 0);
  const pathLength = (bytes[methodEnd] ?? 0) * 256 + (bytes[methodEnd + 1] ?? 0);
  const pathEnd = methodEnd + 2 + pathLength;
  if (
    methodEnd > HEAD_BYTES + 1 + MAX_METHOD_BYTES ||
    pathLength > MAX_FETCH_PATH_BYTES ||
    pathEnd > bytes.length
  ) {
    return malformed('its method or path has a wrong length');
  }
  if (bytes.length - pathEnd > MAX_FETCH_REQUEST_BYTES) {
    return err(
      codedError('limit', 'FETCH_TOO_LARGE', `a request of ${bytes.length - pathEnd} bytes`),
    );
  }
  const method = decodeUtf8(bytes.subarray(HEAD_BYTES + 1, methodEnd));
  const path = decodeUtf8(bytes.subarray(methodEnd + 2, pathEnd));
  if (method === undefined || path === undefined) {
    return malformed('its method or path is no text');
  }
  return ok({ kind: 'request', id, request: { method, path, body: bytes.slice(pathEnd) } });
}

function decodeReply(
  bytes: Uint8Array,
  view: DataView,
  id: number,
): Result<FetchMessage, FetchMessageError> {
  const typeAt = HEAD_BYTES + 3;
  const typeLength = bytes[typeAt - 1] ?? 0;
  const bodyAt = typeAt + typeLength;
  if (typeLength > MAX_CONTENT_TYPE_BYTES || bodyAt > bytes.length) {
    return malformed('its content type has a wrong length');
  }
  if (bytes.length - bodyAt > MAX_FETCH_REPLY_BYTES) {
    return err(codedError('limit', 'FETCH_TOO_LARGE', `a reply of ${bytes.length - bodyAt} bytes`));
  }
  const contentType = decodeUtf8(bytes.subarray(typeAt, bodyAt));
  if (contentType === undefined) {
    return malformed('its content type is no text');
  }
  const reply = { status: view.getUint16(HEAD_BYTES), contentType, body: bytes.slice(bodyAt) };
  return ok({ kind: 'reply', id, reply });
}

function malformed(why: string): Result<never, FetchMessageError> {
  return err(codedError('protocol', 'MALFORMED_FETCH', `a message between subnets: ${why}`));
}
