import type { CryptoSuite } from '../../protocol/crypto/suite.ts';
import type { BackendTimes, SignatureBackendChoice } from '../../wire/network.ts';
import type { SignatureBackend } from '../../wire/network-spec.ts';
import { fasterBackend } from './backend-times.ts';
import { loadCryptoSuite } from './choose-suite.ts';
import { measureBackends, type MeasureDeps } from './measure-backends.ts';

export interface ChosenBackend {
  readonly choice: SignatureBackendChoice;
  readonly suite: CryptoSuite;
}

/** The library that was named or measured to be faster, or noble where that one does not run. */
export async function chooseBackend(
  wanted: SignatureBackend,
  deps: MeasureDeps,
): Promise<ChosenBackend> {
  const times: BackendTimes | null = wanted === 'measured' ? await measureBackends(deps) : null;
  const library = times !== null ? fasterBackend(times) : wanted === 'noble' ? 'noble' : 'mcl';
  const suite = await loadCryptoSuite(library, deps.loadMcl);
  const runs = suite.bls.name.startsWith('mcl') ? 'mcl' : 'noble';
  const isFallback = runs !== library || times?.mclMs === null;
  const chosenBy = isFallback ? 'fallback' : times === null ? 'spec' : 'measurement';
  return { choice: { library: runs, chosenBy, times }, suite };
}
