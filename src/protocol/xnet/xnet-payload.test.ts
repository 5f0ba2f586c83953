import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import type { BatchPayload, XNetSlice } from '../interfaces/replica.ts';
import { MAX_SLICE_BYTES } from '../limits/xnet.ts';
import {
  EMPTY_STREAM,
  type Stream,
  type StreamHeader,
  type Streams,
} from '../replicated-state/streams.ts';
import type { SubnetType } from '../types/genesis.ts';
import type { SubnetId } from '../types/ids.ts';
import { cutSlice } from './cut-slice.ts';
import { decodeSlice, encodeSlice, type CertifiedSlice } from './slice-codec.ts';
import { SlicePool } from './slice-pool.ts';
import { checkIndexes, messageLimit, NO_STREAM } from './slice-rules.ts';
import { sliceRange } from './slice-witness.ts';
import { requests, testNetwork, type TestStream } from './testing/certified-streams.ts';
import { readSlice, SliceVerifier } from './verify-slice.ts';
import { XNetPayloads } from './xnet-payload.ts';

const CONTEXT = { certifiedHeight: 5, registryVersion: 1, timeNs: 1n };

/** Subnet b, to which a has a stream; what b has on its own stream to a. */
function scene(theirs: TestStream, ours: Partial<Stream> = {}, types?: [SubnetType, SubnetType]) {
  const { a, b, topology } = testNetwork(types);
  const tree = a.certify(9, new Map([[b.id, theirs]]));
  const wish = { witnessBegin: theirs.begin, msgBegin: theirs.begin, msgLimit: 10_000 };
  const whole = present(
    cutSlice(tree, b.id, { ...wish, byteLimit: MAX_SLICE_BYTES }),
    'the stream is there',
  );
  const pool = new SlicePool();
  const read = readSlice(whole);
  if (read.ok) {
    pool.put(a.id, whole, read.value.header);
  }
  const streams: Streams = new Map([[a.id, { ...EMPTY_STREAM, ...ours }]]);
  const payloads = new XNetPayloads({
    subnetId: b.id,
    pool,
    verifier: new SliceVerifier(b.id, b.crypto),
    topologyAt: (version) => (version === 1 ? topology : undefined),
    streamsAt: (height) => (height <= 5 ? { streams, height: 5 } : undefined),
  });
  const verdict = (slices: readonly XNetSlice[], past: readonly BatchPayload[] = []) => {
    const judged = payloads.validate(slices, CONTEXT, past);
    return judged.kind === 'valid' ? 'valid' : judged.code;
  };
  const judge = (slice: CertifiedSlice, past?: readonly BatchPayload[], from: SubnetId = a.id) =>
    verdict([{ from, slice: encodeSlice(slice) }], past);
  return { a, b, whole, pool, payloads, verdict, judge };
}

function contentOf(slices: readonly XNetSlice[]): CertifiedSlice {
  const decoded = decodeSlice(slices[0]?.slice ?? new Uint8Array(0));
  if (!decoded.ok) {
    throw new RangeError('no slice was built');
  }
  return decoded.value;
}

