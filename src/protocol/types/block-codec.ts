import { present } from '../../base/assert.ts';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import type { CborInput } from '../crypto/cbor.ts';
import { asBytes, decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import { domainSeparated } from '../crypto/domain.ts';
import { sha256 } from '../crypto/sha256.ts';
import { MAX_ARTIFACT_BYTES, MAX_INGRESS_PER_BLOCK } from '../limits/consensus.ts';
import type { Block, BlockPayload, DkgSummary, DkgTranscriptIds } from './artifacts.ts';
import { FieldReader } from './field-reader.ts';
import type { HashHex } from './ids.ts';

const SUMMARY = 0;
const DATA = 1;

export function hashToBytes(hash: HashHex): Uint8Array {
  return present(hexToBytes(hash), 'a hash is hex');
}

function hashOf(domain: 'block' | 'inMemoryPayload', content: Uint8Array): HashHex {
  return bytesToHex(sha256(domainSeparated(domain, content))) as HashHex;
}

function transcriptFields(ids: DkgTranscriptIds): CborInput {
  return [hashToBytes(ids.low), hashToBytes(ids.high)];
}

function encodePayload(payload: BlockPayload): Uint8Array {
  if (payload.kind === 'data') {
    return encodeCbor([DATA, payload.dkgStartHeight, payload.batch.ingress]);
  }
  const { summary } = payload;
  return encodeCbor([
    SUMMARY,
    summary.height,
    summary.registryVersion,
    summary.intervalLength,
    summary.nextIntervalLength,
    transcriptFields(summary.currentTranscripts),
    transcriptFields(summary.nextTranscripts),
  ]);
}

function readTranscripts(fields: FieldReader): DkgTranscriptIds {
  return fields.nested((inner) => ({ low: inner.hash(), high: inner.hash() }));
}

function readSummary(fields: FieldReader): DkgSummary {
  return {
    height: fields.height(),
    registryVersion: fields.safeNat(),
    intervalLength: fields.safeNat(),
    nextIntervalLength: fields.safeNat(),
    currentTranscripts: readTranscripts(fields),
    nextTranscripts: readTranscripts(fields),
  };
}

function readData(fields: FieldReader): BlockPayload {
  const dkgStartHeight = fields.height();
  const ingress: Uint8Array[] = [];
  for (const item of fields.list(MAX_INGRESS_PER_BLOCK)) {
    const envelope = asBytes(item);
    if (envelope === undefined) {
      fields.fail('ingress envelope is not bytes');
      break;
    }
    ingress.push(envelope);
  }
  return { kind: 'data', dkgStartHeight, batch: { ingress } };
}

function decodePayload(bytes: Uint8Array, outer: FieldReader): BlockPayload {
  const decoded = decodeCbor(bytes, { maxBytes: MAX_ARTIFACT_BYTES, maxDepth: 3, canonical: true });
  if (!decoded.ok) {
    outer.fail(decoded.error.message);
    return { kind: 'data', dkgStartHeight: 0, batch: { ingress: [] } };
  }
  const fields = new FieldReader(decoded.value);
  const tag = fields.safeNat();
  if (tag !== SUMMARY && tag !== DATA) {
    fields.fail('unknown payload');
  }
  const payload: BlockPayload =
    tag === SUMMARY ? { kind: 'summary', summary: readSummary(fields) } : readData(fields);
  fields.end();
  if (fields.failure !== null) {
    outer.fail(`payload: ${fields.failure}`);
  }
  return payload;
}

type BlockContent = Omit<Block, 'payloadHash' | 'blockHash'>;

function headerFields(block: BlockContent): readonly CborInput[] {
  return [
    block.height,
    hashToBytes(block.parent),
    block.rank,
    block.context.certifiedHeight,
    block.context.registryVersion,
    block.context.timeNs,
  ];
}

function hashBlock(content: BlockContent, payloadBytes: Uint8Array): Block {
  const payloadHash = hashOf('inMemoryPayload', payloadBytes);
  const header = encodeCbor([...headerFields(content), hashToBytes(payloadHash)]);
  return { ...content, payloadHash, blockHash: hashOf('block', header) };
}

/** Completes a block with the hashes of its payload and of itself. */
export function sealBlock(content: BlockContent): Block {
  return hashBlock(content, encodePayload(content.payload));
}

/** The positional fields of a block on the wire; the hashes are not among them. */
export function blockFields(block: Block): CborInput {
  return [...headerFields(block), encodePayload(block.payload)];
}

/** Reads what `blockFields` wrote. Hashes are computed, so block and hash always belong together. */
export function readBlock(fields: FieldReader): Block {
  const height = fields.height();
  const parent = fields.hash();
  const rank = fields.safeNat();
  const context = {
    certifiedHeight: fields.height(),
    registryVersion: fields.safeNat(),
    timeNs: fields.u64(),
  };
  const payloadBytes = fields.bytes(1, MAX_ARTIFACT_BYTES);
  const payload = decodePayload(payloadBytes, fields);
  return hashBlock({ height, parent, rank, context, payload }, payloadBytes);
}

/** Bytes of the payload on the wire, for limits and display. */
export function payloadSizeBytes(payload: BlockPayload): number {
  return payload.kind === 'summary'
    ? encodePayload(payload).length
    : payload.batch.ingress.reduce((sum, envelope) => sum + envelope.length, 0);
}
