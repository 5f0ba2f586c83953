import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { present } from '../../../base/assert.ts';
import { concatBytes, equalBytes } from '../../../base/bytes.ts';
import { createPrng } from '../../../base/prng.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import { INSECURE_TEST_SUITE } from '../../crypto/insecure-test-crypto.ts';
import { createRealSuite } from '../../crypto/real-suite.ts';
import type { CryptoSuite } from '../../crypto/suite.ts';
import { MAX_DEALING_BYTES } from '../../limits/dkg.ts';
import { faultsTolerated } from '../../registry/committee.ts';
import type { DkgConfig, DkgDealing } from '../../types/dkg.ts';
import type { NodeId } from '../../types/ids.ts';
import { decodeDealing, encodeDealing, type FeldmanDealing } from './dealing-codec.ts';
import { sealDealing } from './ephemeral-key.ts';
import { runDigest } from './piece.ts';
import {
  cheatOn,
  createDkgFixture,
  dealBy,
  type DkgFixture,
  finish,
  freshConfig,
  OUTSIDE_SUBGROUP,
  resharingConfig,
  type SharedKey,
} from './testing/dkg-fixture.ts';

const message = encodeUtf8('a beacon');

/** Signs with the shares of these nodes and combines. */
function signWith({ bls }: CryptoSuite, key: SharedKey, signers: readonly NodeId[]) {
  return bls.combineShares(
    signers.map((signer) => ({
      index: key.transcript.receivers.indexOf(signer),
      signature: bls.sign(present(key.shares.get(signer), 'a signer has a share'), message),
    })),
  );
}

/** Whether exactly so many of the key's receivers as it says can sign. */
function signs(suite: CryptoSuite, { transcript, shares }: SharedKey): boolean {
  const enough = transcript.receivers.slice(-transcript.threshold);
  const whole = signWith(suite, { transcript, shares }, enough);
  const part = signWith(suite, { transcript, shares }, enough.slice(1));
  return (
    whole.ok &&
    suite.bls.verify(transcript.publicKey, message, whole.value) &&
    !(part.ok && suite.bls.verify(transcript.publicKey, message, part.value))
  );
}

function dealAll(fixture: DkgFixture, config: DkgConfig, old?: SharedKey): readonly DkgDealing[] {
  return config.dealers.map((dealer) => dealBy(fixture, config, dealer, old));
}

function shapeOf(config: DkgConfig) {
  return { threshold: config.threshold, receivers: config.receivers.length };
}

/** The dealing with some of its fields replaced. */
function altered(
  config: DkgConfig,
  dealing: DkgDealing,
  change: (parts: FeldmanDealing) => Partial<FeldmanDealing>,
): DkgDealing {
  const parts = decodeDealing(dealing.content, shapeOf(config));
  if (!parts.ok) {
    throw new RangeError('the dealing to alter is good');
  }
  return {
    ...dealing,
    content: encodeDealing({ ...parts.value, ...change(parts.value) }),
  };
}

