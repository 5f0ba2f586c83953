import * as mclNamespace from 'mcl-wasm';
import type { G1, G2, PrecomputedG2 } from 'mcl-wasm';
import { assert } from '../../base/assert.ts';
import { hexToBytes } from '../../base/hex.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { bigintFromBytes } from '../../protocol/crypto/scalars.ts';
import {
  BLS_PUBLIC_KEY_BYTES,
  BLS_SECRET_KEY_BYTES,
  BLS_SIGNATURE_BYTES,
  GROUP_ORDER,
} from '../../protocol/crypto/suite.ts';

/**
 * mcl-wasm set up for the IC: all its global switches are set here and nowhere else, once per
 * worker. Points are plain copies on the JavaScript side; only line tables live in Wasm memory.
 */

/** The untyped exports of the C library; safe because the package's version is pinned exactly. */
interface RawMcl {
  stackSave(): number;
  stackRestore(stack: number): void;
  sallocBytes(bytes: Uint8Array): number;
  _mclBnG1_setDst(pointer: number, length: number): number;
}

type Mcl = typeof mclNamespace;

/** Its CommonJS exports: bundlers and Node agree on `default` only, and `mod` is set by `init`. */
const mcl = ((mclNamespace as { readonly default?: Mcl }).default ?? mclNamespace) as Mcl;

const COMPRESSED = 0x80;
const INFINITY = 0x40;
/** Wasm has a small stack and a message is copied to it. Longer ones are for the other backend. */
export const MAX_WASM_MESSAGE_BYTES = 4_096;
/** The standard generator of G2, compressed. */
const G2_GENERATOR = hexToBytes(
  '93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049' +
    '334cf11213945d57e5ac7d055d042b7e024aa2b2f08f0a91260805272dc51051' +
    'c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8',
) as Uint8Array;

/** What the BLS backend needs of the curve. */
export interface MclEngine {
  readonly generator: G2;
  /** e(signature, −g2) · e(hash, key) = 1. */
  pairingHolds(signature: G1, hash: G1, keyLines: PrecomputedG2): boolean;
  linesOf(point: G2): PrecomputedG2;
  /** At most MAX_WASM_MESSAGE_BYTES. */
  hashToG1(message: Uint8Array, domain: string): G1;
  /** On the curve, canonical, not infinity; the subgroup is NOT checked. */
  decodeCurvePoint(bytes: Uint8Array): G1 | undefined;
  /** As `decodeCurvePoint`, and in the subgroup. */
  decodeG1(bytes: Uint8Array): G1 | undefined;
  decodeG2(bytes: Uint8Array): G2 | undefined;
  addG1(a: G1, b: G1): G1;
  addG2(a: G2, b: G2): G2;
  negateG1(point: G1): G1;
  negateG2(point: G2): G2;
  doubleG1(point: G1): G1;
  doubleG2(point: G2): G2;
  /** Only for points of the subgroup: uses its endomorphism. */
  multiplyG1(point: G1, scalar: Uint8Array): G1;
  multiplyG2(point: G2, scalar: Uint8Array): G2;
}

let loading: Promise<MclEngine> | undefined;

/**
 * The engine of this worker. A second initialisation would pull the memory away under the first
 * one's line tables, so there is one only. Rejects where Wasm is blocked.
 */
export function loadMclEngine(): Promise<MclEngine> {
  loading ??= startEngine();
  return loading;
}

async function startEngine(): Promise<MclEngine> {
  await mcl.init(mcl.BLS12_381);
  mcl.setETHserialization(true);
  mcl.setMapToMode(mcl.IRTF);
  mcl.verifyOrderG1(false);
  mcl.verifyOrderG2(true);
  return createEngine((mcl as unknown as { readonly mod: RawMcl }).mod);
}

function createEngine(raw: RawMcl): MclEngine {
  const generator = decode(mcl.G2, BLS_PUBLIC_KEY_BYTES, G2_GENERATOR);
  assert(generator !== undefined, 'the generator decodes');
  const negatedGeneratorLines = new mcl.PrecomputedG2(mcl.neg(generator));
  const setDomain = createDomainSwitch(raw);
  const decodeCurvePoint = (bytes: Uint8Array) => decode(mcl.G1, BLS_SIGNATURE_BYTES, bytes);
  return {
    generator,
    pairingHolds: (signature, hash, keyLines) =>
      mcl
        .finalExp(mcl.precomputedMillerLoop2(signature, negatedGeneratorLines, hash, keyLines))
        .isOne(),
    linesOf: (point) => new mcl.PrecomputedG2(point),
    hashToG1(message, domain) {
      assert(message.length <= MAX_WASM_MESSAGE_BYTES, 'long messages take the other backend');
      setDomain(domain);
      return mcl.normalize(mcl.hashAndMapToG1(message));
    },
    decodeCurvePoint,
    decodeG1(bytes) {
      const point = decodeCurvePoint(bytes);
      return point?.isValidOrder() === true ? point : undefined;
    },
    decodeG2: (bytes) => decode(mcl.G2, BLS_PUBLIC_KEY_BYTES, bytes),
    addG1: (a, b) => mcl.add(a, b),
    addG2: (a, b) => mcl.add(a, b),
    negateG1: (point) => mcl.neg(point),
    negateG2: (point) => mcl.neg(point),
    doubleG1: (point) => mcl.dbl(point),
    doubleG2: (point) => mcl.dbl(point),
    multiplyG1: (point, scalar) => mcl.mul(point, toFr(scalar)),
    multiplyG2: (point, scalar) => mcl.mul(point, toFr(scalar)),
  };
}

/** The domain separation tag is global state of the library: set it when it changes. */
function createDomainSwitch(raw: RawMcl): (domain: string) => void {
  let current: string | undefined;
  return (domain) => {
    if (domain === current) {
      return;
    }
    const bytes = encodeUtf8(domain);
    const stack = raw.stackSave();
    const status = raw._mclBnG1_setDst(raw.sallocBytes(bytes), bytes.length);
    raw.stackRestore(stack);
    assert(status === 0, 'the library takes the domain separation tag');
    current = domain;
  };
}

/** The library accepts infinity in several spellings and ignores trailing bytes: not so here. */
function decode<T extends G1 | G2>(
  Point: new () => T,
  length: number,
  bytes: Uint8Array,
): T | undefined {
  const flags = bytes[0] ?? 0;
  if (bytes.length !== length || (flags & COMPRESSED) === 0 || (flags & INFINITY) !== 0) {
    return undefined;
  }
  const point = new Point();
  try {
    point.deserialize(bytes);
  } catch {
    return undefined;
  }
  return point.isZero() ? undefined : point;
}

/** 32 big-endian bytes, a reduced non-zero scalar. */
function toFr(scalar: Uint8Array) {
  assert(scalar.length === BLS_SECRET_KEY_BYTES, 'a BLS scalar has 32 bytes');
  const value = bigintFromBytes(scalar);
  assert(value > 0n && value < GROUP_ORDER, 'a BLS scalar is reduced and not zero');
  const fr = new mcl.Fr();
  fr.setBigEndianMod(scalar);
  return fr;
}