describe('slices in blocks', () => {
  it('XN10 go on behind the state and the blocks above it, and what is built is valid', () => {
    const { a, payloads, verdict } = scene(
      { begin: 2, messages: requests(2, 12, 400), signalsEnd: 0 },
      { signalsEnd: 4 },
    );
    const first = payloads.build(CONTEXT, [], 3000);
    expect(contentOf(first)).toMatchObject({ messagesBegin: 4 });
    expect(verdict(first)).toBe('valid');
    const past = [{ ingress: [], xnet: first }];
    const next = payloads.build(CONTEXT, past, 100_000);
    expect(contentOf(next).messagesBegin).toBe(4 + contentOf(first).messages.length);
    expect(next[0]?.from).toBe(a.id);
    expect(verdict(next, past)).toBe('valid');
    expect(verdict(next)).toBe('XNET_MESSAGES_NOT_NEXT');
    expect(verdict(first, past)).toBe('XNET_MESSAGES_NOT_NEXT');
    expect(payloads.build(CONTEXT, [...past, { ingress: [], xnet: next }], 100_000)).toEqual([]);
  });

  it('XN10 go on behind a later state too, whatever the blocks between say of before', () => {
    const ours = { begin: 3, messages: requests(3, 9), signalsEnd: 6 };
    const theirs = { begin: 0, messages: requests(0, 12), signalsEnd: 4 };
    const { a, payloads, judge } = scene(theirs, ours);
    const older = scene({ begin: 0, messages: requests(0, 4), signalsEnd: 1 }).whole;
    const past = [{ ingress: [], xnet: [{ from: a.id, slice: encodeSlice(older) }] }];
    expect(contentOf(payloads.build(CONTEXT, past, 100_000)).messagesBegin).toBe(6);
    const stale = scene({ ...theirs, signalsEnd: 2 });
    expect(judge(sliceRange(stale.whole, 6, 12), past)).toBe('XNET_SIGNALS_OUT_OF_RANGE');
  });

  it('XN10 are not led astray by where a slice without messages claims to stand', () => {
    const theirs = { begin: 0, messages: requests(0, 5), signalsEnd: 1 };
    const { a, payloads, judge, whole } = scene(theirs, { messages: requests(0, 2) });
    const empty = { ...sliceRange(whole, 0, 0), messagesBegin: 1_000_000 };
    expect(judge(empty)).toBe('valid');
    const past = [{ ingress: [], xnet: [{ from: a.id, slice: encodeSlice(empty) }] }];
    expect(contentOf(payloads.build(CONTEXT, past, 100_000))).toMatchObject({ messagesBegin: 0 });
  });

  it('XN11 are within the room that is left, and none goes in below a KiB', () => {
    const { payloads } = scene({ begin: 0, messages: requests(0, 50, 500), signalsEnd: 0 });
    const built = payloads.build(CONTEXT, [], 9000);
    expect(built[0]?.slice.length).toBeLessThanOrEqual(9000);
    expect(contentOf(built).messages.length).toBeGreaterThan(8);
    expect(payloads.build(CONTEXT, [], 1000)).toEqual([]);
    const small = scene({ begin: 0, messages: requests(0, 2), signalsEnd: 0 });
    expect(small.payloads.build(CONTEXT, [], 1023)).toEqual([]);
    expect(small.payloads.build(CONTEXT, [], 1024)).toHaveLength(1);
  });

  it('XN5 are what the other subnet certified, to the last message', () => {
    const { a, whole, judge, verdict } = scene({
      begin: 0,
      messages: requests(0, 3),
      signalsEnd: 0,
    });
    const [first, second, third] = whole.messages as [Uint8Array, Uint8Array, Uint8Array];
    expect(judge({ ...whole, messages: [second, first, third] })).toBe('XNET_ROOT_MISMATCH');
    const root = whole.certification.root.map((byte) => byte ^ 1);
    expect(judge({ ...whole, certification: { ...whole.certification, root } })).toBe(
      'XNET_ROOT_MISMATCH',
    );
    expect(verdict([{ from: a.id, slice: encodeSlice(whole) }])).toBe('valid');
  });

  it('XN11 of several subnets share the room, another one first at each height', () => {
    const { a, b, topology } = testNetwork();
    // A third subnet with the key of the first.
    const entry = present(
      topology.subnets.find(({ subnetId }) => subnetId === a.id),
      'a is there',
    );
    const twin = '00' as SubnetId;
    const stream = { begin: 0, messages: requests(0, 6, 900), signalsEnd: 0 };
    const tree = a.certify(9, new Map([[b.id, stream]]));
    const wish = { witnessBegin: 0, msgBegin: 0, msgLimit: 6, byteLimit: MAX_SLICE_BYTES };
    const whole = present(cutSlice(tree, b.id, wish), 'the stream is there');
    const read = readSlice(whole);
    const pool = new SlicePool();
    for (const id of [a.id, twin]) {
      pool.put(id, whole, (read as { value: { header: StreamHeader } }).value.header);
    }
    const payloads = new XNetPayloads({
      subnetId: b.id,
      pool,
      verifier: new SliceVerifier(b.id, b.crypto),
      topologyAt: () => ({
        ...topology,
        subnets: [{ ...entry, subnetId: twin }, ...topology.subnets],
      }),
      streamsAt: (height) => ({ streams: new Map(), height }),
    });
    const built = (certifiedHeight: number, maxBytes: number) =>
      payloads.build({ ...CONTEXT, certifiedHeight }, [], maxBytes);
    const sizeOf = (slices: readonly XNetSlice[]) =>
      slices.reduce((sum, { slice }) => sum + slice.length, 0);
    for (const height of [4, 5]) {
      expect(built(height, 100_000).map(({ from }) => from)).toEqual([twin, a.id].toSorted());
      expect(sizeOf(built(height, 9000))).toBeLessThanOrEqual(9000);
    }
    const alone = [4, 5].flatMap((height) => built(height, 6900).map(({ from }) => from));
    expect(new Set(alone)).toEqual(new Set([twin, a.id]));
    expect(alone).toHaveLength(2);
    const past = [{ ingress: [], xnet: [{ from: twin, slice: encodeSlice(whole) }] }];
    expect(payloads.build(CONTEXT, past, 100_000).map(({ from }) => from)).toEqual([a.id]);
  });

  it('XN12 leave no message out and repeat none', () => {
    const { whole, judge } = scene({ begin: 0, messages: requests(0, 6), signalsEnd: 0 });
    expect(judge(whole)).toBe('valid');
    expect(judge(sliceRange(whole, 1, 6))).toBe('XNET_MESSAGES_NOT_NEXT');
    expect(judge(sliceRange(whole, 0, 3))).toBe('valid');
    const taken = scene({ begin: 0, messages: requests(0, 6), signalsEnd: 0 }, { signalsEnd: 8 });
    expect(taken.judge(taken.whole)).toBe('XNET_STALE_SLICE');
    const later = scene({ begin: 4, messages: requests(4, 6), signalsEnd: 0 });
    expect(later.judge(later.whole)).toBe('XNET_MESSAGES_NOT_NEXT');
    expect(later.judge(sliceRange(later.whole, 6, 6))).toBe('XNET_MESSAGES_NOT_NEXT');
  });

  it('XN13 have something new: a message, or a signal', () => {
    const ours = { begin: 1, messages: requests(1, 5) };
    const old = scene({ begin: 0, messages: [], signalsEnd: 1 }, ours);
    expect(old.judge(old.whole)).toBe('XNET_EMPTY_SLICE');
    expect(old.payloads.build(CONTEXT, [], 9000)).toEqual([]);
    const news = scene({ begin: 0, messages: [], signalsEnd: 3 }, ours);
    expect(news.judge(news.whole)).toBe('valid');
    const past = [{ ingress: [], xnet: news.payloads.build(CONTEXT, [], 9000) }];
    expect(news.judge(news.whole, past)).toBe('XNET_EMPTY_SLICE');
  });

  it('XN14 have signals for messages that were sent and not yet signalled, and none too old', () => {
    const ours = { begin: 3, messages: requests(3, 5) };
    const verdictOf = (signalsEnd: number) => {
      const { judge, whole } = scene({ begin: 0, messages: requests(0, 1), signalsEnd }, ours);
      return judge(whole);
    };
    expect([2, 3, 5, 6].map(verdictOf)).toEqual([
      'XNET_SIGNALS_OUT_OF_RANGE',
      'valid',
      'valid',
      'XNET_SIGNALS_OUT_OF_RANGE',
    ]);
    const reaching = (index: number) => {
      const rejectSignals = [{ reason: 'queueFull' as const, index }];
      const { judge, whole } = scene(
        { begin: 0, messages: [], signalsEnd: 20_005, rejectSignals },
        { begin: 20_000, messages: requests(0, 10) },
      );
      return judge(whole);
    };
    expect([4, 5].map(reaching)).toEqual(['XNET_TOO_MANY_SIGNALS', 'valid']);
  });

  it('XN14 would leave no more than 10,000 signals to be kept', () => {
    const taken = (messages: number) =>
      checkIndexes(
        {
          header: {
            begin: 5,
            end: 20_000,
            signalsEnd: 0,
            rejectSignals: [],
            responsesOnly: false,
          },
          messagesBegin: 10_003,
          messages: requests(0, messages),
        },
        { expected: { message: 10_003, signal: 0 }, own: NO_STREAM, messageLimit: 10 },
      )?.code;
    expect([2, 3].map(taken)).toEqual([undefined, 'XNET_TOO_MANY_SIGNALS']);
  });

  it('XN15 never bring more messages than a system subnet takes beside its own responses', () => {
    const theirs = { begin: 0, messages: requests(0, 120), signalsEnd: 7 };
    const ours = { begin: 7, messages: requests(7, 37) };
    const system = scene(theirs, ours, ['application', 'system']);
    expect([70, 71, 120].map((end) => system.judge(sliceRange(system.whole, 0, end)))).toEqual([
      'valid',
      'XNET_TOO_MANY_MESSAGES',
      'XNET_TOO_MANY_MESSAGES',
    ]);
    expect(contentOf(system.payloads.build(CONTEXT, [], 1_000_000)).messages).toHaveLength(70);
    const application = scene(theirs, ours, ['system', 'application']);
    expect(application.judge(application.whole)).toBe('valid');
  });

  it('XN15 bring signals even when there is no room for a message: they are what makes room', () => {
    const theirs = { begin: 0, messages: requests(0, 5), signalsEnd: 110 };
    const ours = { begin: 0, messages: requests(0, 130) };
    const { judge, whole, payloads } = scene(theirs, ours, ['application', 'system']);
    expect(judge(sliceRange(whole, 0, 1))).toBe('XNET_TOO_MANY_MESSAGES');
    const built = contentOf(payloads.build(CONTEXT, [], 1_000_000));
    expect(built.messages).toEqual([]);
    expect(judge(built)).toBe('valid');
  });

  it('XN15 are bounded at the root whoever sends, at other system subnets when others do', () => {
    const limitOf = (own: 'a' | 'b', types: readonly [SubnetType, SubnetType]) => {
      const { a, b, topology } = testNetwork(types);
      const ids = own === 'a' ? ([a.id, b.id] as const) : ([b.id, a.id] as const);
      return messageLimit(...ids, topology, NO_STREAM);
    };
    expect(limitOf('a', ['system', 'system'])).toBe(100);
    expect(limitOf('b', ['system', 'system'])).toBe(Number.POSITIVE_INFINITY);
    expect(limitOf('b', ['application', 'system'])).toBe(100);
    expect(limitOf('b', ['system', 'application'])).toBe(Number.POSITIVE_INFINITY);
  });

  it('XN16 come from another subnet of the registry, one each in their order', () => {
    const { a, b, whole, judge, verdict } = scene({
      begin: 0,
      messages: requests(0, 2),
      signalsEnd: 0,
    });
    expect(judge(whole, [], b.id)).toBe('XNET_LOOPBACK');
    expect(judge(whole, [], '0102' as SubnetId)).toBe('XNET_UNKNOWN_SUBNET');
    const slice = { from: a.id, slice: encodeSlice(whole) };
    expect(verdict([slice, slice])).toBe('XNET_SUBNETS_NOT_ASCENDING');
    expect(verdict([{ from: a.id, slice: Uint8Array.of(1, 2) }])).toBe('XNET_MALFORMED_SLICE');
    expect(verdict([{ from: a.id, slice: new Uint8Array(MAX_SLICE_BYTES + 1) }])).toBe(
      'XNET_PAYLOAD_TOO_LARGE',
    );
  });

  it('XN17 are judged only by who has the state and the registry version', () => {
    const { a, whole, payloads } = scene({ begin: 0, messages: requests(0, 2), signalsEnd: 0 });
    const slices = [{ from: a.id, slice: encodeSlice(whole) }];
    expect(payloads.validate(slices, { ...CONTEXT, certifiedHeight: 6 }, []).kind).toBe(
      'undecided',
    );
    expect(payloads.validate(slices, { ...CONTEXT, registryVersion: 2 }, [])).toEqual({
      kind: 'undecided',
      code: 'REGISTRY_VERSION_NOT_AVAILABLE',
    });
    expect(payloads.validate(slices, { ...CONTEXT, certifiedHeight: 2 }, []).kind).toBe('valid');
    // The own stream of a later state is longer than the maker could know.
    const ours = { messages: requests(0, 60) };
    const theirs = { begin: 0, messages: requests(0, 90), signalsEnd: 0 };
    const system = scene(theirs, ours, ['application', 'system']);
    const ninety = [{ from: system.a.id, slice: encodeSlice(system.whole) }];
    const kindAt = (certifiedHeight: number) =>
      system.payloads.validate(ninety, { ...CONTEXT, certifiedHeight }, []).kind;
    expect([5, 4].map(kindAt)).toEqual(['invalid', 'valid']);
  });

  it('XN18 stay in the pool until the executed state has them', () => {
    const { a, pool, payloads } = scene({ begin: 0, messages: requests(0, 9), signalsEnd: 0 });
    payloads.build(CONTEXT, [], 100_000);
    pool.dropBefore(a.id, 4);
    expect(pool.get(a.id)?.certified).toMatchObject({ messagesBegin: 4 });
    expect(pool.get(a.id)?.certified.messages).toHaveLength(5);
    pool.dropBefore(a.id, 9);
    expect(pool.get(a.id)?.certified.messages).toHaveLength(0);
    pool.dropBefore(a.id, 10);
    expect(pool.get(a.id)).toBeUndefined();
    expect(pool.roomFor(a.id)).toBe(MAX_SLICE_BYTES);
  });
});
