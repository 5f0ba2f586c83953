/** Bounds of the exchange of streams between subnets. */

const MIB = 1024 * 1024;

/** Bytes of one encoded slice, and of a block's slices together. @upstream rs/xnet/payload_builder#POOL_SLICE_BYTE_SIZE_MAX */
export const MAX_SLICE_BYTES = 4 * MIB;
/** A maker adds no further slice when a block has less room than this. @upstream rs/xnet/payload_builder#SLICE_BYTE_SIZE_MIN */
export const MIN_SLICE_BYTES = 1024;
/** Share of a block's payload that slices may take, in percent. @upstream rs/consensus/src/consensus/payload.rs#MAX_XNET_PAYLOAD_SIZE */
export const MAX_XNET_PERCENT = 95;
/** Bytes of the slices that a node keeps for its blocks. @upstream rs/xnet/payload_builder#POOL_BYTE_SIZE_SOFT_CAP */
export const MAX_SLICE_POOL_BYTES = 10 * MIB;
/** Slices of one block: one for each other subnet. @playground the IC has one for each of its subnets. */
export const MAX_SLICES_PER_BLOCK = 16;
/** Reject signals reach back at most so far. @upstream rs/xnet/payload_builder/src/lib.rs#MAX_STREAM_MESSAGES */
export const MAX_SIGNAL_AGE = 20_000;
/** Requests for slices that a node has open. @playground the IC has 4 and asks again; ours wait at the other node for news. */
export const MAX_OPEN_PULLS = 8;
/** How long a node keeps a request for a slice that has no news yet. @playground the IC answers at once. */
export const MAX_STREAM_WAIT_MS = 2000;
/** Such requests that a node keeps; more are answered at once. @playground the IC has no such requests. */
export const MAX_WAITING_STREAM_REQUESTS = 256;
/** A node is given so long to answer beyond that. @upstream rs/xnet/payload_builder#QUERY_TIMEOUT (5 s) */
export const PULL_TIMEOUT_MS = 5000;
/** Between two requests to the same subnet, so that a node that always says "nothing" costs little. @playground the IC asks once a block that it makes or checks. */
export const LEAST_PULL_INTERVAL_MS = 50;
/** After answers that were no use the next request waits twice as long, up to this. @playground the IC waits for its next block. */
export const MAX_PULL_BACKOFF_MS = 2000;
