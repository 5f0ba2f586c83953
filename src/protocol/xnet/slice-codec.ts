import { ok, type Result } from '../../base/result.ts';
import {
  asArray,
  asBytes,
  asSafeNat,
  decodeCbor,
  encodeCbor,
  type CborInput,
  type CborValue,
} from '../crypto/cbor.ts';
import { MAX_TREE_DEPTH } from '../crypto/hash-tree.ts';
import { MAX_STREAM_MESSAGES } from '../limits/messaging.ts';
import { MAX_SLICE_BYTES } from '../limits/xnet.ts';
import type { Height } from '../types/ids.ts';
import { refuse, type XNetError } from './xnet-error.ts';

/**
 * A part of another subnet's certified state, as nodes hand it over: leaves of one stream, the
 * pruned tree around them with holes in their places, and the signature on the tree's root.
 * @upstream rs/types/types/src/xnet.rs#CertifiedStreamSlice (the IC writes the same three parts as Protocol Buffers)
 */
export interface CertifiedSlice {
  /** Leaf `/streams/<subnet>/header`, as it was encoded there. */
  readonly header: Uint8Array;
  /** Index of `messages[0]`, or of the next one when there are none. */
  readonly messagesBegin: number;
  /** Leaves `/streams/<subnet>/messages/<index>`. */
  readonly messages: readonly Uint8Array[];
  readonly witness: SliceWitness;
  readonly certification: SliceCertification;
}

/** A hash tree in which [5] stands for a leaf that the slice holds. */
export type SliceWitness =
  | readonly [1, SliceWitness, SliceWitness]
  | readonly [2, Uint8Array, SliceWitness]
  | readonly [4, Uint8Array]
  | readonly [5];

export interface SliceCertification {
  readonly height: Height;
  /** Root of the certified state of that height, 32 bytes. */
  readonly root: Uint8Array;
  /** The sending subnet's threshold signature on it. */
  readonly signature: Uint8Array;
}

export const HOLE: SliceWitness = [5];

const HASH_BYTES = 32;
const MAX_SIGNATURE_BYTES = 96;
const MAX_LABEL_BYTES = 64;
/** Of one message: itself, and in the witness a fork, a label and a hole, of four items each at most. */
const ITEMS_PER_MESSAGE = 12;
const OTHER_ITEMS = 2000;

export function encodeSlice(slice: CertifiedSlice): Uint8Array {
  const { height, root, signature } = slice.certification;
  return encodeCbor([
    [slice.header, slice.messagesBegin, slice.messages],
    slice.witness as CborInput,
    [height, root, signature],
  ]);
}

function readWitness(value: CborValue | undefined): SliceWitness | undefined {
  const items = asArray(value);
  const tag = items?.[0];
  if (items === undefined) {
    return undefined;
  }
  if (tag === 5) {
    return items.length === 1 ? HOLE : undefined;
  }
  const bytes = asBytes(items[1]);
  if (tag === 4) {
    return bytes?.length === HASH_BYTES && items.length === 2 ? [4, bytes] : undefined;
  }
  if (items.length !== 3) {
    return undefined;
  }
  if (tag === 2) {
    const below = readWitness(items[2]);
    const isLabel = bytes !== undefined && bytes.length <= MAX_LABEL_BYTES;
    return isLabel && below !== undefined ? [2, bytes, below] : undefined;
  }
  const left = tag === 1 ? readWitness(items[1]) : undefined;
  const right = left === undefined ? undefined : readWitness(items[2]);
  return left === undefined || right === undefined ? undefined : [1, left, right];
}

function readCertification(value: CborValue | undefined): SliceCertification | undefined {
  const fields = asArray(value);
  const height = asSafeNat(fields?.[0]);
  const root = asBytes(fields?.[1]);
  const signature = asBytes(fields?.[2]);
  const fits =
    fields?.length === 3 &&
    root?.length === HASH_BYTES &&
    signature !== undefined &&
    signature.length <= MAX_SIGNATURE_BYTES;
  return fits && height !== undefined ? { height, root, signature } : undefined;
}

function readMessages(value: CborValue | undefined): readonly Uint8Array[] | undefined {
  const items = asArray(value);
  if (items === undefined || items.length > MAX_STREAM_MESSAGES) {
    return undefined;
  }
  const messages: Uint8Array[] = [];
  for (const item of items) {
    const message = asBytes(item);
    if (message === undefined) {
      return undefined;
    }
    messages.push(message);
  }
  return messages;
}

/**
 * Reads a slice from hostile bytes: of the one encoding that `encodeSlice` writes, and within the
 * limits of size, depth and number. Whether it is true is for `verifySlice` to say.
 */
export function decodeSlice(bytes: Uint8Array): Result<CertifiedSlice, XNetError> {
  const decoded = decodeCbor(bytes, {
    maxBytes: MAX_SLICE_BYTES,
    maxDepth: MAX_TREE_DEPTH,
    maxItems: OTHER_ITEMS + ITEMS_PER_MESSAGE * MAX_STREAM_MESSAGES,
    canonical: true,
  });
  if (!decoded.ok) {
    return refuse('XNET_MALFORMED_SLICE', `no slice: ${decoded.error.message}`);
  }
  const parts = asArray(decoded.value);
  const leaves = asArray(parts?.[0]);
  const header = asBytes(leaves?.[0]);
  const messagesBegin = asSafeNat(leaves?.[1]);
  const messages = readMessages(leaves?.[2]);
  const witness = readWitness(parts?.[1]);
  const certification = readCertification(parts?.[2]);
  if (
    parts?.length !== 3 ||
    leaves?.length !== 3 ||
    header === undefined ||
    messagesBegin === undefined ||
    messages === undefined ||
    witness === undefined ||
    certification === undefined
  ) {
    return refuse('XNET_MALFORMED_SLICE', 'no slice: not leaves, witness and certification');
  }
  return ok({ header, messagesBegin, messages, witness, certification });
}
