import { bytesToHex } from '../../base/hex.ts';
import { encodeCbor } from '../crypto/cbor.ts';
import { principalToBytes } from '../crypto/principal.ts';
import { sha256 } from '../crypto/sha256.ts';
import { genesisSummary } from '../dkg/summary.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { CatchUpPackage } from '../types/artifacts.ts';
import { sealBlock } from '../types/block-codec.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { HashHex } from '../types/ids.ts';

const ZERO_HASH = '00'.repeat(32) as HashHex;

/**
 * The catch-up package of height 0, which every node derives from the genesis record. It is not
 * signed and never sent. Its beacon is bound to the subnet, so that subnets rank independently.
 */
export function genesisPackage(genesis: SubnetGenesis): CatchUpPackage {
  const summary = genesisSummary(genesis);
  const seed = encodeCbor([
    principalToBytes(genesis.subnetId),
    genesis.genesisTimeNs,
    genesis.nodes.map((node) => principalToBytes(node.nodeId)),
  ]);
  const block = sealBlock({
    height: 0,
    parent: ZERO_HASH,
    rank: 0,
    context: {
      certifiedHeight: 0,
      registryVersion: summary.registryVersion,
      timeNs: genesis.genesisTimeNs,
    },
    payload: { kind: 'summary', summary },
  });
  const beacon = sealArtifact<'randomBeacon'>({
    kind: 'randomBeacon',
    height: 0,
    parent: bytesToHex(sha256(seed)) as HashHex,
    signature: new Uint8Array(0),
  });
  return sealArtifact<'catchUpPackage'>({
    kind: 'catchUpPackage',
    height: 0,
    block,
    beacon,
    stateHash: ZERO_HASH,
    oldestRegistryVersion: null,
    signature: new Uint8Array(0),
  });
}