describe('feldman key generation', () => {
  it.each([
    [1, INSECURE_TEST_SUITE],
    [4, INSECURE_TEST_SUITE],
    [7, INSECURE_TEST_SUITE],
    [13, INSECURE_TEST_SUITE],
  ] as const)('gives %i nodes a fresh key and deals the old one anew', (n, suite) => {
    const fixture = createDkgFixture(n, suite);
    const fresh = freshConfig(fixture);
    const dealings = dealAll(fixture, fresh);
    for (const dealing of dealings) {
      expect(fixture.scheme.verifyDealing(fresh, fixture.records, dealing)).toEqual({
        ok: true,
        value: undefined,
      });
    }
    const key = finish(fixture, fresh, dealings.slice(0, fresh.collectionThreshold));
    expect(key.transcript).toMatchObject({ tag: 'low', threshold: fresh.threshold });
    expect(key.transcript.publicKey).not.toEqual(fixture.genesisKey.transcript.publicKey);
    expect(signs(suite, key)).toBe(true);

    const old = fixture.genesisKey;
    const reshare = resharingConfig(old.transcript, fixture.members);
    const redealt = dealAll(fixture, reshare, old);
    const renewed = finish(fixture, reshare, redealt);
    expect(renewed.transcript.publicKey).toEqual(old.transcript.publicKey);
    expect(signs(suite, renewed)).toBe(true);
  });

  it('of the largest subnet stays within the bound', () => {
    const fixture = createDkgFixture(40, INSECURE_TEST_SUITE);
    const config = { ...freshConfig(fixture), threshold: 40 };
    const dealing = dealBy(fixture, config, fixture.members[0] as NodeId);
    expect(dealing.content).toHaveLength(MAX_DEALING_BYTES);
    expect(fixture.scheme.verifyDealing(config, fixture.records, dealing).ok).toBe(true);
  });

  it('works on the real curve, and old shares do not mix with new ones', () => {
    const suite = createRealSuite();
    const fixture = createDkgFixture(4, suite);
    const [leaver, ...stayers] = fixture.members as [NodeId, NodeId, NodeId, NodeId];
    const old = fixture.genesisKey;
    const config = resharingConfig(old.transcript, [...stayers, fixture.strangers[0] as NodeId]);
    const dealings = fixture.members
      .slice(0, 3)
      .map((dealer) => dealBy(fixture, config, dealer, old));
    const outcomes = dealings.map((dealing) =>
      fixture.scheme.verifyDealing(config, fixture.records, dealing),
    );
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([true, true, true]);
    const renewed = finish(fixture, config, dealings);
    expect(renewed.transcript.publicKey).toEqual(old.transcript.publicKey);
    expect(renewed.shares.has(leaver)).toBe(false);
    expect(signs(suite, renewed)).toBe(true);

    const [first, ...rest] = renewed.transcript.receivers as [NodeId, NodeId, NodeId, NodeId];
    const stale = present(old.shares.get(leaver), 'it held a share');
    const mixed = { ...renewed, shares: new Map(renewed.shares).set(first, stale) };
    const forged = signWith(suite, mixed, [first, ...rest.slice(0, 2)]);
    expect(forged.ok && suite.bls.verify(old.transcript.publicKey, message, forged.value)).toBe(
      false,
    );
  });

  it('follows a subnet that grows and shrinks over many intervals', () => {
    const suite = INSECURE_TEST_SUITE;
    const fixture = createDkgFixture(7, suite);
    let key = fixture.genesisKey;
    const everybody = [...fixture.members, ...fixture.strangers];
    for (const size of [9, 4, 1, 5, 7]) {
      const receivers = everybody.slice(0, size);
      const config = resharingConfig(key.transcript, receivers, 20 * size);
      key = finish(fixture, config, dealAll(fixture, config, key));
      expect(key.transcript.threshold).toBe(size - faultsTolerated(size));
      expect(key.transcript.publicKey).toEqual(fixture.genesisKey.transcript.publicKey);
      expect(signs(suite, key)).toBe(true);
    }
  });

  const fixture = createDkgFixture(7, INSECURE_TEST_SUITE);
  const old = fixture.genesisKey;
  const configs = [freshConfig(fixture), resharingConfig(old.transcript, fixture.members)] as const;
  const all = configs.map((config) => dealAll(fixture, config, old));

  test.prop([fc.integer({ min: 0, max: 1 }), fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6])], {
    numRuns: 40,
  })('any large enough set of dealings gives consistent shares, in any order', (which, picks) => {
    const config = configs[which] as DkgConfig;
    const dealings = picks.map((i) => all[which]?.[i] as DkgDealing);
    const combined = fixture.scheme.combineDealings(config, dealings);
    if (picks.length < config.collectionThreshold) {
      expect(combined).toMatchObject({ ok: false, error: { code: 'NOT_ENOUGH_DEALINGS' } });
      expect(fixture.scheme.combineShares(config, dealings, new Map())).toMatchObject({
        ok: false,
        error: { code: 'NOT_ENOUGH_DEALINGS' },
      });
      return;
    }
    const { transcript, shares } = finish(fixture, config, dealings);
    expect(combined).toEqual({ ok: true, value: transcript });
    for (const [i, receiver] of transcript.receivers.entries()) {
      const own = fixture.suite.bls.publicKey(shares.get(receiver) as Uint8Array);
      expect(fixture.suite.bls.evaluatePublicShare(transcript.coefficients, i)).toEqual({
        ok: true,
        value: own,
      });
    }
    expect(fixture.scheme.combineDealings(config, dealings.toReversed())).toEqual(combined);
    const first = (all[which] as readonly DkgDealing[])
      .filter((dealing) => dealings.includes(dealing))
      .slice(0, config.collectionThreshold);
    expect(fixture.scheme.combineDealings(config, first)).toEqual(combined);
  });

  it('a random stream that repeats deals the same again, and nothing alike in another run', () => {
    const dealer = fixture.members[0] as NodeId;
    const [config] = configs;
    const again = fixture.scheme.deal(config, fixture.records, dealer, null, createPrng('same'));
    const parts = [config, freshConfig(fixture, 40)].map((run) => {
      const content = fixture.scheme.deal(run, fixture.records, dealer, null, createPrng('same'));
      const decoded = decodeDealing(content, shapeOf(run));
      return { content, parts: decoded.ok ? decoded.value : undefined };
    });
    expect(parts[0]?.content).toEqual(again);
    const seen = parts.flatMap(({ parts: p }) => [
      ...(p?.coefficients ?? []),
      ...(p?.pieces ?? []),
      p?.ephemeralKey,
    ]);
    expect(new Set(seen.map(String)).size).toBe(seen.length);
  });

  it('a random stream that others know does not tell the polynomial of a resharing', () => {
    const [alice, bob] = fixture.members as [NodeId, NodeId];
    const config = configs[1];
    const tails = [alice, bob].map((owner) => {
      const share = present(old.shares.get(owner), 'a holder of the key');
      const entropy = createPrng('known');
      const content = fixture.scheme.deal(config, fixture.records, alice, share, entropy);
      const decoded = decodeDealing(content, shapeOf(config));
      return decoded.ok ? String(decoded.value.coefficients.slice(1)) : '';
    });
    expect(tails[0]).not.toBe(tails[1]);
  });

  it('names a piece that is missing', () => {
    const [config] = configs;
    const dealings = all[0] as readonly DkgDealing[];
    const some = new Map([[fixture.members[1] as NodeId, new Uint8Array(32).fill(1)]]);
    expect(fixture.scheme.combineShares(config, dealings, some)).toMatchObject({
      ok: false,
      error: { code: 'NOT_ENOUGH_DEALINGS' },
    });
  });
});

