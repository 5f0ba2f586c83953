import { bytesToHex } from '../../base/hex.ts';
import type { CborInput } from '../crypto/cbor.ts';
import { encodeCbor } from '../crypto/cbor.ts';
import { principalToBytes } from '../crypto/principal.ts';
import { sha256 } from '../crypto/sha256.ts';
import { MAX_SUBNET_NODES } from '../limits/consensus.ts';
import { MAX_COMPLAINT_BYTES, MAX_DEALING_BYTES } from '../limits/dkg.ts';
import type { DkgPayload, DkgSummary, SignedDkgComplaint, SignedDkgDealing } from './artifacts.ts';
import { ARTIFACT_KINDS } from './artifacts.ts';
import type { DkgConfig, DkgDealing, DkgTag, DkgTranscript, DkgTranscripts } from './dkg.ts';
import type { FieldReader } from './field-reader.ts';
import type { ThresholdTranscript } from './genesis.ts';
import type { HashHex, Height, NodeId } from './ids.ts';

/** Positional CBOR of what the distributed key generation puts on the wire and into blocks. */

const TAGS: readonly DkgTag[] = ['low', 'high'];
const MAX_RUNS = TAGS.length;
/** Public keys have 96 bytes; test schemes may differ. */
const MAX_KEY_BYTES = 96;
const MAX_SIGNATURE_BYTES = 96;

function readTag(fields: FieldReader): DkgTag {
  const tag = TAGS[fields.safeNat()];
  if (tag === undefined) {
    fields.fail('unknown tag');
  }
  return tag ?? 'low';
}

type Unsealed<A> = Omit<A, 'hash'>;

/** Everything after kind and height. */
export function dealingFields(dealing: Unsealed<SignedDkgDealing>): readonly CborInput[] {
  return [
    TAGS.indexOf(dealing.tag),
    principalToBytes(dealing.signer),
    dealing.content,
    dealing.signature,
  ];
}

export function complaintFields(complaint: Unsealed<SignedDkgComplaint>): readonly CborInput[] {
  return [
    TAGS.indexOf(complaint.tag),
    principalToBytes(complaint.dealer),
    principalToBytes(complaint.signer),
    complaint.content,
    complaint.signature,
  ];
}

export function readDealing(height: Height, fields: FieldReader): Unsealed<SignedDkgDealing> {
  return {
    kind: 'dkgDealing',
    height,
    tag: readTag(fields),
    signer: fields.nodeId(),
    content: fields.bytes(1, MAX_DEALING_BYTES),
    signature: fields.bytes(1, MAX_SIGNATURE_BYTES),
  };
}

export function readComplaint(height: Height, fields: FieldReader): Unsealed<SignedDkgComplaint> {
  return {
    kind: 'dkgComplaint',
    height,
    tag: readTag(fields),
    dealer: fields.nodeId(),
    signer: fields.nodeId(),
    content: fields.bytes(1, MAX_COMPLAINT_BYTES),
    signature: fields.bytes(1, MAX_SIGNATURE_BYTES),
  };
}

/** The hash that the artifact has on its own on the wire, outside of any block. */
function sealed<A extends SignedDkgDealing | SignedDkgComplaint>(
  artifact: Unsealed<A>,
  fields: readonly CborInput[],
): A {
  const code = ARTIFACT_KINDS.indexOf(artifact.kind as A['kind']);
  const encoded = encodeCbor([code, artifact.height as Height, ...fields]);
  return { ...artifact, hash: bytesToHex(sha256(encoded)) as HashHex } as unknown as A;
}

/** The section of a data block; `height` of all it holds is that of the interval's summary. */
export function dkgPayloadFields(payload: DkgPayload): CborInput {
  return [
    payload.dealings.map((dealing) => [...dealingFields(dealing)]),
    payload.complaints.map((complaint) => [...complaintFields(complaint)]),
  ];
}

