import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { present } from '../../../base/assert.ts';
import { concatBytes } from '../../../base/bytes.ts';
import { createPrng } from '../../../base/prng.ts';
import { INSECURE_TEST_SUITE } from '../../crypto/insecure-test-crypto.ts';
import { createRealSuite } from '../../crypto/real-suite.ts';
import { mod, scalarToBytes } from '../../crypto/scalars.ts';
import { GROUP_ORDER } from '../../crypto/suite.ts';
import { MAX_COMPLAINT_BYTES } from '../../limits/dkg.ts';
import type { DkgComplaint, DkgConfig, DkgDealing } from '../../types/dkg.ts';
import type { NodeId } from '../../types/ids.ts';
import { complainAbout } from './complaint.ts';
import { sealDealing } from './ephemeral-key.ts';
import { maskPiece, runDigest } from './piece.ts';
import {
  cheatOn,
  createDkgFixture,
  dealBy,
  type DkgFixture,
  freshConfig,
  OUTSIDE_SUBGROUP,
  resharingConfig,
} from './testing/dkg-fixture.ts';

function open(fixture: DkgFixture, config: DkgConfig, dealing: DkgDealing, nodeId: NodeId) {
  const secret = present(fixture.secrets.get(nodeId), 'a node of the fixture');
  return fixture.scheme.openShare(config, fixture.records, dealing, secret, createPrng('open'));
}

/** The victim's complaint about a dealing that cheats it. */
function complaintOf(
  fixture: DkgFixture,
  config: DkgConfig,
  dealing: DkgDealing,
  complainer: NodeId,
): DkgComplaint {
  const opening = open(fixture, config, dealing, complainer);
  const content = opening.kind === 'bad' ? opening.complaint : new Uint8Array(0);
  return { id: config.id, dealer: dealing.dealer, complainer, content };
}

function lie(
  fixture: DkgFixture,
  config: DkgConfig,
  dealing: DkgDealing,
  complainer: NodeId,
): DkgComplaint {
  const secret = present(fixture.secrets.get(complainer), 'a node of the fixture');
  const { bls } = fixture.suite;
  const content = complainAbout(bls, config, fixture.records, dealing, secret);
  return { id: config.id, dealer: dealing.dealer, complainer, content };
}

