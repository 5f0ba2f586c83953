/**
 * Bounds and timers of the P2P layer. @upstream rs/p2p/{consensus_manager,artifact_downloader,quic_transport}
 */

export const NS_PER_MS = 1_000_000n;

/** Artifacts below this size travel inside the slot update. @upstream consensus_manager/sender: 1024 */
export const PUSH_BELOW_BYTES = 1024;
/** Latency-sensitive artifacts (own proposals) are pushed up to this size. @playground the IC strips block bodies instead. */
export const PUSH_SENSITIVE_BELOW_BYTES = 64 * 1024;
/** Back-off of an update that a peer has not acknowledged. @upstream 250 ms × 2 up to 60 s */
export const RETRY_FIRST_MS = 250;
export const RETRY_FACTOR = 2;
export const RETRY_LIMIT_MS = 60_000;
/** Keep-alive and idle time-out of a connection. @upstream quic_transport: 1 s, 5 s */
export const HELLO_EVERY_MS = 1000;
export const PEER_DOWN_AFTER_MS = 5000;
/** Acknowledgements wait this long for company. @playground QUIC acknowledges by itself. */
export const ACK_DELAY_MS = 100;
/** Pull time-outs; packets may be lost here, a QUIC stream repeats them. @playground the IC starts at 5 s and ends at 120 s. */
export const PULL_FIRST_TIMEOUT_MS = 500;
export const PULL_LIMIT_TIMEOUT_MS = 120_000;
/** How often ids that the bouncer put off are looked at again. @upstream bouncer refresh 1 s */
export const RECONSIDER_EVERY_MS = 1000;

/** Slots a peer may use in our table. @upstream ingress 50 000, others unlimited */
export const MAX_SLOTS_PER_PEER = 20_000;
/** Updates to one peer that may be unacknowledged at a time after it came back. */
export const RESEND_WINDOW = 256;
/** A packet is closed when its content reaches this; one larger artifact still fits alone. */
export const PACKET_TARGET_BYTES = 256 * 1024;
/** A packet above this is refused unread. @upstream quic_transport: 128 MiB */
export const MAX_PACKET_BYTES = 8 * 1024 * 1024;
export const MAX_UPDATES_PER_PACKET = 1024;
export const MAX_ACKS_PER_PACKET = 4096;
export const MAX_PULLS_PER_PACKET = 64;
export const MAX_STATE_MESSAGES_PER_PACKET = 16;
/** Answers to one peer's pulls in one step; the next ones follow in the next step. */
export const PULL_ANSWER_BYTES_PER_STEP = 4 * 1024 * 1024;
export const PULL_ANSWER_PAUSE_MS = 5;
/** Pulls that may be open at a time. */
export const MAX_OPEN_PULLS = 256;
/** Nodes of a subnet. */
export const MAX_PEERS = 64;
