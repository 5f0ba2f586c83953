/**
 * Bounds and timers of the P2P layer. @upstream rs/p2p/{consensus_manager,artifact_downloader,quic_transport}
 */

export const NS_PER_MS = 1_000_000n;

/** Artifacts below this size travel inside the slot update. @upstream consensus_manager/sender: 1024 */
export const PUSH_BELOW_BYTES = 1024;
/** Latency-sensitive artifacts (own shares, proposals without their calls, calls) are pushed up to this size. @playground the IC sets no bound */
export const PUSH_SENSITIVE_BELOW_BYTES = 64 * 1024;
/** Back-off of an update that a peer has not acknowledged. @upstream 250 ms × 2 up to 60 s */
export const RETRY_FIRST_MS = 250;
export const RETRY_FACTOR = 2;
export const RETRY_LIMIT_MS = 60_000;
/** Keep-alive and idle time-out of a connection. @upstream quic_transport: 1 s, 5 s */
export const HELLO_EVERY_NS = 1_000_000_000;
export const PEER_DOWN_AFTER_NS = 5_000_000_000;
/** Acknowledgements wait this long for company. @playground QUIC acknowledges by itself. */
export const ACK_DELAY_NS = 100_000_000;
/**
 * Patience with the first peer asked for an artifact, at the mainnet's pace (faster paces scale it), and the longest.
 * @upstream artifact_downloader: 5 s … 120 s
 */
export const PULL_FIRST_TIMEOUT_MS = 5000;
export const PULL_LIMIT_TIMEOUT_MS = 120_000;
/** The question is repeated to the same peer meanwhile. @playground packets may be lost here, a QUIC stream repeats them. */
export const PULL_REPEAT_FIRST_MS = 500;
export const PULL_REPEAT_LIMIT_MS = 8000;
/** How often ids that the bouncer put off are looked at again. @upstream bouncer refresh 1 s */
export const RECONSIDER_EVERY_NS = 1_000_000_000;

/** Slots a peer may use in our table for calls. @upstream ingress 50 000 */
export const MAX_INGRESS_SLOTS_PER_PEER = 50_000;
/**
 * Slots a peer may use for everything else: several times what an honest pool of 40 nodes holds
 * between two catch-up packages. @upstream unlimited
 */
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
export const MAX_STATE_MESSAGES_PER_PACKET = 32;
/** Answers to one peer's pulls in one step; the next ones follow in the next step. */
export const PULL_ANSWER_BYTES_PER_STEP = 4 * 1024 * 1024;
export const PULL_ANSWER_PAUSE_NS = 5_000_000;
/** Questions to one peer that may be open at a time. @playground the IC bounds the streams of a connection: 1000 */
export const MAX_OPEN_PULLS_PER_PEER = 64;
/** Entries of a peer's queue of wanted artifacts that one step looks at. */
export const PULL_SCAN_PER_PEER = 128;
/** Entries that one peer made us put off, looked at again in one pass. */
export const RECONSIDER_PER_PEER = 1024;
/** Proposals from one peer that may wait for parts at a time. */
export const MAX_ASSEMBLING_PER_PEER = 4;
/**
 * Work that one peer's packets may cause in one step, in units of roughly a microsecond; more waits
 * in a backlog of its own. @playground the IC's bound is the flow control of the connection.
 */
export const WORK_PER_PEER_AND_STEP = 20_000;
export const WORK_OF_PACKET = 20;
export const BYTES_PER_WORK = 64;
export const WORK_OF_UPDATE = 4;
export const WORK_OF_ARTIFACT = 30;
export const MAX_BACKLOG_PACKETS = 256;
export const MAX_BACKLOG_BYTES = 16 * 1024 * 1024;
/** A backlog is worked off in steps of this distance. */
export const BACKLOG_PAUSE_NS = 1_000_000;
/** Nodes of a subnet. */
export const MAX_PEERS = 64;
