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
/** Arguments of one `fromCharCode`: far below the limit of any engine. */
const MAX_CHUNK_BYTES = 512;

/** Lower-case hex of a short stretch of the bytes, at most 512. */
export function hexOfRange(bytes: Uint8Array, start: number, end: number): string {
  // One flat string at once: joining pieces makes a rope, which costs twice when it is used as a key.
  const codes: number[] = [];
  codes.length = 2 * (end - start);
  let at = 0;
  for (let i = start; i < end; i += 1) {
    const code = CODES[bytes[i] as number] as number;
    codes[at] = code >> 8;
    codes[at + 1] = code & 0xff;
    at += 2;
  }
  return String.fromCharCode.apply(null, codes);
}

/** Lower-case hex, two digits a byte. */
export function bytesToHex(bytes: Uint8Array): string {
  if (bytes.length <= MAX_CHUNK_BYTES) {
    return hexOfRange(bytes, 0, bytes.length);
  }
  const chunks: string[] = [];
  for (let start = 0; start < bytes.length; start += MAX_CHUNK_BYTES) {
    chunks.push(hexOfRange(bytes, start, Math.min(start + MAX_CHUNK_BYTES, bytes.length)));
  }
  return chunks.join('');
}

/** Parses hex of even length in either case; undefined when the text is anything else. */
export function hexToBytes(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) {
    return undefined;
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i += 1) {
    const high = VALUES[text.charCodeAt(2 * i)] ?? 255;
    const low = VALUES[text.charCodeAt(2 * i + 1)] ?? 255;
    if (high > 15 || low > 15) {
      return undefined;
    }
    bytes[i] = high * 16 + low;
  }
  return bytes;
}
