import { vi } from 'vitest';
import { hexToBytes } from '../../src/base/hex.ts';

// The client library ships them as its own test data. That file expects a test runner's global.
vi.stubGlobal('test', () => undefined);
const { goldenCertificates } = await import(
  '../../node_modules/@icp-sdk/core/lib/esm/agent/agent/http/__certificates__/goldenCertificates.js'
);
vi.unstubAllGlobals();

const hex = (text: string): Uint8Array => hexToBytes(text) as Uint8Array;

export type MainnetCertificate = keyof typeof goldenCertificates;

/** The bytes of a real certificate of mainnet. */
export function mainnetCertificate(name: MainnetCertificate): Uint8Array {
  return hex(goldenCertificates[name]);
}

/** The root key of mainnet, as DER. */
export const MAINNET_ROOT_KEY: Uint8Array = hex(
  '308182301d060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201036100' +
    '814c0e6ec71fab583b08bd81373c255c3c371b2e84863c98a4f1e08b74235d14fb5d9c0cd546d968' +
    '5f913a0c0b2cc5341583bf4b4392e467db96d65b9bb4cb717112f8472e0d5a4d14505ffd7484b01291091c5f87b98883463f98091a0baaae',
);
