import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../base/hex.ts';
import { createPrng } from '../../base/prng.ts';
import { encodeCbor } from '../crypto/cbor.ts';
import { sha256 } from '../crypto/sha256.ts';
import { decodeArtifact, encodeArtifact, sealArtifact } from '../types/artifact-codec.ts';
import type { BlockProposal } from '../types/artifacts.ts';
import { NO_DKG, sealBlock } from '../types/block-codec.ts';
import type { HashHex, MessageId, NodeId } from '../types/ids.ts';
import { decodeStripped, isStripped, stripProposal } from './stripped-proposal.ts';

const HASH = 'ab'.repeat(32) as HashHex;

function idOf(envelope: Uint8Array): MessageId {
  return bytesToHex(sha256(Uint8Array.of(7), envelope)) as MessageId;
}

function proposalWith(ingress: readonly Uint8Array[]): BlockProposal {
  const block = sealBlock({
    height: 12,
    parent: HASH,
    rank: 1,
    context: { certifiedHeight: 10, registryVersion: 3, timeNs: 1_700_000_000_000_000_000n },
    payload: { kind: 'data', dkgStartHeight: 10, dkg: NO_DKG, batch: { ingress } },
  });
  return sealArtifact<'blockProposal'>({
    kind: 'blockProposal',
    height: 12,
    block,
    signer: 'cd'.repeat(29) as NodeId,
    signature: createPrng('signature').bytes(64),
  });
}

describe('a stripped proposal', () => {
  const envelopes = fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000 }), {
    minLength: 1,
    maxLength: 20,
  });

  it('gives the very bytes of the whole back, whatever calls are in it', () => {
    fc.assert(
      fc.property(envelopes, (calls) => {
        const proposal = proposalWith(calls);
        const whole = encodeArtifact(proposal);
        const stripped = stripProposal(whole, idOf);
        expect(stripped).not.toBeNull();
        const decoded = decodeStripped(stripped?.bytes ?? whole);
        expect(decoded.ok).toBe(true);
        if (!decoded.ok) {
          return;
        }
        expect(decoded.value.calls).toEqual(
          calls.map((call) => ({
            messageId: idOf(call),
            hash: bytesToHex(sha256(call)),
            bytes: call.length,
          })),
        );
        expect(decoded.value.restore(calls)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  it('is told from a whole one by its first bytes, and is small', () => {
    const call = createPrng('call').bytes(1_000_000);
    const whole = encodeArtifact(proposalWith([call]));
    const stripped = stripProposal(whole, idOf)?.bytes ?? whole;
    expect(isStripped(whole)).toBe(false);
    expect(isStripped(stripped)).toBe(true);
    expect(stripped.length).toBeLessThan(500);
    expect(decodeArtifact(stripped).ok).toBe(false);
  });

  it('is not made of a block without calls, nor of one with a call that has no id', () => {
    expect(stripProposal(encodeArtifact(proposalWith([])), idOf)).toBeNull();
    const strange = encodeArtifact(proposalWith([Uint8Array.of(1)]));
    expect(stripProposal(strange, () => undefined)).toBeNull();
    expect(stripProposal(Uint8Array.of(1, 2, 3), idOf)).toBeNull();
  });

  it('becomes another block with other calls: the name refuses it', () => {
    const proposal = proposalWith([Uint8Array.of(1), Uint8Array.of(2)]);
    const stripped = stripProposal(encodeArtifact(proposal), idOf)?.bytes ?? new Uint8Array(0);
    const decoded = decodeStripped(stripped);
    const swapped = decoded.ok
      ? decodeArtifact(decoded.value.restore([Uint8Array.of(2), Uint8Array.of(1)]))
      : undefined;
    expect(swapped).toMatchObject({ ok: true });
    expect(swapped?.ok === true && swapped.value.hash).not.toBe(proposal.hash);
  });

  it('is refused when it names too many calls, too many bytes, or something else than calls', () => {
    const reference = [new Uint8Array(32), new Uint8Array(32), 1];
    const made = (references: Parameters<typeof encodeCbor>[0]) =>
      encodeCbor([
        0xff,
        4,
        12,
        [12, new Uint8Array(32), 0, 0, 0, 0, [1, 0, [[], []]], references],
        new Uint8Array(29),
        new Uint8Array(64),
      ]);
    expect(decodeStripped(made([reference])).ok).toBe(true);
    const refused = [
      made([]),
      made(Array.from({ length: 1001 }, () => reference)),
      made([[new Uint8Array(32), new Uint8Array(32), 2 ** 40]]),
      made(
        Array.from({ length: 1000 }, () => [new Uint8Array(32), new Uint8Array(32), 10_000_000]),
      ),
      made([[new Uint8Array(31), new Uint8Array(32), 1]]),
      made([[new Uint8Array(32), new Uint8Array(32), -1]]),
      made(['call']),
      made(null),
      encodeCbor([0xff, 4, 12, [], new Uint8Array(29), new Uint8Array(64)]),
      Uint8Array.of(0x86, 0x18, 0xff),
    ];
    for (const bytes of refused) {
      expect(decodeStripped(bytes)).toMatchObject({
        ok: false,
        error: { code: 'MALFORMED_STRIPPED_BLOCK' },
      });
    }
  });

  it('never throws, whatever is changed in it', () => {
    const whole = encodeArtifact(proposalWith([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]));
    const stripped = stripProposal(whole, idOf)?.bytes ?? whole;
    fc.assert(
      fc.property(fc.nat(stripped.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = stripped.slice();
        changed[at] = (changed[at] as number) ^ mask;
        const decoded = decodeStripped(changed);
        if (decoded.ok) {
          decodeArtifact(decoded.value.restore(decoded.value.calls.map(() => Uint8Array.of(1))));
        }
      }),
      { numRuns: 500 },
    );
  });
});
