import type { HttpReply } from '../http/http-error.ts';
import { cborReply, errorReply, httpError } from '../http/http-error.ts';
import { principalToBytes } from '../crypto/principal.ts';
import { NS_PER_MS } from '../limits/consensus.ts';
import { MAX_SLICE_BYTES, MAX_WAITING_STREAM_REQUESTS } from '../limits/xnet.ts';
import type { NodeId, TimeNs } from '../types/ids.ts';
import { cutSlice, headerIn, streamsIn, type CertifiedTree } from './cut-slice.ts';
import { encodeSlice, type CertifiedSlice } from './slice-codec.ts';
import { sliceRange } from './slice-witness.ts';
import { parseStreamPath, type SliceRequest } from './stream-request.ts';

/** What a hostile node serves in the place of a slice: another one, word that nothing is new, or no answer at all. */
export type ServedSlice = CertifiedSlice | 'nothing' | 'silence';

export interface StreamServerDeps {
  /** The newest certified state; undefined before the first. */
  readonly certified: () => CertifiedTree | undefined;
  /** Members of any subnet of the network. */
  readonly isNode: (id: NodeId) => boolean;
  /** The Byzantine switches of this node. */
  readonly serve: (honest: CertifiedSlice | 'nothing', request: SliceRequest) => ServedSlice;
}

export interface StreamReply {
  readonly requestId: number;
  readonly reply: HttpReply;
}

interface Waiting {
  readonly requestId: number;
  readonly request: SliceRequest;
  readonly from: NodeId;
  readonly deadlineNs: TimeNs;
}

const NOTHING: HttpReply = { status: 204, contentType: 'text/plain', body: new Uint8Array(0) };

/**
 * Gives nodes of other subnets slices of the certified streams.
 *
 * Liveness: a request that finds nothing new waits for the next certified state that has something,
 * so that idle subnets need not ask again and again and news travels at once. Security: only nodes
 * are answered; each holds one waiting request, and their number is bounded.
 * @upstream rs/http_endpoints/xnet/src/lib.rs
 */
export class StreamServer {
  readonly #deps: StreamServerDeps;
  readonly #waiting = new Map<NodeId, Waiting>();
  #replies: StreamReply[] = [];

  constructor(deps: StreamServerDeps) {
    this.#deps = deps;
  }

  request(requestId: number, path: string, from: NodeId, nowNs: TimeNs): void {
    const request = parseStreamPath(path);
    const certified = this.#deps.certified();
    if (!this.#deps.isNode(from)) {
      const error = httpError('UNKNOWN_PATH', 'Streams are for nodes of the network.');
      this.#answer(requestId, errorReply(error));
    } else if (!request.ok) {
      this.#answer(requestId, errorReply(request.error));
    } else if (certified === undefined) {
      const error = httpError('NOT_READY', 'No state is certified yet. Try again.');
      this.#answer(requestId, errorReply(error));
    } else if (request.value.kind === 'list') {
      this.#answer(requestId, cborReply(200, streamsIn(certified).map(principalToBytes)));
    } else {
      const deadlineNs = nowNs + BigInt(request.value.waitMs) * NS_PER_MS;
      this.#giveUp(from);
      this.#serve({ requestId, request: request.value, from, deadlineNs }, certified, nowNs);
    }
  }

  cancel(requestId: number): void {
    for (const { from, requestId: other } of this.#waiting.values()) {
      if (other === requestId) {
        this.#waiting.delete(from);
      }
    }
  }

  /** A new state is certified: who waited for what it holds is answered. */
  onCertified(nowNs: TimeNs): void {
    const certified = this.#deps.certified();
    for (const waiting of certified === undefined ? [] : [...this.#waiting.values()]) {
      this.#waiting.delete(waiting.from);
      this.#serve(waiting, certified as CertifiedTree, nowNs);
    }
  }

  takeReplies(nowNs: TimeNs): readonly StreamReply[] {
    for (const { from, deadlineNs } of [...this.#waiting.values()]) {
      if (deadlineNs <= nowNs) {
        this.#giveUp(from);
      }
    }
    const replies = this.#replies;
    this.#replies = [];
    return replies;
  }

  nextTimeoutNs(): TimeNs | null {
    let earliest: TimeNs | null = null;
    for (const { deadlineNs } of this.#waiting.values()) {
      earliest = earliest === null || deadlineNs < earliest ? deadlineNs : earliest;
    }
    return earliest;
  }

  /** Says to a node that nothing is new. */
  #giveUp(from: NodeId): void {
    const waiting = this.#waiting.get(from);
    if (waiting !== undefined) {
      this.#waiting.delete(from);
      this.#answerWith(waiting, this.#deps.serve('nothing', waiting.request));
    }
  }

  #serve(waiting: Waiting, certified: CertifiedTree, nowNs: TimeNs): void {
    const { request, from, deadlineNs } = waiting;
    const slice = newsIn(certified, request);
    if (slice === 'gone') {
      const error = httpError('MALFORMED_REQUEST', 'Messages before the beginning of the stream.');
      this.#answer(waiting.requestId, errorReply(error));
    } else if (slice !== 'nothing') {
      this.#answerWith(waiting, this.#deps.serve(slice, request));
    } else if (nowNs < deadlineNs && this.#waiting.size < MAX_WAITING_STREAM_REQUESTS) {
      this.#waiting.set(from, waiting);
    } else {
      this.#answerWith(waiting, this.#deps.serve('nothing', request));
    }
  }

  #answerWith({ requestId }: Waiting, slice: ServedSlice): void {
    if (slice === 'nothing') {
      this.#answer(requestId, NOTHING);
    } else if (slice !== 'silence') {
      this.#answer(requestId, {
        status: 200,
        contentType: 'application/cbor',
        body: encodeWhole(slice),
      });
    }
  }

  #answer(requestId: number, reply: HttpReply): void {
    this.#replies.push({ requestId, reply });
  }
}

/** Within the limit of a slice, whatever its witness takes. */
function encodeWhole(slice: CertifiedSlice): Uint8Array {
  let part = slice;
  let encoded = encodeSlice(part);
  while (encoded.length > MAX_SLICE_BYTES && part.messages.length > 0) {
    const count = Math.floor((part.messages.length * 3) / 4);
    part = sliceRange(part, part.messagesBegin, part.messagesBegin + count);
    encoded = encodeSlice(part);
  }
  return encoded;
}

function newsIn(
  certified: CertifiedTree,
  { receiver, wish, signalsEnd }: SliceRequest,
): CertifiedSlice | 'nothing' | 'gone' {
  const header = headerIn(certified, receiver);
  if (header === undefined) {
    return 'nothing';
  }
  const hasNews = wish.msgBegin < header.end || signalsEnd < header.signalsEnd;
  if (!hasNews || header.end < wish.msgBegin) {
    return 'nothing';
  }
  return cutSlice(certified, receiver, wish) ?? 'gone';
}
