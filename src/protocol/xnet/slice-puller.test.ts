import { describe, expect, it } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { present } from '../../base/assert.ts';
import { createPrng } from '../../base/prng.ts';
import type { HttpReply } from '../http/http-error.ts';
import {
  LEAST_PULL_INTERVAL_MS,
  MAX_OPEN_PULLS,
  MAX_PULL_BACKOFF_MS,
  MAX_SLICE_BYTES,
} from '../limits/xnet.ts';
import type { NodeId, SubnetId } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import { cutSlice } from './cut-slice.ts';
import { encodeSlice, type CertifiedSlice } from './slice-codec.ts';
import { SlicePool } from './slice-pool.ts';
import { SlicePuller, type Pull } from './slice-puller.ts';
import type { OwnIndexes } from './slice-rules.ts';
import { sliceRange } from './slice-witness.ts';
import { parseStreamPath, streamPath, type SliceRequest } from './stream-request.ts';
import { requests, testNetwork, type TestStream } from './testing/certified-streams.ts';
import { SliceVerifier } from './verify-slice.ts';

const MS = 1_000_000n;
const { a, b, topology } = testNetwork();
const NODES = ['n0', 'n1', 'n2', 'n3'] as readonly string[] as readonly NodeId[];

/** Subnet a with four nodes; b, to which the puller belongs. */
const FOUR: NetworkTopology = {
  ...topology,
  subnets: topology.subnets.map((entry) =>
    entry.subnetId === a.id ? { ...entry, nodes: NODES } : entry,
  ),
};

function sceneOf(given: { own?: OwnIndexes; topology?: NetworkTopology; seed?: string } = {}) {
  const pool = new SlicePool();
  const refused: string[] = [];
  const prng = createPrng(given.seed ?? 'puller');
  let operations = 0;
  let own = given.own ?? { begin: 0, end: 5, signalsEnd: 0 };
  let nowNs = 0n;
  const puller = new SlicePuller({
    subnetId: b.id,
    pool,
    verifier: new SliceVerifier(b.id, b.crypto),
    topology: () => given.topology ?? FOUR,
    ownIndexes: () => own,
    unitDelayMs: () => 100,
    chooseIndex: (n) => prng.below(n),
    nextOperation: () => {
      operations += 1;
      return operations;
    },
    onRefused: (from, _height, { code }) => {
      refused.push(`${from} ${code}`);
    },
  });
  /** The next question to a, when it is due. */
  const pull = (): Pull => {
    nowNs = puller.nextWakeNs() ?? nowNs;
    return present(puller.work(nowNs)[0], 'a question is due');
  };
  const answer = (to: Pull, reply: HttpReply | null, afterMs = 1n): boolean => {
    nowNs += afterMs * MS;
    return puller.fetched(to.operationId, reply, nowNs);
  };
  return {
    puller,
    pool,
    refused,
    pull,
    answer,
    now: () => nowNs,
    setOwn: (next: OwnIndexes) => {
      own = next;
    },
    held: () => {
      const slice = pool.get(a.id)?.certified;
      return slice && [slice.messagesBegin, slice.messages.length];
    },
  };
}

function askedFor({ request }: Pull): SliceRequest {
  const parsed = parseStreamPath(request.path);
  if (!parsed.ok || parsed.value.kind !== 'slice') {
    throw new RangeError(`${request.path} asks for no slice`);
  }
  return parsed.value;
}

const TEN: TestStream = { begin: 0, messages: requests(0, 10), signalsEnd: 2 };

/** What an honest node of a answers from a state with that stream. */
function cutFor(pull: Pull, stream: TestStream = TEN): CertifiedSlice {
  const tree = a.certify(3, new Map([[b.id, stream]]));
  return present(cutSlice(tree, b.id, askedFor(pull).wish), 'the stream is there');
}

function reply(slice: CertifiedSlice | Uint8Array): HttpReply {
  const body = slice instanceof Uint8Array ? slice : encodeSlice(slice);
  return { status: 200, contentType: 'application/cbor', body };
}

/** The path of the same question from the stream's first message on. */
function ofBeginning(pull: Pull): string {
  const asked = askedFor(pull);
  return streamPath({ ...asked, wish: { ...asked.wish, witnessBegin: 0, msgBegin: 0 } });
}

const NOTHING: HttpReply = { status: 204, contentType: 'text/plain', body: new Uint8Array(0) };

