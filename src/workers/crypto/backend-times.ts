import type { BackendTimes, SignatureBackendChoice } from '../../wire/network.ts';

/** What times are measured of; those of other versions say nothing. A test compares it with the packages. */
export const MEASURED_LIBRARIES = 'mcl-wasm 2.4.1, @noble/curves 2.4.0';

/** The faster library of those that run; mcl when they are equal. */
export function fasterBackend({ mclMs, nobleMs }: BackendTimes): SignatureBackendChoice['library'] {
  return mclMs !== null && mclMs <= nobleMs ? 'mcl' : 'noble';
}