describe.each([
  ['insecure-test-crypto', INSECURE_TEST_SUITE],
  ['bls12-381', createRealSuite()],
])('a feldman complaint over %s', (_, suite) => {
  const fixture = createDkgFixture(4, suite);
  const { scheme, records, members } = fixture;
  const [alice, bob, carol] = members as [NodeId, NodeId, NodeId];
  const stranger = fixture.strangers[0] as NodeId;
  const config = freshConfig(fixture);
  const cheat = cheatOn(fixture, config, alice, bob);
  const complaint = complaintOf(fixture, config, cheat, bob);
  const verdict = (about: DkgDealing, made: DkgComplaint, run: DkgConfig = config): string => {
    const outcome = scheme.verifyComplaint(run, records, about, made);
    return outcome.ok ? 'ok' : outcome.error.code;
  };

  it('convicts the dealer, and costs nobody else a piece', () => {
    expect(scheme.verifyDealing(config, records, cheat).ok).toBe(true);
    expect(complaint.content).toHaveLength(MAX_COMPLAINT_BYTES);
    expect(verdict(cheat, complaint)).toBe('ok');
    expect(open(fixture, config, cheat, carol).kind).toBe('good');
  });

  it('convicts a dealer whose polynomial gives the victim nothing', () => {
    // p(x) = 2 − x is zero for the receiver at 2, a share nobody can sign with.
    const two = suite.bls.publicKey(scalarToBytes(2n));
    const minusOne = suite.bls.publicKey(scalarToBytes(GROUP_ORDER - 1n));
    const run = runDigest(config);
    const secret = scalarToBytes(77n);
    const ephemeralKey = suite.bls.publicKey(secret);
    const pieces = members.map((receiver, i) => {
      const receiverKey = present(records.get(receiver), 'a member').dkgPublicKey;
      const shared = suite.bls.multiplyPublicKey(receiverKey, secret);
      const address = { run, dealer: alice, receiver, receiverKey, ephemeralKey };
      const point = shared.ok ? shared.value : ephemeralKey;
      return maskPiece(address, point, scalarToBytes(mod(1n - BigInt(i))));
    });
    const unsealed = { run, dealer: alice, coefficients: [two, minusOne], pieces };
    const dealing = { ...cheat, content: sealDealing(suite.bls, unsealed, secret) };
    const others = members.filter((member) => member !== bob);
    expect(scheme.verifyDealing(config, records, dealing).ok).toBe(true);
    expect(others.map((other) => open(fixture, config, dealing, other).kind)).toEqual([
      'good',
      'good',
      'good',
    ]);
    expect(verdict(dealing, complaintOf(fixture, config, dealing, bob))).toBe('ok');
  });

  it('about a good piece is unfounded', () => {
    const honest = dealBy(fixture, config, alice);
    expect(verdict(honest, lie(fixture, config, honest, bob))).toBe('UNFOUNDED_COMPLAINT');
    expect(verdict(cheat, lie(fixture, config, cheat, carol))).toBe('UNFOUNDED_COMPLAINT');
  });

  it('holds for its run, dealing and complainer only', () => {
    const sameAgain = cheatOn(fixture, config, alice, carol);
    const byCarol = cheatOn(fixture, config, carol, bob);
    const later = freshConfig(fixture, 40);
    const next = cheatOn(fixture, later, alice, bob);
    expect(verdict(sameAgain, complaint)).toBe('MALFORMED_COMPLAINT');
    expect(verdict(byCarol, complaint)).toBe('MALFORMED_COMPLAINT');
    expect(verdict(byCarol, { ...complaint, dealer: carol })).toBe('MALFORMED_COMPLAINT');
    expect(verdict(cheat, { ...complaint, dealer: carol })).toBe('MALFORMED_COMPLAINT');
    expect(verdict(cheat, { ...complaint, id: later.id })).toBe('MALFORMED_COMPLAINT');
    expect(verdict(cheat, { ...complaint, complainer: carol })).toBe('MALFORMED_COMPLAINT');
    expect(verdict(cheat, { ...complaint, complainer: stranger })).toBe('MALFORMED_COMPLAINT');
    expect(verdict(cheat, { ...complaint, complainer: 'ff' as NodeId })).toBe(
      'MALFORMED_COMPLAINT',
    );
    expect(verdict(next, complaint, later)).toBe('MALFORMED_COMPLAINT');
    expect(verdict(next, { ...complaint, id: later.id }, later)).toBe('MALFORMED_COMPLAINT');
    const relabelled = { ...cheat, id: later.id };
    expect(verdict(relabelled, { ...complaint, id: later.id }, later)).toBe('MALFORMED_COMPLAINT');
  });

  it('of other bytes is malformed', () => {
    const { content } = complaint;
    const infinity = concatBytes(Uint8Array.of(0xc0), new Uint8Array(95));
    const others = [
      new Uint8Array(0),
      content.slice(1),
      concatBytes(content, Uint8Array.of(0)),
      new Uint8Array(content.length),
      new Uint8Array(content.length).fill(0xff),
      concatBytes(infinity, content.slice(96)),
      concatBytes(OUTSIDE_SUBGROUP, content.slice(96)),
      concatBytes(suite.bls.publicKey(new Uint8Array(32).fill(5)), content.slice(96)),
      concatBytes(content.slice(0, 96), new Uint8Array(64)),
      concatBytes(content.slice(0, 128), content.slice(96, 128)),
    ];
    expect(others.map((bytes) => verdict(cheat, { ...complaint, content: bytes }))).toEqual(
      others.map(() => 'MALFORMED_COMPLAINT'),
    );
    expect(verdict({ ...cheat, content: new Uint8Array(9) }, complaint)).toBe('MALFORMED_DEALING');
  });
});

describe('feldman complaints in a resharing', () => {
  const fixture = createDkgFixture(7, INSECURE_TEST_SUITE);
  const old = fixture.genesisKey;
  const config = resharingConfig(old.transcript, fixture.members);
  const nodes = fc.uniqueArray(fc.nat({ max: 6 }), { minLength: 2, maxLength: 2 });

  test.prop([nodes], { numRuns: 30 })('any victim convicts any dealer', ([dealer, victim]) => {
    const from = fixture.members[dealer as number] as NodeId;
    const to = fixture.members[victim as number] as NodeId;
    const cheat = cheatOn(fixture, config, from, to, old);
    const complaint = complaintOf(fixture, config, cheat, to);
    expect(fixture.scheme.verifyDealing(config, fixture.records, cheat).ok).toBe(true);
    const outcome = fixture.scheme.verifyComplaint(config, fixture.records, cheat, complaint);
    expect(outcome).toEqual({ ok: true, value: undefined });
  });

  test.prop([fc.uint8Array({ minLength: 150, maxLength: 170 })], { numRuns: 200 })(
    'no other bytes convict',
    (content) => {
      const [alice, bob] = fixture.members as [NodeId, NodeId];
      const cheat = cheatOn(fixture, config, alice, bob, old);
      const complaint = { id: config.id, dealer: alice, complainer: bob, content };
      const outcome = fixture.scheme.verifyComplaint(config, fixture.records, cheat, complaint);
      expect(outcome).toMatchObject({ ok: false, error: { code: 'MALFORMED_COMPLAINT' } });
    },
  );
});
