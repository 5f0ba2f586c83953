const MAX_CODE_POINT = 0x10_ff_ff;
const REPLACEMENT = 0xff_fd;

/** UTF-8 bytes of a string. A lone surrogate becomes U+FFFD, as TextEncoder does. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (let i = 0; i < text.length; i += 1) {
    let code = text.codePointAt(i) as number;
    if (code > 0xff_ff) {
      i += 1;
    } else if (code >= 0xd8_00 && code <= 0xdf_ff) {
      code = REPLACEMENT;
    }
    if (code < 0x80) {
      bytes[length++] = code;
    } else if (code < 0x8_00) {
      bytes[length++] = 0xc0 | (code >> 6);
      bytes[length++] = 0x80 | (code & 0x3f);
    } else if (code < 0x1_00_00) {
      bytes[length++] = 0xe0 | (code >> 12);
      bytes[length++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[length++] = 0x80 | (code & 0x3f);
    } else {
      bytes[length++] = 0xf0 | (code >> 18);
      bytes[length++] = 0x80 | ((code >> 12) & 0x3f);
      bytes[length++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[length++] = 0x80 | (code & 0x3f);
    }
  }
  return bytes.slice(0, length);
}

/** Bytes that `encodeUtf8` makes of a string. */
export function utf8Length(text: string): number {
  for (let i = 0; i < text.length; i += 1) {
    if (text.charCodeAt(i) >= 0x80) {
      return encodeUtf8(text).length;
    }
  }
  return text.length;
}

interface Lead {
  readonly continuation: number;
  readonly bits: number;
  readonly least: number;
}

function leadOf(byte: number): Lead | undefined {
  if (byte >= 0xc2 && byte <= 0xdf) {
    return { continuation: 1, bits: byte & 0x1f, least: 0x80 };
  }
  if (byte >= 0xe0 && byte <= 0xef) {
    return { continuation: 2, bits: byte & 0x0f, least: 0x8_00 };
  }
  if (byte >= 0xf0 && byte <= 0xf4) {
    return { continuation: 3, bits: byte & 0x07, least: 0x1_00_00 };
  }
  return undefined;
}

/** The code point at `at`, or -1: truncated, overlong, a surrogate or above U+10FFFF. */
function multiByteCodePoint(bytes: Uint8Array, at: number, lead: Lead): number {
  let code = lead.bits;
  for (let k = 1; k <= lead.continuation; k += 1) {
    const next = bytes[at + k];
    if (next === undefined || (next & 0xc0) !== 0x80) {
      return -1;
    }
    code = (code << 6) | (next & 0x3f);
  }
  const surrogate = code >= 0xd8_00 && code <= 0xdf_ff;
  return code < lead.least || code > MAX_CODE_POINT || surrogate ? -1 : code;
}

const SHORT_TEXT_BYTES = 64;
/** Code units on their way into a string, one list for each length. */
const CODE_LISTS: readonly number[][] = Array.from({ length: SHORT_TEXT_BYTES + 1 }, (_, length) =>
  Array.from({ length }, () => 0),
);

/** The text when it is short and pure ASCII, as nearly all names in messages are. */
function decodeShortAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  const codes = CODE_LISTS[end - start];
  if (codes === undefined) {
    return undefined;
  }
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] as number;
    if (byte >= 0x80) {
      return undefined;
    }
    codes[i - start] = byte;
  }
  return String.fromCharCode.apply(null, codes);
}

/** Strict UTF-8 (RFC 3629) of a stretch of the bytes; undefined when they are anything else. */
export function decodeUtf8(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): string | undefined {
  return decodeShortAscii(bytes, start, end) ?? decodeLong(bytes, start, end);
}

function decodeLong(bytes: Uint8Array, start: number, end: number): string | undefined {
  const pieces: string[] = [];
  let pending: number[] = [];
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] as number;
    let code = byte;
    if (byte >= 0x80) {
      const lead = leadOf(byte);
      const fits = lead !== undefined && i + lead.continuation < end;
      code = fits ? multiByteCodePoint(bytes, i, lead) : -1;
      if (lead === undefined || code < 0) {
        return undefined;
      }
      i += lead.continuation;
    }
    pending.push(code);
    if (pending.length === 4096) {
      pieces.push(String.fromCodePoint(...pending));
      pending = [];
    }
  }
  pieces.push(String.fromCodePoint(...pending));
  return pieces.join('');
}

/** The values that a byte after a lead byte may have: overlong forms, surrogates and too large points are out. */
function isSecondByte(lead: number, byte: number): boolean {
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return byte >= least && byte <= most;
}

/** UTF-8 with U+FFFD in the place of each longest stretch that begins a character and does not end it. */
export function decodeUtf8Lossy(bytes: Uint8Array): string {
  let text = '';
  let from = 0;
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at] as number;
    const lead = leadOf(byte);
    const wanted = byte < 0x80 ? 0 : (lead?.continuation ?? -1);
    let found = 0;
    while (found < wanted) {
      const next = bytes[at + 1 + found] ?? 0;
      if ((next & 0xc0) !== 0x80 || (found === 0 && !isSecondByte(byte, next))) {
        break;
      }
      found += 1;
    }
    if (found === wanted) {
      at += 1 + found;
      continue;
    }
    text += `${decodeUtf8(bytes, from, at) ?? ''}\ufffd`;
    at += 1 + found;
    from = at;
  }
  return text + (decodeUtf8(bytes, from) ?? '');
}