describe.each([
  ['insecure-test-crypto', INSECURE_TEST_SUITE],
  ['bls12-381', createRealSuite()],
])('a bad feldman dealing over %s', (_, suite) => {
  const fixture = createDkgFixture(4, suite);
  const { scheme, records, members } = fixture;
  const [alice, bob] = members as [NodeId, NodeId];
  const old = fixture.genesisKey;
  const fresh = freshConfig(fixture);
  const reshare = resharingConfig(old.transcript, members);
  const good = dealBy(fixture, fresh, alice);
  const resharing = dealBy(fixture, reshare, alice, old);
  const key = suite.bls.publicKey(new Uint8Array(32).fill(9));
  const verdict = (config: DkgConfig, dealing: DkgDealing): string => {
    const outcome = scheme.verifyDealing(config, records, dealing);
    return outcome.ok ? 'ok' : outcome.error.code;
  };

  it.each([
    ['of another run', { ...good, id: { ...good.id, startHeight: 21 } }, 'MALFORMED_DEALING'],
    ['of another key', { ...good, id: { ...good.id, tag: 'high' as const } }, 'MALFORMED_DEALING'],
    ['by a stranger', { ...good, dealer: fixture.strangers[0] as NodeId }, 'WRONG_DEALER'],
    ['copied by another dealer', { ...good, dealer: bob }, 'MALFORMED_DEALING'],
    ['of no bytes', { ...good, content: new Uint8Array(0) }, 'MALFORMED_DEALING'],
    ['cut short', { ...good, content: good.content.slice(0, -1) }, 'MALFORMED_DEALING'],
    [
      'too long',
      { ...good, content: concatBytes(good.content, Uint8Array.of(0)) },
      'MALFORMED_DEALING',
    ],
    ['of megabytes', { ...good, content: new Uint8Array(4_000_000) }, 'MALFORMED_DEALING'],
    [
      'of a higher degree',
      altered(fresh, good, ({ coefficients }) => ({ coefficients: [...coefficients, key] })),
      'WRONG_THRESHOLD',
    ],
    [
      'of a lower degree',
      altered(fresh, good, ({ coefficients }) => ({ coefficients: coefficients.slice(1) })),
      'WRONG_THRESHOLD',
    ],
    [
      'with a piece too few',
      altered(fresh, good, ({ pieces }) => ({ pieces: pieces.slice(1) })),
      'MALFORMED_DEALING',
    ],
    [
      'with a coefficient that is no point',
      altered(fresh, good, ({ coefficients: [first] }) => ({
        coefficients: [first as Uint8Array, new Uint8Array(96).fill(0xff)],
      })),
      'MALFORMED_DEALING',
    ],
    [
      'with a coefficient outside the subgroup',
      altered(fresh, good, ({ coefficients: [first] }) => ({
        coefficients: [first as Uint8Array, OUTSIDE_SUBGROUP],
      })),
      'MALFORMED_DEALING',
    ],
    [
      'with an ephemeral key outside the subgroup',
      altered(fresh, good, () => ({ ephemeralKey: OUTSIDE_SUBGROUP })),
      'MALFORMED_DEALING',
    ],
    [
      'with infinity as a coefficient',
      altered(fresh, good, ({ coefficients: [first] }) => ({
        coefficients: [first as Uint8Array, concatBytes(Uint8Array.of(0xc0), new Uint8Array(95))],
      })),
      'MALFORMED_DEALING',
    ],
    [
      'with another coefficient',
      altered(fresh, good, ({ coefficients: [first] }) => ({
        coefficients: [first as Uint8Array, key],
      })),
      'MALFORMED_DEALING',
    ],
    [
      'with pieces swapped',
      altered(fresh, good, ({ pieces }) => ({ pieces: pieces.toReversed() })),
      'MALFORMED_DEALING',
    ],
    [
      'with another ephemeral key',
      altered(fresh, good, () => ({ ephemeralKey: key })),
      'MALFORMED_DEALING',
    ],
    [
      'with an ephemeral key that is no point',
      altered(fresh, good, () => ({ ephemeralKey: new Uint8Array(96) })),
      'MALFORMED_DEALING',
    ],
    [
      'with a proof of zeros',
      altered(fresh, good, () => ({ ephemeralProof: new Uint8Array(64) })),
      'MALFORMED_DEALING',
    ],
    [
      'with a proof that is not reduced',
      altered(fresh, good, () => ({ ephemeralProof: new Uint8Array(64).fill(0xff) })),
      'MALFORMED_DEALING',
    ],
  ])('%s is refused', (__, dealing, code) => {
    expect(verdict(fresh, dealing)).toBe(code);
  });

  it.each([
    ['outside the subgroup', OUTSIDE_SUBGROUP],
    ['at infinity', concatBytes(Uint8Array.of(0xc0), new Uint8Array(95))],
    ['of zeros', new Uint8Array(96)],
  ])('sealed by its dealer over a coefficient %s is refused', (__, coefficient) => {
    const sealed = (coefficients: readonly Uint8Array[]): DkgDealing => {
      const pieces = members.map(() => new Uint8Array(32).fill(1));
      const unsealed = { run: runDigest(fresh), dealer: alice, coefficients, pieces };
      const content = sealDealing(suite.bls, unsealed, new Uint8Array(32).fill(3));
      return { ...good, content };
    };
    expect(verdict(fresh, sealed([key, key]))).toBe('ok');
    expect(verdict(fresh, sealed([coefficient, key]))).toBe('MALFORMED_DEALING');
    expect(verdict(fresh, sealed([key, coefficient]))).toBe('MALFORMED_DEALING');
  });

  it('of a former run is refused in a later one', () => {
    const later = freshConfig(fixture, 40);
    expect(verdict(fresh, good)).toBe('ok');
    expect(verdict(later, { ...good, id: later.id })).toBe('MALFORMED_DEALING');
    const otherReceivers = {
      ...fresh,
      receivers: [...members.slice(1), fixture.strangers[0] as NodeId],
    };
    expect(verdict(otherReceivers, good)).toBe('MALFORMED_DEALING');
  });

  it('that deals another secret than the old share is no resharing', () => {
    const bobsShare = {
      ...old,
      shares: new Map(old.shares).set(alice, old.shares.get(bob) as Uint8Array),
    };
    expect(verdict(reshare, resharing)).toBe('ok');
    expect(verdict(reshare, dealBy(fixture, reshare, alice, bobsShare))).toBe('NOT_A_RESHARING');
    const stranger = fixture.strangers[0] as NodeId;
    const open = { ...reshare, dealers: [...reshare.dealers, stranger] };
    const shares = new Map(old.shares).set(stranger, old.shares.get(bob) as Uint8Array);
    expect(verdict(open, dealBy(fixture, open, stranger, { ...old, shares }))).toBe('WRONG_DEALER');
  });
});

describe('a feldman dealing of any bytes', () => {
  const fixture = createDkgFixture(4, INSECURE_TEST_SUITE);
  const config = freshConfig(fixture);
  const good = dealBy(fixture, config, fixture.members[0] as NodeId);
  const check = (content: Uint8Array) =>
    fixture.scheme.verifyDealing(config, fixture.records, { ...good, content }).ok;

  test.prop([fc.uint8Array({ maxLength: 600 })], { numRuns: 200 })('is refused', (content) => {
    expect(check(content)).toBe(false);
  });

  test.prop([fc.nat({ max: good.content.length - 1 }), fc.integer({ min: 1, max: 255 })], {
    numRuns: 200,
  })('is refused when one byte differs', (at, difference) => {
    const content = good.content.slice();
    content[at] = (content[at] as number) ^ difference;
    expect(equalBytes(content, good.content)).toBe(false);
    expect(check(content)).toBe(false);
  });

  it('is accepted unaltered, by a cheat as well: only the victim sees it', () => {
    const [alice, bob] = fixture.members as [NodeId, NodeId];
    expect(check(good.content)).toBe(true);
    expect(check(cheatOn(fixture, config, alice, bob).content)).toBe(true);
  });
});