describe('the puller of streams', () => {
  it('XN3 asks one node of each other subnet at a time, and goes on behind what it holds', () => {
    const { puller, pull, answer, held, now, setOwn, pool } = sceneOf();
    const first = pull();
    expect(NODES).toContain(first.to);
    expect(askedFor(first)).toMatchObject({ receiver: b.id, signalsEnd: 0 });
    expect(puller.work(now())).toEqual([]);
    expect(answer(first, reply(cutFor(first, { ...TEN, messages: requests(0, 4) })))).toBe(true);
    expect(held()).toEqual([0, 4]);

    const second = pull();
    expect(askedFor(second)).toMatchObject({
      wish: { witnessBegin: 0, msgBegin: 4, msgLimit: 10_000 - 4 },
      signalsEnd: 2,
    });
    answer(second, reply(cutFor(second)));
    expect(held()).toEqual([0, 10]);

    // The state has them: only what comes later stays, and is gone on from.
    setOwn({ begin: 2, end: 5, signalsEnd: 7 });
    pool.dropBefore(a.id, 7);
    const third = pull();
    expect(askedFor(third).wish).toMatchObject({ witnessBegin: 7, msgBegin: 10 });
  });

  it.each<readonly [string, string, (pull: Pull) => HttpReply]>([
    ['bytes that are no slice', 'XNET_MALFORMED_SLICE', () => reply(Uint8Array.of(0x83, 1, 2))],
    ['no bytes', 'XNET_MALFORMED_SLICE', () => reply(new Uint8Array(0))],
    [
      'more bytes than a slice may have',
      'XNET_MALFORMED_SLICE',
      () => reply(new Uint8Array(MAX_SLICE_BYTES + 1)),
    ],
    [
      'a cut-off slice',
      'XNET_MALFORMED_SLICE',
      (pull) => reply(encodeSlice(cutFor(pull)).slice(0, -1)),
    ],
    [
      'a message changed',
      'XNET_ROOT_MISMATCH',
      (pull) => {
        const slice = cutFor(pull);
        const [, other, ...rest] = slice.messages;
        return reply({ ...slice, messages: [other as Uint8Array, other as Uint8Array, ...rest] });
      },
    ],
    [
      'a signature of its own',
      'XNET_BAD_CERTIFICATION',
      (pull) => {
        const slice = cutFor(pull);
        const signature = slice.certification.signature.map((byte) => byte ^ 1);
        return reply({ ...slice, certification: { ...slice.certification, signature } });
      },
    ],
    ['a gap', 'XNET_MESSAGES_NOT_NEXT', (pull) => reply(sliceRange(cutFor(pull), 1, 10))],
    [
      'the header alone, of a stream that has more',
      'XNET_MESSAGES_NOT_NEXT',
      (pull) => reply(sliceRange(cutFor(pull), 0, 0)),
    ],
  ])('XN9 refuses %s as %s, keeps nothing of it and asks others', (_, code, lie) => {
    const { pull, answer, refused, held } = sceneOf();
    const first = pull();
    answer(first, lie(first));
    expect(refused).toEqual([`${first.to} ${code}`]);
    expect(held()).toBeUndefined();
    for (let i = 0; i < 6; i += 1) {
      const next = pull();
      expect(next.to).not.toBe(first.to);
      answer(next, NOTHING, 200n);
    }
  });

  it('XN9 refuses a state of before what it knows, and one in which nothing is new', () => {
    const { pull, answer, refused, held, setOwn } = sceneOf();
    setOwn({ begin: 4, end: 5, signalsEnd: 0 });
    const first = pull();
    answer(first, reply(cutFor(first)));
    expect(held()).toBeUndefined();
    const newer = { ...TEN, signalsEnd: 4 };
    const second = pull();
    answer(second, reply(cutFor(second, newer)));
    const third = pull();
    answer(third, reply(cutFor(third, newer)));
    expect(refused.map((text) => text.split(' ')[1])).toEqual([
      'XNET_STALE_SLICE',
      'XNET_EMPTY_SLICE',
    ]);
    expect(held()).toEqual([0, 10]);
  });

  it('XN9 refuses the header of a stream that ends before what the state has taken', () => {
    const { pull, answer, refused, held, setOwn } = sceneOf();
    setOwn({ begin: 0, end: 5, signalsEnd: 20 });
    const first = pull();
    const whole = cutFor({ ...first, request: { ...first.request, path: ofBeginning(first) } });
    answer(first, reply({ ...sliceRange(whole, 0, 0), messagesBegin: 20 }));
    expect(refused).toEqual([`${first.to} XNET_STALE_SLICE`]);
    expect(held()).toBeUndefined();
  });

  it('XN18 keeps nothing that the state took while the answer was on its way', () => {
    const { pull, answer, held, setOwn } = sceneOf();
    const first = pull();
    setOwn({ begin: 0, end: 5, signalsEnd: 4 });
    answer(first, reply(cutFor(first)));
    expect(held()).toEqual([4, 6]);
  });

  it('XN9 gives up a question that nobody answers, and takes no answer after that', () => {
    const { puller, pull, answer, refused, held, now } = sceneOf();
    const first = pull();
    const deadlineNs = puller.nextWakeNs() ?? 0n;
    expect(deadlineNs - now()).toBe(1200n * MS);
    expect(puller.work(deadlineNs - 1n)).toEqual([]);
    expect(refused).toEqual([]);
    puller.work(deadlineNs);
    expect(refused).toEqual([`${first.to} XNET_NO_ANSWER`]);
    expect(answer(first, reply(cutFor(first)))).toBe(false);
    expect(puller.fetched(999, null, now())).toBe(false);
    expect(held()).toBeUndefined();
  });

  it('XN9 waits longer and longer after answers that come early and say nothing, and blames nobody', () => {
    const { puller, pull, answer, refused, now } = sceneOf();
    const pauses: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      answer(pull(), i % 2 === 0 ? NOTHING : { ...NOTHING, status: 503 });
      pauses.push(Number(((puller.nextWakeNs() ?? 0n) - now()) / MS));
      expect(puller.work((puller.nextWakeNs() ?? 0n) - 1n)).toEqual([]);
    }
    expect(pauses[0]).toBe(LEAST_PULL_INTERVAL_MS);
    expect(pauses).toEqual(pauses.toSorted((x, y) => x - y));
    expect(pauses.at(-1)).toBe(MAX_PULL_BACKOFF_MS);
    expect(refused).toEqual([]);
    // Who waited for news as long as it was asked to has said nothing wrong.
    answer(pull(), NOTHING, 200n);
    expect((puller.nextWakeNs() ?? 0n) - now()).toBe(BigInt(LEAST_PULL_INTERVAL_MS) * MS);
  });

  it('XN9 of nodes that were no use asks the one that was so the longest ago', () => {
    const { pull, answer } = sceneOf();
    const order: NodeId[] = [];
    for (let i = 0; i < 8; i += 1) {
      const next = pull();
      order.push(next.to);
      answer(next, null);
    }
    expect(new Set(order.slice(0, 4))).toEqual(new Set(NODES));
    expect(order.slice(4)).toEqual(order.slice(0, 4));
  });

  it('XN9 asks any node again after half a minute', () => {
    const { pull, answer, now } = sceneOf();
    const silent = NODES.map(() => {
      const next = pull();
      answer(next, null);
      return next.to;
    });
    const good = pull();
    expect(good.to).toBe(silent[0]);
    answer(good, reply(cutFor(good)));
    const asked = new Set<NodeId>();
    const askUntil = (endNs: bigint): void => {
      while (now() < endNs) {
        const next = pull();
        asked.add(next.to);
        answer(next, NOTHING, 200n);
      }
    };
    askUntil(25_000n * MS);
    expect([...asked]).toEqual([good.to]);
    askUntil(45_000n * MS);
    expect(asked).toEqual(new Set(NODES));
  });

  it('XN9 asks for nothing while its pool has no room, and eight subnets at a time', () => {
    const { puller, pool, pull, answer } = sceneOf();
    const first = pull();
    const messages = Array.from({ length: 4 }, () => new Uint8Array(MAX_SLICE_BYTES / 4));
    const header = { begin: 0, end: 4, signalsEnd: 0, rejectSignals: [], responsesOnly: false };
    pool.put(a.id, { ...cutFor(first), messages }, header);
    answer(first, NOTHING, 200n);
    expect(puller.work(puller.nextWakeNs() ?? 0n)).toEqual([]);
    expect(puller.nextWakeNs()).not.toBeNull();

    const entry = present(
      FOUR.subnets.find(({ subnetId }) => subnetId === a.id),
      'a is there',
    );
    const many = Array.from({ length: 12 }, (_, i) => ({
      ...entry,
      subnetId: `0${i.toString(16)}` as SubnetId,
    }));
    const wide = sceneOf({ topology: { ...FOUR, subnets: many } });
    expect(wide.puller.work(0n)).toHaveLength(MAX_OPEN_PULLS);
    expect(wide.puller.work(0n)).toHaveLength(0);
  });

  test.prop([fc.string(), fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 })])(
    'XN7 keeps nothing of bytes that nobody certified, and says so of each',
    (seed, bodies) => {
      const { pull, answer, refused, held } = sceneOf({ seed });
      for (const body of bodies) {
        answer(pull(), reply(body));
      }
      expect(refused).toHaveLength(bodies.length);
      expect(held()).toBeUndefined();
    },
  );

  const lies: readonly ((pull: Pull) => HttpReply | null)[] = [
    () => null,
    () => NOTHING,
    () => reply(Uint8Array.of(1)),
    (pull) => reply(sliceRange(cutFor(pull), 1, 10)),
  ];
  test.prop([fc.string(), fc.nat(3), fc.array(fc.nat(lies.length - 1), { minLength: 1 })])(
    'XN9 comes to the messages as long as one node is honest',
    (seed, honest, chosen) => {
      const { pull, answer, held } = sceneOf({ seed });
      let asked = 0;
      while (held() === undefined && asked < 200) {
        const next = pull();
        const lie = lies[chosen[asked % chosen.length] ?? 0] ?? (() => null);
        answer(next, next.to === NODES[honest] ? reply(cutFor(next)) : lie(next));
        asked += 1;
      }
      expect(held()).toEqual([0, 10]);
    },
  );
});
