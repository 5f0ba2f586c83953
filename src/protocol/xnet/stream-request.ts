import { err, ok, type Result } from '../../base/result.ts';
import { principalFromText, principalToText } from '../crypto/principal.ts';
import { httpError, type HttpError } from '../http/http-error.ts';
import { MAX_STREAM_MESSAGES } from '../limits/messaging.ts';
import { MAX_SLICE_BYTES, MAX_STREAM_WAIT_MS } from '../limits/xnet.ts';
import type { SubnetId } from '../types/ids.ts';
import type { SliceWish } from './cut-slice.ts';

/**
 * What nodes of other subnets ask for: `/api/v1/streams`, which lists the subnets that there are
 * streams to, and `/api/v1/stream/<subnet>` with a query, a slice of one of them.
 * @upstream rs/http_endpoints/xnet/src/lib.rs; `signals_end` and `wait` are ours
 */
export type StreamRequest =
  | { readonly kind: 'list' }
  | {
      readonly kind: 'slice';
      /** The subnet that the stream is for. */
      readonly receiver: SubnetId;
      readonly wish: SliceWish;
      /** The end of signals that the asking node knows. */
      readonly signalsEnd: number;
      /** The answer may wait so long for news. */
      readonly waitMs: number;
    };

export type SliceRequest = Extract<StreamRequest, { kind: 'slice' }>;

const LIST = '/api/v1/streams';
const SLICE = /^\/api\/v1\/stream\/([a-z0-9-]{1,70})(?:\?([a-z0-9_=&]{0,300}))?$/;
const NUMBER = /^\d{1,16}$/;

/** Whether the path is one of these two, whatever its query. */
export function isStreamPath(path: string): boolean {
  return path.startsWith('/api/v1/stream');
}

export function streamPath({ receiver, wish, signalsEnd, waitMs }: SliceRequest): string {
  const query = [
    ['witness_begin', wish.witnessBegin],
    ['msg_begin', wish.msgBegin],
    ['msg_limit', wish.msgLimit],
    ['byte_limit', wish.byteLimit],
    ['signals_end', signalsEnd],
    ['wait', waitMs],
  ].map(([name, value]) => `${name}=${value}`);
  return `/api/v1/stream/${principalToText(receiver)}?${query.join('&')}`;
}

/** Reads a path with its query; what is not said has no bound, and begins with the stream. */
export function parseStreamPath(path: string): Result<StreamRequest, HttpError> {
  if (path === LIST) {
    return ok({ kind: 'list' });
  }
  const [, text, query = ''] = SLICE.exec(path) ?? [];
  const receiver = text === undefined ? undefined : principalFromText(text);
  if (receiver === undefined) {
    return err(httpError('UNKNOWN_PATH', `Unknown path ${path.slice(0, 200)}`));
  }
  const numbers = new Map<string, number>();
  for (const part of query === '' ? [] : query.split('&')) {
    const [name = '', value = ''] = part.split('=');
    if (!NUMBER.test(value) || !Number.isSafeInteger(Number(value)) || numbers.has(name)) {
      return err(httpError('MALFORMED_REQUEST', `Invalid query ${part.slice(0, 60)}`));
    }
    numbers.set(name, Number(value));
  }
  const msgBegin = numbers.get('msg_begin') ?? 0;
  const witnessBegin = numbers.get('witness_begin') ?? msgBegin;
  if (!receiver.ok || witnessBegin > msgBegin) {
    return err(httpError('MALFORMED_REQUEST', 'Invalid subnet, or witness_begin above msg_begin'));
  }
  return ok({
    kind: 'slice',
    receiver: receiver.value as SubnetId,
    wish: {
      witnessBegin,
      msgBegin,
      msgLimit: Math.min(numbers.get('msg_limit') ?? MAX_STREAM_MESSAGES, MAX_STREAM_MESSAGES),
      byteLimit: Math.min(numbers.get('byte_limit') ?? MAX_SLICE_BYTES, MAX_SLICE_BYTES),
    },
    signalsEnd: numbers.get('signals_end') ?? -1,
    waitMs: Math.min(numbers.get('wait') ?? 0, MAX_STREAM_WAIT_MS),
  });
}
