import { hexOfRange } from '../../base/hex.ts';
import { decodeUtf8 } from '../../base/utf8.ts';

/**
 * Reads canonical CBOR of hostile bytes field by field, without building a tree first: for packets,
 * of which a node reads thousands a second. Accepts what `decodeCbor` accepts with `canonical`.
 *
 * The first thing that does not fit is remembered and every read from then on gives an empty value,
 * so callers check `failure` once at the end. Each read is bounded by the bytes that are left.
 */
export class CborCursor {
  private readonly bytes: Uint8Array;
  private offset = 0;
  private failed: string | null = null;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Why the bytes were refused; null while all is well. */
  get failure(): string | null {
    return this.failed;
  }

  /** An array's head. @returns its number of items, at most `limit`; 0 after a failure */
  array(limit: number): number {
    const length = this.head(4, 'an array');
    // Every item takes a byte at least.
    if (length > limit || length > this.bytes.length - this.offset) {
      return this.fail(`an array of ${length} items`);
    }
    return length;
  }

  /** The head of an array of exactly `count` items. */
  tuple(count: number): void {
    if (this.head(4, 'an array') !== count) {
      this.fail(`not an array of ${count} items`);
    }
  }

  /** An unsigned integer below 2^53. */
  nat(): number {
    return this.head(0, 'an unsigned integer');
  }

  /** A byte string of `min` to `max` bytes, as lower-case hex. */
  hex(min: number, max: number): string {
    const end = this.string(2, min, max);
    const text = hexOfRange(this.bytes, this.offset, end);
    this.offset = end;
    return text;
  }

  /** A byte string, copied. */
  byteString(max: number): Uint8Array {
    const end = this.string(2, 0, max);
    const copy = new Uint8Array(end - this.offset);
    copy.set(this.bytes.subarray(this.offset, end));
    this.offset = end;
    return copy;
  }

  /** A text of at most `max` bytes of UTF-8. */
  text(max: number): string {
    const end = this.string(3, 0, max);
    const text = decodeUtf8(this.bytes, this.offset, end);
    this.offset = end;
    if (text === undefined) {
      this.fail('a text that is not UTF-8');
    }
    return text ?? '';
  }

  /** Takes a null, if there is one. */
  isNull(): boolean {
    const found = this.failed === null && this.bytes[this.offset] === 0xf6;
    this.offset += found ? 1 : 0;
    return found;
  }

  /** Nothing may follow. */
  end(): void {
    if (this.offset !== this.bytes.length) {
      this.fail('bytes after the item');
    }
  }

  /** @returns 0, so that loops over what failed end at once */
  fail(what: string): 0 {
    this.failed ??= `at byte ${this.offset}: ${what}`;
    return 0;
  }

  /** End of a string's bytes, which begin at `offset`. */
  private string(major: 2 | 3, min: number, max: number): number {
    const length = this.head(major, major === 2 ? 'a byte string' : 'a text');
    if (length < min || length > max || length > this.bytes.length - this.offset) {
      this.fail(`a string of ${length} bytes`);
      return this.offset;
    }
    return this.offset + length;
  }

  private head(major: number, what: string): number {
    const initial = this.bytes[this.offset];
    if (this.failed !== null || initial === undefined || initial >> 5 !== major) {
      return this.fail(`${what} is missing`);
    }
    const info = initial & 0x1f;
    this.offset += 1;
    return info < 24 ? info : this.argument(info);
  }

  private argument(info: number): number {
    const width = 1 << (info - 24);
    const end = this.offset + width;
    if (info > 27 || end > this.bytes.length) {
      return this.fail('a length or integer is cut off');
    }
    let value = 0;
    for (let i = this.offset; i < end; i += 1) {
      value = value * 256 + (this.bytes[i] as number);
    }
    if (value > Number.MAX_SAFE_INTEGER || value < (LEAST_OF_INFO[info - 24] as number)) {
      return this.fail('an integer is too large or in a longer form than needed');
    }
    this.offset = end;
    return value;
  }
}

/** The smallest argument that needs 1, 2, 4 and 8 bytes. */
const LEAST_OF_INFO: readonly number[] = [24, 0x1_00, 0x1_00_00, 0x1_00_00_00_00];
