import { present } from '../../base/assert.ts';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import { codedError, err, ok } from '../../base/result.ts';
import type { CodedError, Result } from '../../base/result.ts';
import { asArray, asBytes, asSafeNat, decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import type { CborInput, CborValue } from '../crypto/cbor.ts';
import { sha256 } from '../crypto/sha256.ts';
import { MAX_ARTIFACT_BYTES, MAX_INGRESS_PER_BLOCK } from '../limits/consensus.ts';
import type { HashHex, MessageId } from '../types/ids.ts';
import type { ArtifactName } from './packet.ts';

/**
 * Proposals of data blocks travel without the calls in them: peers have most calls already, as
 * artifacts of their own. In the place of each call stands its id, the hash of its bytes and its
 * size; who misses some asks the advertisers of the block for them.
 *
 * The name of a proposal is the hash of the whole encoding, and the whole is put together byte by
 * byte, so that whatever stands in a stripped proposal, only the block that was named can come out.
 * Upstream: rs/p2p/artifact_downloader/src/fetch_stripped_artifact.
 */
export interface StrippedProposal {
  readonly calls: readonly CallReference[];
  /** The encoding of the whole proposal; one envelope for each reference, in its order. */
  restore(envelopes: readonly Uint8Array[]): Uint8Array;
}

/** Stands for a call in a stripped proposal. */
export interface CallReference {
  readonly messageId: MessageId;
  /** SHA-256 of the envelope: the id does not cover its signatures. */
  readonly hash: HashHex;
  readonly bytes: number;
}

export type StrippedProposalError = CodedError<'MALFORMED_STRIPPED_BLOCK'>;

/** Calls of a block are asked for under this kind, by the block's height and the hash of their bytes. */
export const BLOCK_INGRESS_KIND = 'blockIngress';

/** In the place of an artifact's kind code; no kind has it. */
const STRIPPED = 0xff;
/** First bytes of a stripped proposal: an array of six items, and the mark. */
const PREFIX = [0x86, 0x18, STRIPPED] as const;
/** Proposal: kind, height, block, signer, signature. Block: six header fields, then the payload. */
const PROPOSAL_FIELDS = 5;
const BLOCK_FIELDS = 7;
const MAX_DEPTH = 10;
const MAX_ITEMS = 64_000;
const HASH_BYTES = 32;

export function nameOfCall(height: number, hash: HashHex): ArtifactName {
  return { kind: BLOCK_INGRESS_KIND, height, hash };
}

export function isStripped(bytes: Uint8Array): boolean {
  return PREFIX.every((byte, i) => bytes[i] === byte);
}

function decode(bytes: Uint8Array): readonly CborValue[] | undefined {
  const decoded = decodeCbor(bytes, {
    maxBytes: MAX_ARTIFACT_BYTES,
    maxDepth: MAX_DEPTH,
    maxItems: MAX_ITEMS,
    canonical: true,
  });
  return decoded.ok ? asArray(decoded.value) : undefined;
}

/**
 * Takes the calls out of a proposal.
 * @param whole the canonical encoding of the proposal of a data block
 * @param messageIdOf undefined for an envelope that has none
 * @returns null when nothing is to be taken out: the proposal travels whole
 */
export function stripProposal(
  whole: Uint8Array,
  messageIdOf: (envelope: Uint8Array) => MessageId | undefined,
): { readonly bytes: Uint8Array; readonly calls: ReadonlyMap<HashHex, Uint8Array> } | null {
  const proposal = decode(whole);
  const block = asArray(proposal?.[2]);
  const payload = decode(asBytes(block?.[BLOCK_FIELDS - 1]) ?? new Uint8Array(0));
  const envelopes = asArray(payload?.at(-1));
  if (
    proposal === undefined ||
    block === undefined ||
    payload === undefined ||
    envelopes === undefined
  ) {
    return null;
  }
  const calls = new Map<HashHex, Uint8Array>();
  const references: CborInput[] = [];
  for (const item of envelopes) {
    const envelope = asBytes(item);
    const messageId = envelope === undefined ? undefined : messageIdOf(envelope);
    if (envelope === undefined || messageId === undefined) {
      return null;
    }
    const hash = sha256(envelope);
    calls.set(bytesToHex(hash) as HashHex, envelope);
    references.push([present(hexToBytes(messageId), 'ids are hex'), hash, envelope.length]);
  }
  if (references.length === 0) {
    return null;
  }
  const bytes = encodeCbor([
    STRIPPED,
    ...(proposal as readonly CborInput[]).slice(0, 2),
    [
      ...(block.slice(0, -1) as readonly CborInput[]),
      payload.slice(0, -1) as readonly CborInput[],
      references,
    ],
    ...(proposal as readonly CborInput[]).slice(3),
  ]);
  return { bytes, calls };
}

function malformed(what: string): { readonly ok: false; readonly error: StrippedProposalError } {
  return err(codedError('input', 'MALFORMED_STRIPPED_BLOCK', `stripped block: ${what}`));
}

/**
 * Reads a stripped proposal from hostile bytes: the references are bounded in number and in the
 * sum of their sizes. What else stands in it is judged when the whole is decoded.
 */
export function decodeStripped(bytes: Uint8Array): Result<StrippedProposal, StrippedProposalError> {
  const fields = isStripped(bytes) ? decode(bytes) : undefined;
  const block = asArray(fields?.[3]);
  if (fields?.length !== PROPOSAL_FIELDS + 1 || block?.length !== BLOCK_FIELDS + 1) {
    return malformed('not a proposal');
  }
  const payload = asArray(block[BLOCK_FIELDS - 1]);
  const references = asArray(block[BLOCK_FIELDS]);
  if (payload === undefined || references === undefined || references.length === 0) {
    return malformed('no payload or no calls');
  }
  if (references.length > MAX_INGRESS_PER_BLOCK) {
    return malformed(`${references.length} calls; at most ${MAX_INGRESS_PER_BLOCK} fit a block`);
  }
  const calls: CallReference[] = [];
  let total = 0;
  for (const item of references) {
    const call = readReference(item);
    total += call?.bytes ?? 0;
    if (call === undefined || total > MAX_ARTIFACT_BYTES) {
      return malformed('a call without id, hash or size, or more than a block holds');
    }
    calls.push(call);
  }
  const [, kind, height, , ...signed] = fields as readonly CborInput[];
  const header = block.slice(0, BLOCK_FIELDS - 1) as readonly CborInput[];
  return ok({
    calls,
    restore: (envelopes) =>
      encodeCbor([
        kind ?? null,
        height ?? null,
        [...header, encodeCbor([...(payload as readonly CborInput[]), envelopes])],
        ...signed,
      ]),
  });
}

function readReference(item: CborValue): CallReference | undefined {
  const fields = asArray(item);
  const id = asBytes(fields?.[0]);
  const hash = asBytes(fields?.[1]);
  const bytes = asSafeNat(fields?.[2]);
  const fits = fields?.length === 3 && id?.length === HASH_BYTES && hash?.length === HASH_BYTES;
  return fits && id !== undefined && hash !== undefined && bytes !== undefined
    ? { messageId: bytesToHex(id) as MessageId, hash: bytesToHex(hash) as HashHex, bytes }
    : undefined;
}
