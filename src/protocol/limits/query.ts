import type { Instructions, TimeNs } from '../types/ids.ts';
import { NS_PER_SECOND } from './messaging.ts';

/** Limits of queries; their instructions are in `execution.ts`. */

/** Calls that a composite query may nest. @upstream rs/config/src/execution_environment.rs#MAX_QUERY_CALL_GRAPH_DEPTH */
export const MAX_QUERY_CALL_DEPTH = 6;
/** Charged to a composite query for each call it makes. @upstream rs/config/src/execution_environment.rs#INSTRUCTION_OVERHEAD_PER_QUERY_CALL */
export const INSTRUCTION_OVERHEAD_PER_QUERY_CALL: Instructions = 50_000_000n;
/** Bytes of the calls that one message of a composite query makes. @playground what a tab can hold; the IC bounds a call, and their number */
export const MAX_QUERY_CALL_BYTES = 64 * 1024 * 1024;
/** How long a composite query may take, by the node's own clock. @upstream rs/config/src/execution_environment.rs#MAX_QUERY_CALL_WALLTIME */
export const QUERY_TIME_LIMIT_NS: TimeNs = 10n * NS_PER_SECOND;
/** Bytes of query outcomes a node remembers. @playground 200 MiB, times 40 nodes too much for a tab. */
export const MAX_QUERY_CACHE_BYTES = 8 * 1024 * 1024;
/** An outcome is remembered no longer than this. @upstream rs/config/src/execution_environment.rs#QUERY_CACHE_MAX_EXPIRY_TIME */
export const QUERY_CACHE_AGE_NS: TimeNs = 600n * NS_PER_SECOND;
/** An outcome that holds a data certificate is remembered no longer than this. @upstream rs/config/src/execution_environment.rs#QUERY_CACHE_DATA_CERTIFICATE_EXPIRY_TIME */
export const CERTIFICATE_CACHE_AGE_NS: TimeNs = 60n * NS_PER_SECOND;
/** Blocks of an epoch of query statistics. @playground 600: ten minutes at the IC's pace, too long for a lesson. */
export const QUERY_STATS_EPOCH_BLOCKS = 60;
/** Canisters in one report of query statistics; more are left out. @playground what fits a block */
export const MAX_QUERY_STATS_CANISTERS = 1000;
