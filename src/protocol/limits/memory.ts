/** Limits of stable memory; those of the heap are the module's. */

const GIB = 1024 ** 3;

/** Stable memory of a canister. @upstream rs/types/types/src/lib.rs#MAX_STABLE_MEMORY_IN_BYTES */
export const MAX_STABLE_BYTES = 500 * GIB;
/** The part of it that the 32-bit functions reach. @upstream interface specification, ic0.stable_grow */
export const MAX_STABLE32_BYTES = 4 * GIB;
/** Stable memory in pages of 4 KiB that a message may write, and likewise read or write. @upstream rs/config/src/embedders.rs#STABLE_MEMORY_DIRTY_PAGE_LIMIT */
export const STABLE_BYTES_PER_MESSAGE = 2 * GIB;
/** The same of an installation or upgrade. @upstream rs/config/src/embedders.rs#STABLE_MEMORY_DIRTY_PAGE_LIMIT */
export const STABLE_BYTES_PER_UPGRADE = 8 * GIB;
/** The same of a query. @upstream rs/config/src/embedders.rs#STABLE_MEMORY_ACCESSED_PAGE_LIMIT */
export const STABLE_BYTES_PER_QUERY = GIB;
