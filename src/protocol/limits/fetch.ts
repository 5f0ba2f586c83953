/** Requests of a node to a node of another subnet; hosts keep these. */

/** Until then there is an answer, or none. @upstream rs/http_endpoints/nns_delegation_manager#NNS_DELEGATION_REQUEST_SEND_TIMEOUT */
export const FETCH_TIMEOUT_MS = 10_000;
/** Bytes of such a request. @playground the IC bounds what each service takes. */
export const MAX_FETCH_REQUEST_BYTES = 64 * 1024;
/** Bytes of an answer: above a certified stream slice of 4 MiB with its witness. @playground the IC bounds what each service takes. */
export const MAX_FETCH_REPLY_BYTES = 6 * 1024 * 1024;
/** Requests of one node that wait for their answers; what is beyond gets none. @playground the IC bounds each service's connections. */
export const MAX_OPEN_FETCHES = 32;
