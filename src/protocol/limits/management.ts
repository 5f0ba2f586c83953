import type { Instructions } from '../types/ids.ts';

/** Limits and costs of the management canister. */

const MIB = 1024 * 1024;

/** Bytes of one chunk of the chunk store. @upstream rs/replicated_state#wasm_chunk_store.rs */
export const MAX_CHUNK_BYTES = MIB;
/** Chunks of one store. @upstream rs/config/src/embedders.rs#WASM_MAX_SIZE */
export const MAX_CHUNKS = 100;
/** Snapshots of one canister. @upstream rs/config/src/execution_environment.rs#MAX_NUMBER_OF_SNAPSHOTS_PER_CANISTER */
export const MAX_SNAPSHOTS_PER_CANISTER = 10;
/** Bytes of a snapshot read in one call. @upstream rs/execution_environment/src/canister_manager.rs#MAX_SLICE_SIZE_BYTES */
export const MAX_SNAPSHOT_SLICE_BYTES = 2_000_000n;
/** Charged for storing a chunk. @upstream rs/config/src/subnet_config.rs#DEFAULT_UPLOAD_CHUNK_INSTRUCTIONS */
export const UPLOAD_CHUNK_INSTRUCTIONS: Instructions = 200_000_000n;
/** Charged for taking or loading a snapshot, besides one for each byte. @upstream rs/config/src/subnet_config.rs */
export const SNAPSHOT_BASELINE_INSTRUCTIONS: Instructions = 2_000_000_000n;
/** Charged for reading a part of a snapshot, besides one for each byte. @upstream rs/config/src/subnet_config.rs */
export const SNAPSHOT_DATA_BASELINE_INSTRUCTIONS: Instructions = 5_000_000n;
/** Days that the history of node metrics keeps. @upstream interface specification, IC method node_metrics_history */
export const NODE_METRICS_DAYS = 60;
/** Types in the table of an argument. @playground the IC's decoder has a quota of work instead. */
export const MAX_CANDID_TYPES = 1000;
/** Fields of all those types. @playground the IC's decoder has a quota of work instead. */
export const MAX_CANDID_FIELDS = 5000;
/** Nesting of an argument. @playground the IC's decoder has a quota of work instead. */
export const MAX_CANDID_DEPTH = 64;
/** Values that are looked at in one argument. @playground the IC's decoder has a quota of work of its own. */
export const MAX_CANDID_STEPS = 100_000;
