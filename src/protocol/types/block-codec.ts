import { present } from '../../base/assert.ts';
import { bytesToHex, hexToBytes } from '../../base/hex.ts';
import type { CborInput } from '../crypto/cbor.ts';
import { asBytes, decodeCbor, encodeCbor } from '../crypto/cbor.ts';
import { domainSeparated } from '../crypto/domain.ts';
import { principalToBytes } from '../crypto/principal.ts';
import { sha256 } from '../crypto/sha256.ts';
import {
  MAX_ARTIFACT_BYTES,
  MAX_INGRESS_PER_BLOCK,
  MAX_SUBNET_NODES,
} from '../limits/consensus.ts';
import { MAX_QUERY_STATS_CANISTERS } from '../limits/query.ts';
import { MAX_SLICE_BYTES, MAX_SLICES_PER_BLOCK } from '../limits/xnet.ts';
import type { BatchPayload, XNetSlice } from '../interfaces/replica.ts';
import type { Block, BlockPayload, DkgPayload } from './artifacts.ts';
import { dkgPayloadFields, readDkgPayload, readSummary, summaryFields } from './dkg-codec.ts';
import { FieldReader } from './field-reader.ts';
import type { HashHex } from './ids.ts';
import { queryStatsFields, readQueryStats } from './query-stats.ts';

const SUMMARY = 0;
const DATA = 1;
/** Deepest: payload, transcripts, transcript, its config, the key that is reshared, coefficients. */
const MAX_PAYLOAD_DEPTH = 7;
/** Four transcripts and two configs of the largest subnet, or a block full of messages and statistics. */
const MAX_PAYLOAD_ITEMS =
  64 +
  3 * MAX_SLICES_PER_BLOCK +
  MAX_INGRESS_PER_BLOCK +
  64 * MAX_SUBNET_NODES +
  6 * MAX_QUERY_STATS_CANISTERS;

export function hashToBytes(hash: HashHex): Uint8Array {
  return present(hexToBytes(hash), 'a hash is hex');
}

function hashOf(domain: 'block' | 'inMemoryPayload', content: Uint8Array): HashHex {
  return bytesToHex(sha256(domainSeparated(domain, content))) as HashHex;
}

function encodePayload(payload: BlockPayload): Uint8Array {
  return encodeCbor(
    payload.kind === 'summary'
      ? [SUMMARY, ...summaryFields(payload.summary)]
      : [
          DATA,
          payload.dkgStartHeight,
          dkgPayloadFields(payload.dkg),
          payload.batch.queryStats === undefined
            ? null
            : queryStatsFields(payload.batch.queryStats),
          ...sliceFields(payload.batch),
          // Last: proposals travel without it.
          payload.batch.ingress,
        ],
  );
}

/** Absent where there are none: the network may be this subnet alone. */
function sliceFields({ xnet }: BatchPayload): readonly CborInput[] {
  return xnet === undefined || xnet.length === 0
    ? []
    : [xnet.map(({ from, slice }) => [principalToBytes(from), slice])];
}

/** Ascending by subnet, one each. */
function readSlices(fields: FieldReader): readonly XNetSlice[] {
  const slices = fields.listOf(MAX_SLICES_PER_BLOCK, (entry) => ({
    from: entry.subnetId(),
    slice: entry.bytes(1, MAX_SLICE_BYTES),
  }));
  if (slices.length === 0) {
    fields.fail('no slice of a stream');
  }
  if (slices.some(({ from }, i) => i > 0 && (slices[i - 1]?.from ?? '') >= from)) {
    fields.fail('slices of streams not ascending');
  }
  return slices;
}

function readData(fields: FieldReader): BlockPayload {
  const dkgStartHeight = fields.height();
  const dkg = readDkgPayload(dkgStartHeight, fields);
  const queryStats = fields.nullable(() => fields.nested(readQueryStats));
  const xnet = fields.left > 1 ? readSlices(fields) : null;
  const ingress: Uint8Array[] = [];
  for (const item of fields.list(MAX_INGRESS_PER_BLOCK)) {
    const envelope = asBytes(item);
    if (envelope === undefined) {
      fields.fail('ingress envelope is not bytes');
      break;
    }
    ingress.push(envelope);
  }
  const batch = { ...(queryStats && { queryStats }), ...(xnet && { xnet }), ingress };
  return { kind: 'data', dkgStartHeight, dkg, batch };
}

/** Of a data block without dealings and complaints. */
export const NO_DKG: DkgPayload = { dealings: [], complaints: [] };

function decodePayload(bytes: Uint8Array, outer: FieldReader): BlockPayload {
  const decoded = decodeCbor(bytes, {
    maxBytes: MAX_ARTIFACT_BYTES,
    maxDepth: MAX_PAYLOAD_DEPTH,
    maxItems: MAX_PAYLOAD_ITEMS,
    canonical: true,
  });
  if (!decoded.ok) {
    outer.fail(decoded.error.message);
    return { kind: 'data', dkgStartHeight: 0, dkg: NO_DKG, batch: { ingress: [] } };
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
    : payload.batch.ingress.reduce((sum, envelope) => sum + envelope.length, 0) +
        sliceBytesOf(payload.batch);
}

/** Bytes of the slices of other subnets' streams. */
export function sliceBytesOf({ xnet }: BatchPayload): number {
  return (xnet ?? []).reduce((sum, { slice }) => sum + slice.length, 0);
}
