import { concatBytes } from '../../../base/bytes.ts';
import type { Prng } from '../../../base/prng.ts';
import type { CborInput, CborValue } from '../../crypto/cbor.ts';
import { decodeCbor, encodeCbor } from '../../crypto/cbor.ts';

/**
 * Structure-aware changes of valid encodings, for fuzzing the decoders of peers' bytes: half of them
 * change a field and encode again, so that they get past the first checks; the others change bytes.
 */

/** Never bytes that grow without end: a change adds at most this. */
const MAX_GROWTH_BYTES = 4096;
const DEEPEST_NESTING = 300;
/** Heads that announce far more than follows: arrays, maps, byte and text strings. */
const HUGE_HEADS: readonly (readonly number[])[] = [
  [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xbb, 0x00, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x5b, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00],
  [0x7a, 0xff, 0xff, 0xff, 0xff],
  [0x9a, 0x00, 0xff, 0xff, 0xff],
  [0x99, 0xff, 0xff],
];
const NUMBERS: readonly (number | bigint)[] = [
  0,
  1,
  23,
  24,
  255,
  256,
  65_535,
  65_536,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
  -1,
  -(2n ** 64n),
];

function pick<T>(prng: Prng, list: readonly T[]): T {
  return list[prng.below(list.length)] as T;
}

function nested(depth: number): CborInput {
  let value: CborInput = 0;
  for (let i = 0; i < depth; i += 1) {
    value = [value];
  }
  return value;
}

/** An item of any type, to stand where another one was. */
function strangeItem(prng: Prng): CborInput {
  switch (prng.below(8)) {
    case 0:
      return pick(prng, NUMBERS);
    case 1:
      return prng.bytes(prng.below(100));
    case 2:
      return 'x'.repeat(prng.below(100));
    case 3:
      return prng.chance(1, 2);
    case 4:
      return null;
    case 5:
      return Array.from({ length: prng.below(50) }, () => prng.below(300));
    case 6:
      return nested(1 + prng.below(DEEPEST_NESTING));
    default:
      return new Map([[prng.below(10), prng.below(10)]]);
  }
}

function changeBytes(prng: Prng, bytes: Uint8Array): CborInput {
  const inner = decodeCbor(bytes);
  if (inner.ok && prng.chance(1, 2)) {
    return encodeCbor(changeItem(prng, inner.value));
  }
  switch (prng.below(4)) {
    case 0:
      return bytes.slice(0, prng.below(bytes.length + 1));
    case 1:
      return concatBytes(bytes, prng.bytes(1 + prng.below(40)));
    case 2:
      return strangeItem(prng);
    default:
      return flipped(prng, bytes);
  }
}

function flipped(prng: Prng, bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  if (changed.length > 0) {
    const at = prng.below(changed.length);
    changed[at] = (changed[at] as number) ^ (1 << prng.below(8));
  }
  return changed;
}

function changeList(prng: Prng, list: readonly CborValue[]): CborInput {
  const items = [...(list as readonly CborInput[])];
  const at = prng.below(items.length + 1);
  const item = list[at];
  if (item === undefined || prng.chance(1, 12)) {
    items.splice(at, 0, strangeItem(prng));
    return items;
  }
  switch (prng.below(8)) {
    case 0:
      items.splice(at, 1);
      break;
    case 1:
      items.splice(at, 0, items[at] as CborInput);
      break;
    case 2:
      items.reverse();
      break;
    default:
      items[at] = changeItem(prng, item);
  }
  return items;
}

function changeItem(prng: Prng, item: CborValue): CborInput {
  if (item instanceof Uint8Array) {
    return changeBytes(prng, item);
  }
  if (Array.isArray(item)) {
    return changeList(prng, item as readonly CborValue[]);
  }
  return typeof item === 'number' && prng.chance(1, 2) ? pick(prng, NUMBERS) : strangeItem(prng);
}

function changeStructure(prng: Prng, bytes: Uint8Array): Uint8Array {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) {
    return flipped(prng, bytes);
  }
  const changed = encodeCbor(changeItem(prng, decoded.value));
  return changed.length > bytes.length + MAX_GROWTH_BYTES ? bytes.slice(0, -1) : changed;
}

function changeRaw(prng: Prng, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = prng.below(bytes.length + 1);
  switch (prng.below(7)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return concatBytes(bytes, prng.bytes(1 + prng.below(64)));
    case 2:
      return concatBytes(bytes.slice(0, at), other.slice(prng.below(other.length + 1)));
    case 3:
      return concatBytes(
        bytes.slice(0, at),
        Uint8Array.from(pick(prng, HUGE_HEADS)),
        bytes.slice(at),
      );
    case 4:
      return concatBytes(
        bytes.slice(0, at),
        new Uint8Array(DEEPEST_NESTING).fill(0x81),
        bytes.slice(at),
      );
    case 5:
      return prng.bytes(prng.below(200));
    default:
      return flipped(prng, bytes);
  }
}

/** One to three changes of a random seed. @param seeds valid encodings of one kind, at least one */
export function mutate(prng: Prng, seeds: readonly Uint8Array[]): Uint8Array {
  let bytes = pick(prng, seeds);
  for (let changes = 1 + prng.below(3); changes > 0; changes -= 1) {
    bytes = prng.chance(1, 2)
      ? changeStructure(prng, bytes)
      : changeRaw(prng, bytes, pick(prng, seeds));
  }
  return bytes;
}
