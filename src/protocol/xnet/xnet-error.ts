import { codedError, err, type CodedError, type Result } from '../../base/result.ts';

/** Why a slice of a stream is refused; each is a rule of docs/spec/xnet.md. */
export type XNetErrorCode =
  | 'XNET_MALFORMED_SLICE'
  | 'XNET_WRONG_WITNESS'
  | 'XNET_ROOT_MISMATCH'
  | 'XNET_BAD_CERTIFICATION'
  | 'XNET_UNKNOWN_SUBNET'
  | 'XNET_LOOPBACK'
  | 'XNET_SUBNETS_NOT_ASCENDING'
  | 'XNET_STALE_SLICE'
  | 'XNET_MESSAGES_NOT_NEXT'
  | 'XNET_TOO_MANY_MESSAGES'
  | 'XNET_EMPTY_SLICE'
  | 'XNET_SIGNALS_OUT_OF_RANGE'
  | 'XNET_TOO_MANY_SIGNALS'
  | 'XNET_PAYLOAD_TOO_LARGE';

export type XNetError = CodedError<XNetErrorCode>;

export function refusal(code: XNetErrorCode, message: string): XNetError {
  return codedError(code === 'XNET_PAYLOAD_TOO_LARGE' ? 'limit' : 'protocol', code, message);
}

export function refuse(code: XNetErrorCode, message: string): Result<never, XNetError> {
  return err(refusal(code, message));
}
