import type { TimeNs } from '../types/ids.ts';

/** Limits of message routing and of the ingress history. */

export const NS_PER_SECOND = 1_000_000_000n;

/** An ingress message lives this long at most; a finished status is kept as long. @upstream rs/limits#MAX_INGRESS_TTL */
export const MAX_INGRESS_TTL_NS: TimeNs = 300n * NS_PER_SECOND;

/** How far a client's clock may run ahead of a validating node. @upstream rs/validator#PERMITTED_DRIFT */
export const PERMITTED_DRIFT_NS: TimeNs = 30n * NS_PER_SECOND;

/** Statuses the ingress history holds before new messages fail. @upstream rs/limits#INGRESS_HISTORY_MAX_MESSAGES */
export const INGRESS_HISTORY_MAX_MESSAGES = 2 * 1000 * 300;

/** Ingress messages waiting for one canister. @upstream rs/types/types#MAX_INGRESS_QUEUE (500 per queue) */
export const MAX_CANISTER_INGRESS_QUEUE = 500;

/** Requests waiting in one queue, and responses: calls that one canister has open to another. @upstream rs/replicated_state#DEFAULT_QUEUE_CAPACITY */
export const QUEUE_CAPACITY = 500;
/** Callbacks of all canisters of a subnet beyond which only each one's guaranteed number is given out. @upstream rs/config/src/execution_environment.rs#SUBNET_CALLBACK_SOFT_LIMIT */
export const MAX_SUBNET_CALLBACKS = 1_000_000;
/** Callbacks that each canister may always have open. @upstream rs/config/src/execution_environment.rs#CANISTER_GUARANTEED_CALLBACK_QUOTA */
export const GUARANTEED_CALLBACKS_PER_CANISTER = 50;
/** Bytes of calls waiting on the subnet. @playground 20 GiB, which a tab cannot hold. */
export const MAX_SUBNET_MESSAGE_BYTES = 256 * 1024 * 1024;
/** Messages kept in one stream; more wait in the canisters' output queues. @upstream rs/config/src/message_routing.rs#MAX_STREAM_MESSAGES */
export const MAX_STREAM_MESSAGES = 10_000;
/** A stream that holds this much takes no more messages. @upstream rs/config/src/message_routing.rs#TARGET_STREAM_SIZE_BYTES */
export const TARGET_STREAM_BYTES = 10 * 1024 * 1024;
/** Messages of one subnet that a system subnet inducts in a round; streams to it keep twice as many. @upstream rs/limits#SYSTEM_SUBNET_STREAM_MSG_LIMIT */
export const MAX_SYSTEM_STREAM_MESSAGES = 100;
/** Reject signals in the header of a stream. @upstream rs/xnet/payload_builder/src/lib.rs#MAX_SIGNALS */
export const MAX_STREAM_SIGNALS = 20_000;
/** A request with a guaranteed response waits so long in the output queue of its sender, then it is rejected. @upstream rs/types/types/src/messages/inter_canister.rs#REQUEST_LIFETIME */
export const REQUEST_LIFETIME_NS: TimeNs = 300n * NS_PER_SECOND;
/** The longest wait for a best-effort response. @upstream rs/types/types#MAX_CALL_TIMEOUT */
export const MAX_CALL_TIMEOUT_SECONDS = 300;
/** A request to stop a canister fails after this long. @upstream rs/config/src/execution_environment.rs#STOP_CANISTER_TIMEOUT_DURATION */
export const STOP_TIMEOUT_NS: TimeNs = 300n * NS_PER_SECOND;

/** Canister ids in one allocation range. @upstream rs/registry/routing_table#CANISTER_IDS_PER_SUBNET */
export const CANISTER_IDS_PER_RANGE = 1n << 20n;

/** Range entries in one leaf of the certified tree's `canister_ranges`. @upstream rs/canonical_state#MAX_RANGES_PER_ROUTING_TABLE_LEAF */
export const CANISTER_RANGES_PER_LEAF = 5;