export function readDkgPayload(startHeight: Height, fields: FieldReader): DkgPayload {
  const most = MAX_RUNS * MAX_SUBNET_NODES;
  return fields.nested((section) => ({
    dealings: section.listOf(most, (inner): SignedDkgDealing => {
      const dealing = readDealing(startHeight, inner);
      return sealed(dealing, dealingFields(dealing));
    }),
    complaints: section.listOf(most, (inner): SignedDkgComplaint => {
      const complaint = readComplaint(startHeight, inner);
      return sealed(complaint, complaintFields(complaint));
    }),
  }));
}

/** A threshold key, as it stands in summaries and in the registry. */
export function keyFields(key: ThresholdTranscript): CborInput {
  return [
    TAGS.indexOf(key.tag),
    key.threshold,
    key.receivers.map(principalToBytes),
    key.publicKey,
    [...key.coefficients],
  ];
}

export function readKey(fields: FieldReader): ThresholdTranscript {
  const tag = readTag(fields);
  const threshold = fields.safeNat();
  const receivers = fields.signers(MAX_SUBNET_NODES);
  const publicKey = fields.bytes(1, MAX_KEY_BYTES);
  const coefficients = fields.byteList(MAX_SUBNET_NODES, MAX_KEY_BYTES);
  return { tag, threshold, receivers, publicKey, coefficients };
}

function configFields(config: DkgConfig): CborInput {
  return [
    config.id.startHeight,
    TAGS.indexOf(config.id.tag),
    config.dealers.map(principalToBytes),
    config.receivers.map(principalToBytes),
    config.threshold,
    config.collectionThreshold,
    config.registryVersion,
    config.resharing === null ? null : keyFields(config.resharing),
  ];
}

function readConfig(fields: FieldReader): DkgConfig {
  return {
    id: { startHeight: fields.height(), tag: readTag(fields) },
    dealers: fields.signers(MAX_SUBNET_NODES),
    receivers: fields.signers(MAX_SUBNET_NODES),
    threshold: fields.safeNat(),
    collectionThreshold: fields.safeNat(),
    registryVersion: fields.safeNat(),
    resharing: fields.nullable(() => fields.nested(readKey)),
  };
}

/** The dealings are of the transcript's own run, so only dealer and content are written. */
function transcriptFields(transcript: DkgTranscript): CborInput {
  return [
    keyFields(transcript.key),
    transcript.config === null ? null : configFields(transcript.config),
    transcript.dealings.map(({ dealer, content }) => [principalToBytes(dealer), content]),
  ];
}

function readTranscript(fields: FieldReader): DkgTranscript {
  const key = fields.nested(readKey);
  const config = fields.nullable(() => fields.nested(readConfig));
  const id = config?.id ?? { startHeight: 0, tag: key.tag };
  const dealings = fields.listOf(
    MAX_SUBNET_NODES,
    (inner): DkgDealing => ({
      id,
      dealer: inner.nodeId(),
      content: inner.bytes(1, MAX_DEALING_BYTES),
    }),
  );
  return { key, config, dealings };
}

export function summaryFields(summary: DkgSummary): readonly CborInput[] {
  const { currentTranscripts: current, nextTranscripts: next } = summary;
  return [
    summary.height,
    summary.registryVersion,
    summary.intervalLength,
    summary.nextIntervalLength,
    summary.configs.map(configFields),
    [transcriptFields(current.low), transcriptFields(current.high)],
    [
      next.low === null ? null : transcriptFields(next.low),
      next.high === null ? null : transcriptFields(next.high),
    ],
  ];
}

export function readSummary(fields: FieldReader): DkgSummary {
  return {
    height: fields.height(),
    registryVersion: fields.safeNat(),
    intervalLength: fields.safeNat(),
    nextIntervalLength: fields.safeNat(),
    configs: fields.listOf(MAX_RUNS, readConfig),
    currentTranscripts: fields.nested(
      (inner): DkgTranscripts => ({
        low: inner.nested(readTranscript),
        high: inner.nested(readTranscript),
      }),
    ),
    nextTranscripts: fields.nested((inner) => ({
      low: inner.nullable(() => inner.nested(readTranscript)),
      high: inner.nullable(() => inner.nested(readTranscript)),
    })),
  };
}

/** Names a dealer within a run, for maps. */
export function dealerKey(tag: DkgTag, dealer: NodeId): string {
  return `${tag}/${dealer}`;
}
