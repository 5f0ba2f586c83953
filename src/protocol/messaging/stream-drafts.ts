import { compareText } from '../../base/bytes.ts';
import type { StreamFacts, StreamRefusal } from '../interfaces/trace.ts';
import {
  EMPTY_STREAM,
  type RejectReason,
  type RejectSignal,
  type Stream,
  type StreamMessage,
  type Streams,
} from '../replicated-state/streams.ts';
import type { Height, SubnetId } from '../types/ids.ts';
import { streamMessageBytes } from './stream-limits.ts';

/** Refusals of one round and stream that onlookers hear of. */
const MAX_TOLD_REFUSALS = 8;

/** A stream during a round: only this object is written in place. */
export class StreamDraft {
  readonly from: SubnetId;
  readonly subnetId: SubnetId;
  #begin: number;
  #messages: StreamMessage[];
  #signalsEnd: number;
  #rejectSignals: RejectSignal[];
  readonly #responsesOnly: boolean;
  #bytes: number | undefined;
  enqueued = 0;
  inducted = 0;
  rejected = 0;
  collected = 0;
  /** Of the slice taken in, by the other subnet's heights. */
  sliceHeight: Height | null = null;
  readonly #refusals: StreamRefusal[] = [];

  constructor(from: SubnetId, subnetId: SubnetId, stream: Stream) {
    this.from = from;
    this.subnetId = subnetId;
    this.#begin = stream.begin;
    this.#messages = [...stream.messages];
    this.#signalsEnd = stream.signalsEnd;
    this.#rejectSignals = [...stream.rejectSignals];
    this.#responsesOnly = stream.responsesOnly;
  }

  get begin(): number {
    return this.#begin;
  }

  get end(): number {
    return this.#begin + this.#messages.length;
  }

  get signalsEnd(): number {
    return this.#signalsEnd;
  }

  get messages(): readonly StreamMessage[] {
    return this.#messages;
  }

  get bytes(): number {
    this.#bytes ??= this.#messages.reduce((sum, message) => sum + streamMessageBytes(message), 0);
    return this.#bytes;
  }

  push(message: StreamMessage): void {
    const { bytes } = this;
    this.#messages.push(message);
    this.#bytes = bytes + streamMessageBytes(message);
    this.enqueued += 1;
  }

  accept(): void {
    this.#signalsEnd += 1;
    this.inducted += 1;
  }

  reject(reason: RejectReason): void {
    this.#rejectSignals.push({ reason, index: this.#signalsEnd });
    if (this.#refusals.length < MAX_TOLD_REFUSALS) {
      this.#refusals.push({ reason, index: this.#signalsEnd });
    }
    this.#signalsEnd += 1;
    this.rejected += 1;
  }

  /** Drops messages that the receiver has signals for. @returns the ones that it rejected */
  collectMessages(
    signalsEnd: number,
    signals: readonly RejectSignal[],
  ): readonly (readonly [RejectReason, StreamMessage])[] {
    const rejected = signals.flatMap(({ reason, index }) => {
      const message = this.#messages[index - this.#begin];
      return index >= signalsEnd || message === undefined ? [] : [[reason, message] as const];
    });
    const count = signalsEnd - this.#begin;
    this.#messages = this.#messages.slice(count);
    this.#begin = signalsEnd;
    this.#bytes = undefined;
    this.collected += count;
    return rejected;
  }

  /** Drops signals of messages that their sender does not keep any more. */
  collectSignals(remoteBegin: number): void {
    this.#rejectSignals = this.#rejectSignals.filter(({ index }) => index >= remoteBegin);
  }

  seal(): Stream {
    return {
      begin: this.#begin,
      messages: this.#messages,
      signalsEnd: this.#signalsEnd,
      rejectSignals: this.#rejectSignals,
      responsesOnly: this.#responsesOnly,
    };
  }

  facts(): StreamFacts {
    const { from, subnetId, begin, end, signalsEnd } = this;
    const { enqueued, inducted, rejected, collected, sliceHeight } = this;
    return {
      from,
      subnetId,
      begin,
      end,
      signalsEnd,
      rejectSignals: this.#rejectSignals.length,
      bytes: this.bytes,
      enqueued,
      inducted,
      rejected,
      collected,
      sliceHeight,
      refusals: this.#refusals,
    };
  }
}

/** What onlookers learn of streams in which no round moves anything: where they stand. */
export function streamFactsOf(own: SubnetId, streams: Streams): readonly StreamFacts[] {
  return [...streams]
    .filter(([subnetId]) => subnetId !== own)
    .map(([subnetId, stream]) => new StreamDraft(own, subnetId, stream).facts());
}

/** All streams during a round; those nobody touches stay as they are. */
export class StreamDrafts {
  readonly #own: SubnetId;
  readonly #before: Streams;
  readonly #drafts = new Map<SubnetId, StreamDraft>();

  constructor(own: SubnetId, streams: Streams) {
    this.#own = own;
    this.#before = streams;
  }

  /** To look at; undefined = there is none yet. */
  peek(subnetId: SubnetId): StreamDraft | undefined {
    return this.#drafts.has(subnetId) || this.#before.has(subnetId) ? this.of(subnetId) : undefined;
  }

  /** To write to; begins the stream if there is none. */
  of(subnetId: SubnetId): StreamDraft {
    let draft = this.#drafts.get(subnetId);
    if (draft === undefined) {
      draft = new StreamDraft(this.#own, subnetId, this.#before.get(subnetId) ?? EMPTY_STREAM);
      this.#drafts.set(subnetId, draft);
    }
    return draft;
  }

  /** Those of this round, ascending by subnet. */
  touched(): readonly StreamDraft[] {
    return [...this.#drafts.values()].toSorted((a, b) => compareText(a.subnetId, b.subnetId));
  }

  seal(): Streams {
    if (this.#drafts.size === 0) {
      return this.#before;
    }
    const streams = new Map(this.#before);
    for (const [subnetId, draft] of this.#drafts) {
      streams.set(subnetId, draft.seal());
    }
    return new Map([...streams].toSorted(([a], [b]) => compareText(a, b)));
  }
}
