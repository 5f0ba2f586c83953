import { concatBytes } from '../../base/bytes.ts';
import { createPrng } from '../../base/prng.ts';
import type { Prng } from '../../base/prng.ts';
import { encodeCbor } from '../crypto/cbor.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { ThresholdKeys } from '../crypto/threshold-keys.ts';
import { transcriptId } from '../crypto/transcript-id.ts';
import type { NodeDkg } from '../interfaces/crypto.ts';
import type { DkgScheme } from '../interfaces/dkg.ts';
import type { DkgConfig } from '../types/dkg.ts';
import type { NodeSecrets } from '../types/genesis.ts';

const NO_ENTROPY = new Uint8Array(32);

/**
 * A node's part of the scheme, with its secrets. The coins of each dealing come from a ChaCha20
 * stream whose key is a hash of the node's secret keys, of what is dealt, and of the host's entropy:
 * unpredictable even where the host has no entropy to give, and never the same for two runs.
 */
export function createNodeDkg(
  scheme: DkgScheme,
  secrets: NodeSecrets,
  keys: ThresholdKeys,
  entropy: Uint8Array = NO_ENTROPY,
): NodeDkg {
  const coins = (purpose: string, config: DkgConfig, extra: Uint8Array): Prng => {
    const { id, registryVersion } = config;
    const about = encodeCbor([purpose, id.startHeight, id.tag, registryVersion, extra]);
    return createPrng(
      sha256(concatBytes(secrets.dkgSecretKey, secrets.nodeSecretKey, entropy, about)),
    );
  };
  return {
    scheme: scheme.name,
    deal: (config, records) => {
      const { resharing } = config;
      const ownShare = resharing === null ? null : keys.shareOf(transcriptId(resharing));
      return ownShare === undefined
        ? undefined
        : scheme.deal(
            config,
            records,
            secrets.nodeId,
            ownShare,
            coins('deal', config, new Uint8Array(0)),
          );
    },
    verifyDealing: scheme.verifyDealing,
    openShare: (config, records, dealing) =>
      scheme.openShare(
        config,
        records,
        dealing,
        { nodeId: secrets.nodeId, dkgSecretKey: secrets.dkgSecretKey },
        coins('open', config, sha256(dealing.content)),
      ),
    verifyComplaint: scheme.verifyComplaint,
    combineDealings: scheme.combineDealings,
    combineShares: scheme.combineShares,
  };
}
