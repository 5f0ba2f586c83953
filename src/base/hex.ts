const DIGITS: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);

/** Value of a hex digit by its character code; 255 = not a digit. */
const VALUES: Uint8Array = new Uint8Array(128).fill(255);
for (let value = 0; value < 16; value += 1) {
  const digit = value.toString(16);
  VALUES[digit.charCodeAt(0)] = value;
  VALUES[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Character codes of the digits of a byte: the high one in the upper byte. */
const CODES: Uint16Array = Uint16Array.from(
  DIGITS,
  (digits) => (digits.charCodeAt(0) << 8) | digits.charCodeAt(1),
);
/** Longer bytes are written in pieces of this size. */
const MAX_CHUNK_BYTES = 64;
/**
 * Character codes on their way into a string, one list for each number of bytes: making one string
 * at once, instead of a rope of pieces, and without a list to throw away, is four times as fast.
 */
const CODE_LISTS: readonly number[][] = Array.from({ length: MAX_CHUNK_BYTES + 1 }, (_, bytes) =>
  Array.from({ length: 2 * bytes }, () => 0),
);

/** Lower-case hex of the bytes from `start` up to `end`. */
export function hexOfRange(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > MAX_CHUNK_BYTES) {
    const middle = start + MAX_CHUNK_BYTES;
    const chunks = [hexOfRange(bytes, start, middle)];
    for (let at = middle; at < end; at += MAX_CHUNK_BYTES) {
      chunks.push(hexOfRange(bytes, at, Math.min(at + MAX_CHUNK_BYTES, end)));
    }
    return chunks.join('');
  }
  const codes = CODE_LISTS[end - start] as number[];
  for (let i = start; i < end; i += 1) {
    const code = CODES[bytes[i] as number] as number;
    const at = 2 * (i - start);
    codes[at] = code >> 8;
    codes[at + 1] = code & 0xff;
  }
  return String.fromCharCode.apply(null, codes);
}

/** Lower-case hex, two digits a byte. */
export function bytesToHex(bytes: Uint8Array): string {
  return hexOfRange(bytes, 0, bytes.length);
}

/** Parses hex of even length in either case; undefined when the text is anything else. */
export function hexToBytes(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) {
    return undefined;
  }
  const bytes = new Uint8Array(text.length / 2);
  return hexInto(text, bytes, 0) ? bytes : undefined;
}

/** Parses hex into `target` from `start` on, where there is room; false when the text is anything else. */
export function hexInto(text: string, target: Uint8Array, start: number): boolean {
  if (text.length % 2 !== 0) {
    return false;
  }
  for (let i = 0; i < text.length / 2; i += 1) {
    const high = VALUES[text.charCodeAt(2 * i)] ?? 255;
    const low = VALUES[text.charCodeAt(2 * i + 1)] ?? 255;
    if (high > 15 || low > 15) {
      return false;
    }
    target[start + i] = high * 16 + low;
  }
  return true;
}
