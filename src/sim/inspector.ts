import { codedError, err, ok } from '../base/result.ts';
import { verifyArtifact } from '../protocol/node/artifact-verifier.ts';
import { describeArtifact, describeBlock } from '../protocol/node/inspection.ts';
import type { PublicSubnet } from '../protocol/node/public-subnet.ts';
import type { NodeCore } from '../protocol/node/node-io.ts';
import { decodeArtifact } from '../protocol/types/artifact-codec.ts';
import type { Artifact } from '../protocol/types/artifacts.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import type { SubnetRecord } from '../protocol/types/registry.ts';
import type {
  ArtifactDetails,
  ArtifactReference,
  NetworkInspector,
  NetworkResult,
} from '../wire/network.ts';

interface Held {
  readonly artifact: Artifact;
  readonly heldBy: readonly NodeId[];
}

function unknown(what: string): NetworkResult<never> {
  const message = `No running node holds ${what} (any more).`;
  return Promise.resolve(err(codedError('input', 'ARTIFACT_UNKNOWN', message)));
}

/** Looks into the pools of the running nodes and checks what it finds with the core's own crypto. */
export function createInspector(
  subnet: PublicSubnet,
  records: () => readonly SubnetRecord[],
  coreOf: (nodeId: NodeId) => NodeCore | undefined,
): NetworkInspector {
  const nodeIds = [...subnet.nodes.keys()];

  /** Learns the keys of the newest interval: the nodes' word counts only with the subnet's signature. */
  const learn = (): void => {
    subnet.noteRecords(records());
    for (const id of nodeIds) {
      const core = coreOf(id);
      const height = core?.status().catchUpPackage ?? 0;
      const bytes = core?.findArtifact({ kind: 'catchUpPackage', height }) ?? null;
      const decoded = bytes === null ? undefined : decodeArtifact(bytes);
      if (decoded?.ok === true && decoded.value.kind === 'catchUpPackage') {
        subnet.notePackage(decoded.value);
      }
    }
  };

  const find = (reference: ArtifactReference): Held | undefined => {
    const holders = nodeIds.flatMap((id) => {
      const bytes = coreOf(id)?.findArtifact(reference) ?? null;
      return bytes === null ? [] : [{ id, bytes }];
    });
    const decoded = holders[0] === undefined ? undefined : decodeArtifact(holders[0].bytes);
    return decoded?.ok === true
      ? { artifact: decoded.value, heldBy: holders.map((holder) => holder.id) }
      : undefined;
  };

  const details = (reference: ArtifactReference): ArtifactDetails | null => {
    const held = find(reference);
    const facts = held === undefined ? null : describeArtifact(held.artifact, subnet);
    return held === undefined || facts === null ? null : { ...facts, heldBy: held.heldBy };
  };

  return {
    block(hash) {
      const [height] = nodeIds.flatMap((id) => coreOf(id)?.findBlockHeight(hash) ?? []);
      const held = height === undefined ? undefined : find({ kind: 'block', height, hash });
      if (height === undefined || held?.artifact.kind !== 'blockProposal') {
        return unknown(`block ${hash}`);
      }
      return Promise.resolve(
        ok({
          ...describeBlock(held.artifact),
          proposal: details({ kind: 'block', height, hash }),
          notarization: details({ kind: 'notarization', height, hash }),
          finalization: details({ kind: 'finalization', height, hash }),
        }),
      );
    },
    artifact(reference) {
      learn();
      const found = details(reference);
      return found === null
        ? unknown(`a ${reference.kind} of height ${reference.height}`)
        : Promise.resolve(ok(found));
    },
    verify(reference) {
      learn();
      const held = find(reference);
      const outcome = held === undefined ? undefined : verifyArtifact(held.artifact, subnet);
      return outcome === undefined
        ? unknown(`a ${reference.kind} of height ${reference.height}`)
        : Promise.resolve(ok(outcome));
    },
  };
}
