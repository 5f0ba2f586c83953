import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { present } from '../../../base/assert.ts';
import { hexToBytes } from '../../../base/hex.ts';
import { principalToBytes } from '../../crypto/principal.ts';
import type { PrincipalId } from '../../types/ids.ts';

/** Candid types and values that replies share. */

export const Blob = IDL.Vec(IDL.Nat8);

export const ChunkHash = IDL.Record({ hash: Blob });

export function principalValue(id: PrincipalId): Principal {
  return Principal.fromUint8Array(principalToBytes(id));
}

export function bytesOfHex(hex: string): Uint8Array {
  return present(hexToBytes(hex), 'hashes and ids are kept as hex');
}

export function encodeOne(type: IDL.Type, value: unknown): Uint8Array {
  return Uint8Array.from(IDL.encode([type], [value]));
}

/** A float of the given bit pattern: numbers would lose the bits of a NaN. */
export class FloatOfBits extends IDL.FloatClass {
  readonly #bytes: number;

  constructor(width: 32 | 64) {
    super(width);
    this.#bytes = width / 8;
  }

  override covariant(value: unknown): value is number {
    return typeof value === 'bigint';
  }

  override encodeValue(value: unknown): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#bytes);
    let rest = value as bigint;
    for (let i = 0; i < bytes.length; i += 1) {
      bytes[i] = Number(rest & 0xffn);
      rest >>= 8n;
    }
    return bytes;
  }
}
