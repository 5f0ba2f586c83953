import { bytesToHex } from '../../base/hex.ts';
import type { CborValue } from '../crypto/cbor.ts';
import { asArray, asBytes, asNat, asSafeNat, asText } from '../crypto/cbor.ts';
import type { HashHex, Height, NodeId, SubnetId } from './ids.ts';

const HASH_BYTES = 32;
const MAX_PRINCIPAL_BYTES = 29;
const MAX_U64 = (1n << 64n) - 1n;

/**
 * Reads the positional fields of a decoded CBOR array. The first wrong field is remembered in
 * `failure` and every later read returns a harmless value, so that decoders read straight through
 * and look once at the end. The casts to id types live here.
 */
export class FieldReader {
  failure: string | null = null;
  private readonly fields: readonly CborValue[];
  private next = 0;

  constructor(value: CborValue | undefined) {
    const fields = asArray(value);
    this.fields = fields ?? [];
    if (fields === undefined) {
      this.fail('not a list');
    }
  }

  fail(what: string): void {
    this.failure ??= `field ${this.next}: ${what}`;
  }

  /** To be called last: nothing may be left over. */
  end(): void {
    if (this.next !== this.fields.length) {
      this.fail(`${this.fields.length} fields, ${this.next} expected`);
    }
  }

  /** Fields not yet read. */
  get left(): number {
    return this.fields.length - this.next;
  }

  private take(): CborValue | undefined {
    const value = this.fields[this.next];
    this.next += 1;
    return value;
  }

  private expect<T>(value: T | undefined, what: string, fallback: T): T {
    if (value === undefined) {
      this.fail(`${what} expected`);
      return fallback;
    }
    return value;
  }

  safeNat(): number {
    return this.expect(asSafeNat(this.take()), 'safe unsigned integer', 0);
  }

  height(): Height {
    return this.safeNat();
  }

  u64(): bigint {
    const value = asNat(this.take());
    return this.expect(value !== undefined && value <= MAX_U64 ? value : undefined, 'u64', 0n);
  }

  bytes(minimum: number, maximum: number): Uint8Array {
    const value = asBytes(this.take());
    if (value !== undefined && value.length >= minimum && value.length <= maximum) {
      return value;
    }
    this.fail(`${minimum}–${maximum} bytes expected`);
    return new Uint8Array(0);
  }

  /** At most `maximum` UTF-16 code units. */
  text(maximum: number): string {
    const value = asText(this.take());
    const fits = value !== undefined && value.length <= maximum;
    return this.expect(fits ? value : undefined, `text of at most ${maximum}`, '');
  }

  /** One of these texts. */
  oneOf<const T extends string>(choices: readonly [T, ...T[]]): T {
    const value = this.text(Math.max(...choices.map((choice) => choice.length)));
    const choice = choices.find((candidate) => candidate === value);
    return this.expect(choice, `one of ${choices.join(', ')}`, choices[0]);
  }

  flag(): boolean {
    const value = this.take();
    return this.expect(typeof value === 'boolean' ? value : undefined, 'true or false', false);
  }

  hash(): HashHex {
    return bytesToHex(this.bytes(HASH_BYTES, HASH_BYTES)) as HashHex;
  }

  nodeId(): NodeId {
    return bytesToHex(this.bytes(1, MAX_PRINCIPAL_BYTES)) as NodeId;
  }

  subnetId(): SubnetId {
    return bytesToHex(this.bytes(1, MAX_PRINCIPAL_BYTES)) as SubnetId;
  }

  /** Null or what `read` reads. */
  nullable<T>(read: () => T): T | null {
    if (this.fields[this.next] === null) {
      this.next += 1;
      return null;
    }
    return read();
  }

  /** A list of at most `maximum` items. */
  list(maximum: number): readonly CborValue[] {
    const items = asArray(this.take());
    const fits = items !== undefined && items.length <= maximum;
    return this.expect(fits ? items : undefined, `list of at most ${maximum}`, []);
  }

  /** At most `maximum` byte strings of 1 to `maximumBytes` bytes. */
  byteList(maximum: number, maximumBytes: number): readonly Uint8Array[] {
    return this.list(maximum).map((item) => {
      const bytes = asBytes(item);
      const fits = bytes !== undefined && bytes.length > 0 && bytes.length <= maximumBytes;
      return this.expect(fits ? bytes : undefined, `1–${maximumBytes} bytes`, new Uint8Array(0));
    });
  }

  /** The next field as a list of its own; its failure becomes ours. */
  nested<T>(read: (fields: FieldReader) => T): T {
    return this.within(this.take(), read);
  }

  /** A list of at most `maximum` lists, up to the first that fails; its failure becomes ours. */
  listOf<T>(maximum: number, read: (fields: FieldReader) => T): readonly T[] {
    const found: T[] = [];
    for (const item of this.list(maximum)) {
      found.push(this.within(item, read));
      if (this.failure !== null) {
        break;
      }
    }
    return found;
  }

  private within<T>(value: CborValue | undefined, read: (fields: FieldReader) => T): T {
    const inner = new FieldReader(value);
    const found = read(inner);
    inner.end();
    if (inner.failure !== null) {
      this.fail(inner.failure);
    }
    return found;
  }

  /** Strictly ascending node ids, 1 to `maximum` of them. */
  signers(maximum: number): readonly NodeId[] {
    const items = this.list(maximum);
    const signers: NodeId[] = [];
    for (const item of items) {
      const bytes = asBytes(item);
      if (bytes === undefined || bytes.length === 0 || bytes.length > MAX_PRINCIPAL_BYTES) {
        this.fail('signer expected');
        return [];
      }
      const signer = bytesToHex(bytes) as NodeId;
      const previous = signers.at(-1);
      if (previous !== undefined && previous >= signer) {
        this.fail('signers not ascending');
        return [];
      }
      signers.push(signer);
    }
    if (signers.length === 0) {
      this.fail('no signer');
    }
    return signers;
  }
}
