/** Requests of a node to a node of another subnet; hosts keep these. */

/** Until then there is an answer, or none. @upstream rs/http_endpoints/nns_delegation_manager#NNS_DELEGATION_REQUEST_SEND_TIMEOUT */
export const FETCH_TIMEOUT_MS = 10_000;
/** Bytes of such a request. @playground the IC bounds what each service takes. */
export const MAX_FETCH_REQUEST_BYTES = 64 * 1024;
/** Bytes of an answer: above a certified stream slice of 4 MiB with its witness. @playground the IC bounds what each service takes. */
export const MAX_FETCH_REPLY_BYTES = 6 * 1024 * 1024;
/** Requests of one node that wait for their answers; what is beyond gets none. @playground the IC bounds each service's connections. */
export const MAX_OPEN_FETCHES = 32;
/** A delegation of the root subnet is fetched again after this. @upstream rs/http_endpoints/nns_delegation_manager#DELEGATION_UPDATE_INTERVAL */
export const DELEGATION_RENEWAL_MS = 300_000;
/** First pause after a failed fetch of it, then doubled. @playground the IC pauses 1 to 15 s by chance; here root and other subnets start in the same second. */
export const DELEGATION_MIN_BACKOFF_MS = 250;
/** Longest pause. @upstream rs/http_endpoints/nns_delegation_manager#DELEGATION_RETRY_MAX_BACKOFF_SECONDS */
export const DELEGATION_MAX_BACKOFF_MS = 15_000;
