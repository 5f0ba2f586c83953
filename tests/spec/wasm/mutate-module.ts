import type { Prng } from '../../../src/base/prng.ts';
import { concatBytes } from '../../../src/base/bytes.ts';
import { ByteReader } from '../../../src/protocol/execution/wasm/reader.ts';
import { ByteWriter } from '../../../src/protocol/execution/wasm/writer.ts';

/**
 * Structure-aware changes of valid modules. Half keep the sections' sizes right, so that the change gets
 * past the first checks and into the code; the others change bytes wherever they are.
 */

const HEADER_BYTES = 8;
/** LEB128 numbers at the edges: counts and sizes that promise far more than follows, and overlong ones. */
const NUMBERS: readonly (readonly number[])[] = [
  [0x00],
  [0x7f],
  [0x80, 0x01],
  [0xff, 0xff, 0x03],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0x1f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
];
/** Instructions that stretch a rewriter: nesting, wide tables of branches, prefixes, refused ones. */
const SNIPPETS: readonly (readonly number[])[] = [
  Array.from({ length: 600 }, (_, i) => (i % 2 === 0 ? 0x02 : 0x40)),
  Array.from({ length: 300 }, () => 0x0b),
  [0x41, 0x00, 0x0e, 0xff, 0xff, 0x03, ...Array.from({ length: 200 }, () => 0)],
  [0xfc, 0x08, 0x00, 0x00],
  [0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xfd, 0x0c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
  [0xfd, 0xff, 0x01],
  [0xfe, 0x00, 0x02, 0x00],
  [0x12, 0x00],
  [0x1c, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x28, 0x40, 0x00, 0x00],
  [0x3f, 0x01],
  [0xd0, 0x7f],
];

interface Section {
  readonly id: number;
  readonly payload: Uint8Array;
}

function sectionsOf(bytes: Uint8Array): Section[] {
  const reader = new ByteReader(bytes, Math.min(HEADER_BYTES, bytes.length));
  const sections: Section[] = [];
  try {
    while (!reader.done) {
      const id = reader.byte();
      sections.push({ id, payload: reader.take(reader.u32()) });
    }
  } catch {
    // What an earlier change cut off stays out.
  }
  return sections;
}

function joined(header: Uint8Array, sections: readonly Section[]): Uint8Array {
  const writer = new ByteWriter(1024);
  writer.raw(header);
  for (const { id, payload } of sections) {
    writer.byte(id);
    writer.sized(payload);
  }
  return writer.toBytes();
}

function pick<T>(prng: Prng, list: readonly T[]): T {
  return list[prng.below(list.length)] as T;
}

function changeBytes(prng: Prng, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = prng.below(bytes.length + 1);
  const insert = (what: ArrayLike<number>, skipped = 0): Uint8Array =>
    concatBytes(bytes.slice(0, at), Uint8Array.from(what), bytes.slice(at + skipped));
  switch (prng.below(8)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return insert(pick(prng, NUMBERS), prng.below(3));
    case 2:
      return insert(pick(prng, SNIPPETS));
    case 3: {
      const from = prng.below(other.length + 1);
      return insert(other.slice(from, from + prng.below(200)), prng.below(40));
    }
    case 4:
      return concatBytes(bytes.slice(0, at), bytes.slice(Math.min(bytes.length, at + 1)));
    case 5:
      return insert([prng.below(256)], 1);
    default: {
      const changed = bytes.slice();
      if (at < changed.length) {
        changed[at] = (changed[at] as number) ^ (1 << prng.below(8));
      }
      return changed;
    }
  }
}

function changeSection(prng: Prng, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const sections = sectionsOf(bytes);
  if (sections.length === 0) {
    return changeBytes(prng, bytes, other);
  }
  const at = prng.below(sections.length);
  const { id, payload } = sections[at] as Section;
  const others = sectionsOf(other);
  switch (prng.below(10)) {
    case 0:
      sections.splice(at, 1);
      break;
    case 1:
      sections.splice(at, 0, { id, payload });
      break;
    case 2:
      sections.push(sections.splice(at, 1)[0] as Section);
      break;
    case 3:
      sections[at] = { id: prng.below(16), payload };
      break;
    case 4:
      sections[at] = others.find((section) => section.id === id) ?? { id, payload };
      break;
    default: {
      const same = others.find((section) => section.id === id);
      sections[at] = { id, payload: changeBytes(prng, payload, same?.payload ?? payload) };
    }
  }
  return joined(bytes.slice(0, HEADER_BYTES), sections);
}

/** One to three changes of a random module. @param seeds valid modules, at least one */
export function mutateModule(prng: Prng, seeds: readonly Uint8Array[]): Uint8Array {
  let bytes = pick(prng, seeds);
  for (let changes = 1 + prng.below(3); changes > 0; changes -= 1) {
    bytes = prng.chance(2, 3)
      ? changeSection(prng, bytes, pick(prng, seeds))
      : changeBytes(prng, bytes, pick(prng, seeds));
  }
  return bytes;
}
