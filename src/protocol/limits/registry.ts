/** Limits of the registry. */

/** Bytes of one record. @upstream rs/registry/canister: values of up to about 2 MiB travel in one piece */
export const MAX_REGISTRY_VALUE_BYTES = 1024 * 1024;
/** Bytes of one version's changes, encoded. @upstream rs/registry/canister/src/registry.rs#MAX_REGISTRY_DELTAS_SIZE (1.5 MiB) */
export const MAX_REGISTRY_DELTA_BYTES = 1536 * 1024;
/** Mutations of one version. @playground six subnets of forty nodes with all their records. */
export const MAX_REGISTRY_MUTATIONS = 2048;
/** Characters of a key. @playground the longest of ours has 100 */
export const MAX_REGISTRY_KEY_CHARACTERS = 256;
/** Subnets of a network. @playground what a tab can carry */
export const MAX_SUBNETS = 16;
/** Ranges of the routing table. @playground */
export const MAX_ROUTING_ENTRIES = 1024;
/** Bytes of an answer with certified changes: one version's at least, and its proof. @playground */
export const MAX_CERTIFIED_CHANGES_BYTES = 2 * 1024 * 1024;
/** How often a node asks for changes. @playground 5 s: a change is to be seen soon. */
export const REGISTRY_POLL_MS = 2000;
/** How soon a node asks again after a failure. @playground */
export const REGISTRY_MIN_BACKOFF_MS = 500;
/** The longest pause after failures. @playground */
export const REGISTRY_MAX_BACKOFF_MS = 10_000;
