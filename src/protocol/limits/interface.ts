import type { TimeNs } from '../types/ids.ts';

/** Bounds of the HTTP interface (interface spec 0.66, "Certified requests"). */

const MIB = 1024 * 1024;

/** Bytes of an ingress message, application subnets. @upstream rs/limits#MAX_INGRESS_BYTES_PER_MESSAGE_APP_SUBNET */
export const MAX_INGRESS_BYTES_APP = 2 * MIB;
/** Bytes of an ingress message, system subnets. @upstream rs/limits#MAX_INGRESS_BYTES_PER_MESSAGE_NNS_SUBNET */
export const MAX_INGRESS_BYTES_SYSTEM = 3.5 * MIB;
/** A body also carries signature and delegations. @upstream rs/config/http_handler#max_request_size_bytes */
export const MAX_REQUEST_BODY_BYTES = 5 * MIB;
/** Bytes of an envelope's nonce. @upstream interface specification, Certified requests */
export const MAX_NONCE_BYTES = 32;
/** Delegations of an envelope. @upstream interface specification, Authentication */
export const MAX_DELEGATIONS = 20;
/** Canisters that one delegation may name. @upstream interface specification, Authentication */
export const MAX_DELEGATION_TARGETS = 1000;
/** Paths of a `read_state` request. @upstream interface specification, Request: Read state */
export const MAX_READ_STATE_PATHS = 1000;
/** Labels of one of those paths. @upstream interface specification, Request: Read state */
export const MAX_READ_STATE_LABELS = 127;
/** Bytes of a method name. @upstream interface specification, canister module format */
export const MAX_METHOD_NAME_BYTES = 20_000;
/** Nesting of an envelope: envelope, delegation list, delegation, targets. @playground the IC bounds the size only. */
export const MAX_ENVELOPE_DEPTH = 8;
/** Ingress messages in one block. @upstream rs/limits#MAX_INGRESS_MESSAGES_PER_BLOCK */
export const MAX_BLOCK_INGRESS_MESSAGES = 1000;
/** Bytes of a block's payload. @upstream rs/limits#MAX_BLOCK_PAYLOAD_SIZE */
export const MAX_BLOCK_PAYLOAD_BYTES = 4 * MIB;
/** Envelopes waiting in one node's ingress pool. @upstream rs/config/artifact_pool#ingress_pool_max_count @playground the IC has one such bound for each peer. */
export const MAX_INGRESS_POOL_MESSAGES = 10_000;
/** Bytes of those envelopes. @upstream rs/config/artifact_pool#ingress_pool_max_bytes @playground the IC has one such bound for each peer. */
export const MAX_INGRESS_POOL_BYTES = 64 * MIB;
/** Between two steps of a node: it slept, or its clock jumped. @playground a replica never sleeps. */
export const SLEEP_NS: TimeNs = 60_000_000_000n;
/** So old may a certified state be, when a node wakes or starts, to be read at once; agents take five minutes. @playground a replica that starts serves whatever it has certified. */
export const WAKING_TOLERANCE_NS: TimeNs = 60_000_000_000n;
/** Queries and reads wait so long for the first state of after a sleep, calls too for the end of a replay. @playground a replica never sleeps. */
export const MAX_WAKING_HOLD_NS: TimeNs = 8_000_000_000n;
/** Requests that wait for it; more are answered from the old one. @playground a replica never sleeps. */
export const MAX_WAKING_REQUESTS = 256;
