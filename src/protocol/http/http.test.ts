import { HttpAgent, type Identity } from '@icp-sdk/core/agent';
import {
  DelegationChain,
  DelegationIdentity,
  ECDSAKeyIdentity,
  Ed25519KeyIdentity,
} from '@icp-sdk/core/identity';
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1';
import { Principal } from '@icp-sdk/core/principal';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import { canisterIdFromU64, principalToBytes, principalToText } from '../crypto/principal.ts';
import type { PrincipalId } from '../types/ids.ts';
import { authenticate, timeToText } from './authenticate.ts';
import { checkEffectiveId } from './canister-call.ts';
import { decodeEnvelope, type Envelope } from './envelope.ts';

const CANISTER = canisterIdFromU64(7n);
const CANISTER_TEXT = principalToText(CANISTER);
const MINUTE_NS = 60_000_000_000n;

/** What an unmodified agent puts on the wire for an update call. */
async function captureCall(identity: Identity | undefined): Promise<Uint8Array> {
  let body: Uint8Array | undefined;
  const agent = HttpAgent.createSync({
    ...(identity === undefined ? {} : { identity }),
    host: 'http://localhost',
    retryTimes: 0,
    fetch: async (_url: unknown, init?: { body?: unknown }) => {
      body = new Uint8Array(init?.body as Uint8Array);
      return new Response(null, { status: 202 });
    },
  } as never);
  await agent.call(CANISTER_TEXT, {
    methodName: 'inc',
    arg: Uint8Array.of(68, 73, 68, 76, 0, 0),
    callSync: false,
  } as never);
  return body as Uint8Array;
}

function decoded(body: Uint8Array): Envelope {
  const envelope = decodeEnvelope(body);
  if (!envelope.ok) {
    throw new TypeError(envelope.error.message);
  }
  return envelope.value;
}

/** A moment at which the agent's expiry (now + 5 minutes, rounded down) is acceptable. */
function validTime(envelope: Envelope): bigint {
  return envelope.content.ingressExpiryNs - 4n * MINUTE_NS;
}

function verdict(envelope: Envelope, nowNs = validTime(envelope)): string {
  const result = authenticate(envelope, CANISTER, nowNs);
  return result.ok ? 'ok' : result.error.message;
}

async function delegated(
  targets?: Principal[],
  expiresInMs = 3_600_000,
): Promise<DelegationIdentity> {
  const root = Ed25519KeyIdentity.generate();
  const session = Ed25519KeyIdentity.generate();
  const chain = await DelegationChain.create(
    root,
    session.getPublicKey(),
    new Date(Date.now() + expiresInMs),
    targets === undefined ? {} : { targets },
  );
  return DelegationIdentity.fromDelegation(session, chain);
}

/** Changes one field of the envelope's content, keeping the old signature. */
function withContentField(body: Uint8Array, field: string, value: unknown): Uint8Array {
  const map = decodeCbor(body);
  if (!map.ok) {
    throw new TypeError('not CBOR');
  }
  const fields = new Map(map.value as unknown as Map<string, unknown>);
  const content = new Map(fields.get('content') as Map<string, unknown>);
  content.set(field, value);
  fields.set('content', content);
  return encodeCbor(fields as never, { selfDescribed: true });
}

describe('authentication of real agents', () => {
  const identities: readonly (readonly [string, () => Promise<Identity | undefined>])[] = [
    ['anonymous', async () => undefined],
    ['Ed25519', async () => Ed25519KeyIdentity.generate()],
    ['secp256k1', async () => Secp256k1KeyIdentity.generate()],
    ['P-256', async () => ECDSAKeyIdentity.generate()],
    ['a delegation', async () => delegated()],
    [
      'a delegation with the right target',
      async () => delegated([Principal.fromText(CANISTER_TEXT)]),
    ],
  ];
  for (const [name, make] of identities) {
    it(`accepts a call signed by ${name}, and refuses it when a byte of the argument changed`, async () => {
      const body = await captureCall(await make());
      const envelope = decoded(body);
      expect(envelope.content.kind).toBe('call');
      expect(verdict(envelope)).toBe('ok');
      const tampered = decoded(withContentField(body, 'arg', Uint8Array.of(1)));
      const expected =
        name === 'anonymous' ? /^ok$/ : /^Failed to authenticate request 0x.*Invalid signature/;
      expect(verdict(tampered)).toMatch(expected);
    });
  }

  it('refuses a delegation for another canister, an expired one, and a foreign sender', async () => {
    const other = Principal.fromText(principalToText(canisterIdFromU64(8n)));
    expect(verdict(decoded(await captureCall(await delegated([other]))))).toMatch(
      /not one of the delegation targets/,
    );
    const expired = decoded(await captureCall(await delegated(undefined, 60_000)));
    expect(verdict(expired, expired.content.ingressExpiryNs - MINUTE_NS)).toMatch(/has expired/);
    const body = await captureCall(Ed25519KeyIdentity.generate());
    const foreign = withContentField(
      body,
      'sender',
      principalToBytes('02'.repeat(29) as PrincipalId),
    );
    expect(verdict(decoded(foreign))).toMatch(/does not match the public key/);
  });

  it('states an expiry outside the window in the words that agents look for', async () => {
    const envelope = decoded(await captureCall(Ed25519KeyIdentity.generate()));
    const expiry = envelope.content.ingressExpiryNs;
    expect(verdict(envelope, expiry + 1n)).toMatch(
      /^Invalid request expiry: Specified ingress_expiry not within/,
    );
    expect(verdict(envelope, expiry - 6n * MINUTE_NS)).toMatch(/^Invalid request expiry: /);
    expect(verdict(envelope, expiry)).toBe('ok');
  });
});

describe('envelopes from anywhere', () => {
  it('never throws on mutated or random bytes and names the fault', async () => {
    const body = await captureCall(Ed25519KeyIdentity.generate());
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.nat(255), fc.boolean(), (at, value, cut) => {
        const mutated = cut ? body.slice(0, at) : body.slice();
        if (!cut) {
          mutated[at] = value;
        }
        const result = decodeEnvelope(mutated);
        expect(result.ok || result.error.message.length > 0).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeEnvelope(bytes)),
    );
  });

  it('bounds nesting and size', () => {
    const deep = new Uint8Array(2000).fill(0x81);
    const nested = decodeEnvelope(deep);
    expect(!nested.ok && nested.error.status).toBe(400);
    const large = decodeEnvelope(new Uint8Array(6 * 1024 * 1024));
    expect(!large.ok && large.error.status).toBe(413);
  });

  it('demands the effective id of the URL', async () => {
    const { content } = decoded(await captureCall(undefined));
    if (content.kind !== 'call') {
      throw new TypeError('a call was captured');
    }
    expect(checkEffectiveId(content, CANISTER).ok).toBe(true);
    expect(checkEffectiveId(content, canisterIdFromU64(8n)).ok).toBe(false);
  });
});

describe('times in texts', () => {
  it('agree with the platform calendar', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), (seconds) => {
        const expected = new Date(seconds * 1000).toISOString().replace('T', ' ').slice(0, 19);
        expect(timeToText(BigInt(seconds) * 1_000_000_000n)).toBe(`${expected} UTC`);
      }),
    );
  });
});
