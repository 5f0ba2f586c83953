/** Bounds of the HTTP interface (interface spec 0.66, "Certified requests"). */

const MIB = 1024 * 1024;

/** @upstream rs/limits#MAX_INGRESS_BYTES_PER_MESSAGE_APP_SUBNET */
export const MAX_INGRESS_BYTES_APP = 2 * MIB;
/** @upstream rs/limits#MAX_INGRESS_BYTES_PER_MESSAGE_NNS_SUBNET */
export const MAX_INGRESS_BYTES_SYSTEM = 3.5 * MIB;
/** A body also carries signature and delegations. @upstream rs/config/http_handler#max_request_size_bytes */
export const MAX_REQUEST_BODY_BYTES = 5 * MIB;
export const MAX_NONCE_BYTES = 32;
export const MAX_DELEGATIONS = 20;
export const MAX_DELEGATION_TARGETS = 1000;
export const MAX_READ_STATE_PATHS = 1000;
export const MAX_READ_STATE_LABELS = 127;
export const MAX_METHOD_NAME_BYTES = 20_000;
/** Nesting of an envelope: envelope, delegation list, delegation, targets. */
export const MAX_ENVELOPE_DEPTH = 8;
export const MAX_BLOCK_INGRESS_MESSAGES = 1000;
export const MAX_BLOCK_PAYLOAD_BYTES = 4 * MIB;
/** Envelopes waiting in one node's ingress pool. */
export const MAX_INGRESS_POOL_MESSAGES = 10_000;
export const MAX_INGRESS_POOL_BYTES = 64 * MIB;
