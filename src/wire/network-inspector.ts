import { codedError, err } from '../base/result.ts';
import type { SubnetId } from '../protocol/types/ids.ts';
import type { ArtifactReference, NetworkInspector, NetworkResult } from './network.ts';

/** Looks into the pools of the subnet that a reference names; blocks are found by their hash alone. */
export function createNetworkInspector(
  inspectors: readonly (readonly [SubnetId, NetworkInspector])[],
): NetworkInspector {
  const ask = <T>(
    { subnetId }: ArtifactReference,
    question: (inspector: NetworkInspector) => NetworkResult<T>,
  ): NetworkResult<T> => {
    const found = inspectors.find(([id]) => subnetId === undefined || id === subnetId);
    return found === undefined
      ? Promise.resolve(err(codedError('input', 'SUBNET_UNKNOWN', 'There is no such subnet.')))
      : question(found[1]);
  };
  return {
    block: async (hash) => {
      const answers = await Promise.all(inspectors.map(([, inspector]) => inspector.block(hash)));
      const [first] = answers.toSorted((a, b) => Number(b.ok) - Number(a.ok));
      return first ?? err(codedError('input', 'ARTIFACT_UNKNOWN', 'There is no subnet.'));
    },
    artifact: (reference) => ask(reference, (inspector) => inspector.artifact(reference)),
    verify: (reference) => ask(reference, (inspector) => inspector.verify(reference)),
  };
}
