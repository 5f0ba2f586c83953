import type { TimeNs } from '../types/ids.ts';

/** Limits of checkpoints and of fetching them from peers. */

/** Bytes of one chunk of a checkpoint's file: what is hashed, stored and fetched as one. @playground 1 MiB; small states change in small places. */
export const CHUNK_BYTES = 64 * 1024;
/** Bytes of a piece of the encoded manifest that is hashed and fetched as one. @upstream rs/state_manager/src/manifest.rs (1 MiB) */
export const SUB_MANIFEST_BYTES = 1024 * 1024;
/** Records of canisters up to this size are fetched in groups. @upstream rs/state_manager/src/manifest.rs#MAX_FILE_SIZE_TO_GROUP_V3 */
export const MAX_GROUPED_FILE_BYTES = 8 * 1024;
/** Bytes of one such group. @upstream rs/state_manager (1 MiB) */
export const FILE_GROUP_BYTES = 1024 * 1024;
/** Pieces of a manifest that are read. @playground the IC has no bound */
export const MAX_MANIFEST_PIECES = 64;
/** Files of a manifest that are read: four for each of 60,000 canisters. @playground the IC has no bound */
export const MAX_MANIFEST_FILES = 240_000;
/** Bytes of all chunks of a checkpoint that is fetched. @playground the IC's bound is the disk */
export const MAX_CHECKPOINT_BYTES: number = 2 * 1024 * 1024 * 1024;

/** Of the chunks that did not change, one in so many is hashed again as a check. @upstream rs/state_manager/src/manifest.rs#REHASH_EVERY_NTH_CHUNK */
export const REHASH_EVERY_NTH = 10;
/** … but at most so many after one checkpoint; the next one goes on where this one stopped. @playground the IC hashes on cores of its own */
export const MAX_REHASHED_CHUNKS = 16;
/** Bytes of a checkpoint that are hashed in one step of a node, so that blocks need not wait. @playground the IC hashes on cores of its own */
export const HASHED_BYTES_PER_STEP: number = 1024 * 1024;
/** Bytes of checkpoints that one step hands to the disk. @playground the IC's checkpoints are files already */
export const STORED_BYTES_PER_STEP: number = 2 * 1024 * 1024;
/** Checkpoints a node keeps and serves, besides those that consensus still needs. @upstream rs/state_manager */
export const KEPT_CHECKPOINTS = 2;
/** Checkpoints of a peer that are remembered: a subnet halts before more lie above its package. @playground */
export const MAX_CHECKPOINT_ADVERTS = 8;

/** How often a node tells its peers of its checkpoints, at the mainnet's pace. @upstream rs/p2p/state_sync_manager#ADVERT_BROADCAST_INTERVAL */
export const STATE_ADVERT_EVERY_NS: TimeNs = 5_000_000_000n;
/** Least distance of adverts at any pace. @playground packets take their time at any pace */
export const LEAST_STATE_ADVERT_EVERY_NS: TimeNs = 500_000_000n;
/** Chunks asked of one peer and not answered: 2 MiB. @playground 10 of 1 MiB */
export const MAX_CHUNK_DOWNLOADS_PER_PEER = 32;
/** After this long a chunk is no longer expected from a peer. @upstream rs/p2p/state_sync_manager#CHUNK_DOWNLOAD_TIMEOUT */
export const CHUNK_TIMEOUT_NS: TimeNs = 10_000_000_000n;
/** After this long it is asked for again, of another peer if there is one. @playground packets may be lost here, a QUIC stream repeats them */
export const CHUNK_REPEAT_NS: TimeNs = 2_000_000_000n;
/** Once every missing chunk is asked for, those asked for so long ago are asked of another peer too. @playground the IC waits */
export const LAST_CHUNKS_REPEAT_NS: TimeNs = 250_000_000n;
/** Chunks in a row that a peer may fail to deliver in time. @playground the IC has no bound */
export const MAX_LATE_CHUNKS_PER_PEER = 20;
/** How long a peer that said it is busy is left alone. @playground the IC tries again at once */
export const BUSY_PAUSE_NS: TimeNs = 200_000_000n;
/** Requests of one peer that may wait for their answers; beyond, it is told that the node is busy. */
export const MAX_WAITING_STATE_REQUESTS = 32;
/** Bytes of state that one step hands to all peers, in turns. */
export const SERVED_BYTES_PER_STEP: number = 1024 * 1024;
/** What waits is served in steps of this distance. */
export const SERVE_PAUSE_NS: TimeNs = 1_000_000n;
/** How often the progress of a download is told. @playground */
export const PROGRESS_EVERY_NS: TimeNs = 250_000_000n;
