import type { ScriptValue } from './commands.ts';

/** One lane of an expected value: its width, and its bits or which NaNs will do. */
interface Lane {
  readonly bytes: 1 | 2 | 4 | 8;
  readonly pattern: bigint | 'nan:canonical' | 'nan:arithmetic';
}

const WIDTHS = { i8: 1, i16: 2, i32: 4, i64: 8, f32: 4, f64: 8 } as const;
const QUIET: Readonly<Record<number, bigint>> = { 4: 0x7fc0_0000n, 8: 0x7ff8_0000_0000_0000n };

type NumericType = keyof typeof WIDTHS;

function lane(type: NumericType, text: string): Lane {
  const pattern =
    text === 'nan:canonical' || text === 'nan:arithmetic'
      ? text
      : BigInt.asUintN(8 * WIDTHS[type], BigInt(text));
  return { bytes: WIDTHS[type], pattern };
}

function lanesOf(value: ScriptValue): Lane[] {
  if (value.type === 'v128') {
    return value.value.map((text) => lane(value.lane_type, text));
  }
  return value.type === 'externref' || value.type === 'funcref'
    ? []
    : [lane(value.type, value.value ?? '0')];
}

function readLane(bytes: Uint8Array, at: number, width: number): bigint {
  let bits = 0n;
  for (let i = width - 1; i >= 0; i -= 1) {
    bits = (bits << 8n) | BigInt(bytes[at + i] as number);
  }
  return bits;
}

/** The little-endian bytes of a value without NaN patterns. */
export function bytesOf(value: ScriptValue): Uint8Array {
  const bytes: number[] = [];
  for (const { bytes: width, pattern } of lanesOf(value)) {
    const bits = typeof pattern === 'bigint' ? pattern : (QUIET[width] as bigint);
    for (let i = 0; i < width; i += 1) {
      bytes.push(Number((bits >> BigInt(8 * i)) & 0xffn));
    }
  }
  return Uint8Array.from(bytes);
}

function laneMatches({ bytes: width, pattern }: Lane, bits: bigint): boolean {
  const quiet = QUIET[width] as bigint;
  const positive = bits & ((1n << BigInt(8 * width - 1)) - 1n);
  switch (pattern) {
    case 'nan:canonical':
      return positive === quiet;
    case 'nan:arithmetic':
      return (positive & quiet) === quiet;
    default:
      return bits === pattern;
  }
}

/** Whether the bytes are what the test expects. */
export function matches(expected: ScriptValue, actual: Uint8Array): boolean {
  let at = 0;
  return lanesOf(expected).every((one) => {
    const fits = laneMatches(one, readLane(actual, at, one.bytes));
    at += one.bytes;
    return fits;
  });
}

/** Whether every NaN that the test leaves open is the one the IC makes of all: positive, quiet, no payload. */
export function nansAreCanonical(expected: ScriptValue, actual: Uint8Array): boolean {
  let at = 0;
  return lanesOf(expected).every(({ bytes: width, pattern }) => {
    const bits = readLane(actual, at, width);
    at += width;
    return typeof pattern === 'bigint' || bits === QUIET[width];
  });
}

function isNan(bits: bigint, width: 4 | 8): boolean {
  const infinity = width === 4 ? 0x7f80_0000n : 0x7ff0_0000_0000_0000n;
  const positive = bits & ((1n << BigInt(8 * width - 1)) - 1n);
  return (positive & infinity) === infinity && positive !== infinity;
}

/**
 * Where two memories or values differ although no NaN explains it: the original may hold any NaN where
 * the rewritten module holds the canonical one. -1 when nowhere.
 */
export function firstDifference(original: Uint8Array, rewritten: Uint8Array): number {
  if (original.length !== rewritten.length) {
    return Math.min(original.length, rewritten.length);
  }
  for (let at = firstUnequal(original, rewritten, 0); at >= 0; ) {
    const end = explainedUpTo(original, rewritten, at);
    if (end <= at) {
      return at;
    }
    at = firstUnequal(original, rewritten, end);
  }
  return -1;
}

/** The first place from `from` where two memories of one size differ; -1 when there is none. */
export function firstUnequal(a: Uint8Array, b: Uint8Array, from: number): number {
  let at = from;
  const words = (bytes: Uint8Array): Int32Array =>
    new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  if (at === 0 && (a.byteOffset & 3) === 0 && (b.byteOffset & 3) === 0) {
    const left = words(a);
    const right = words(b);
    let word = 0;
    while (word < left.length && left[word] === right[word]) {
      word += 1;
    }
    at = word * 4;
  }
  while (at < a.length && a[at] === b[at]) {
    at += 1;
  }
  return at < a.length ? at : -1;
}

/** The end of a float around `at` that is a NaN in both and canonical in the second; 0 when there is none. */
function explainedUpTo(original: Uint8Array, rewritten: Uint8Array, at: number): number {
  for (const width of [4, 8] as const) {
    for (let start = Math.max(0, at - width + 1); start <= at; start += 1) {
      if (
        start + width <= original.length &&
        readLane(rewritten, start, width) === QUIET[width] &&
        isNan(readLane(original, start, width), width)
      ) {
        return start + width;
      }
    }
  }
  return 0;
}
