import type { CodedError } from '../../base/result.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { encodeCbor, type CborInput } from '../crypto/cbor.ts';

/** One answer of the HTTP interface. */
export interface HttpReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** A refused request: the status and the text that the client shows. */
export interface HttpError extends CodedError<HttpErrorCode> {
  readonly status: 400 | 403 | 404 | 405 | 413 | 429 | 503;
}
export type HttpErrorCode =
  | 'MALFORMED_REQUEST'
  | 'ID_MISMATCH'
  | 'INVALID_EXPIRY'
  | 'AUTHENTICATION_FAILED'
  | 'ACCESS_DENIED'
  | 'UNKNOWN_PATH'
  | 'METHOD_NOT_ALLOWED'
  | 'REQUEST_TOO_LARGE'
  | 'TOO_MANY_REQUESTS'
  | 'NOT_READY';

const STATUS: Readonly<Record<HttpErrorCode, HttpError['status']>> = {
  MALFORMED_REQUEST: 400,
  ID_MISMATCH: 400,
  INVALID_EXPIRY: 400,
  AUTHENTICATION_FAILED: 403,
  ACCESS_DENIED: 403,
  UNKNOWN_PATH: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TOO_LARGE: 413,
  TOO_MANY_REQUESTS: 429,
  NOT_READY: 503,
};

export function httpError(code: HttpErrorCode, message: string): HttpError {
  const kind =
    code === 'AUTHENTICATION_FAILED' || code === 'ACCESS_DENIED'
      ? ('trust' as const)
      : ('input' as const);
  return { kind, code, message, status: STATUS[code] };
}

/** Errors travel as plain text; agents match the beginning of the expiry error. */
export function errorReply(error: HttpError): HttpReply {
  return {
    status: error.status,
    contentType: 'text/plain; charset=utf-8',
    body: encodeUtf8(error.message),
  };
}

export function cborReply(status: number, value: CborInput): HttpReply {
  return {
    status,
    contentType: 'application/cbor',
    body: encodeCbor(value, { selfDescribed: true }),
  };
}
