import { equalBytes } from '../../base/bytes.ts';
import { hexToBytes } from '../../base/hex.ts';
import { encodeUtf8 } from '../../base/utf8.ts';
import { ed25519Backend } from '../../protocol/crypto/ed25519.ts';
import { createRealSuite } from '../../protocol/crypto/real-suite.ts';
import type { BlsSuite, CryptoSuite } from '../../protocol/crypto/suite.ts';
import type { SignatureBackendChoice } from '../../wire/network.ts';

/** The only algorithms a worker takes; which library computes them does not show in any byte. */
export const WORKER_CRYPTO_NAME: CryptoSuite['name'] = 'bls12-381';

const hex = (text: string): Uint8Array => hexToBytes(text) as Uint8Array;

/** A signature as noble computes it (`bls-mcl.test.ts` checks that). */
export const SELF_TEST_VECTOR = {
  secretKey: new Uint8Array(32).fill(0x11),
  message: encodeUtf8('subnetarium'),
  publicKey: hex(
    'a55ee687dbc4afab98c79deea7583de9742d19d36d33fcfba05f39adee8de27b6f52c2e4ce2a9c60f20bd480bb73a560' +
      '125c0b088433c8fcee5f722f56f40d76873e4f25a1e69ae001b3ae6418e47a7bbb47228cb64fe55ced244976b98d32fb',
  ),
  signature: hex(
    'b84980bacafe7f07832f0e035a56683f8011e0ee1402c75ac306a7359e78662240996153a864ebbb015d5d337db62f13',
  ),
} as const;

/** Whether a backend signs the vector with the right bytes, accepts it and refuses another message. */
export function passesSelfTest(bls: BlsSuite): boolean {
  const { secretKey, message, publicKey, signature } = SELF_TEST_VECTOR;
  return (
    equalBytes(bls.publicKey(secretKey), publicKey) &&
    equalBytes(bls.sign(secretKey, message), signature) &&
    bls.verify(publicKey, message, signature) &&
    !bls.verify(publicKey, encodeUtf8('another message'), signature)
  );
}

/** Loads the backend in Wasm, in a chunk of its own. */
async function loadMclBls(): Promise<BlsSuite> {
  const { createMclBls } = await import('./bls-mcl.ts');
  return createMclBls();
}

/** mcl, or undefined where Wasm is blocked, its chunk does not load, or it fails its self-test. */
export async function loadWorkingMclBls(
  load: () => Promise<BlsSuite> = loadMclBls,
): Promise<BlsSuite | undefined> {
  try {
    const bls = await load();
    return passesSelfTest(bls) ? bls : undefined;
  } catch {
    // Whatever it was: noble needs none of it.
    return undefined;
  }
}

/**
 * The crypto of a worker on the library of the network's choice, or on noble where mcl does not
 * work. `suite.bls.name` tells which. Never rejects.
 */
export async function loadCryptoSuite(
  library: SignatureBackendChoice['library'],
  loadMcl: () => Promise<BlsSuite | undefined> = loadWorkingMclBls,
): Promise<CryptoSuite> {
  const bls = library === 'mcl' ? await loadMcl() : undefined;
  return bls === undefined
    ? createRealSuite()
    : { name: WORKER_CRYPTO_NAME, bls, basic: ed25519Backend };
}
