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

/** Lower-case hex, two digits a byte. */
export function bytesToHex(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 1) {
    text += DIGITS[bytes[i] as number];
  }
  return text;
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
