import { equalBytes } from '../../base/bytes.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { HashHex, NodeId, SubnetId } from '../../protocol/types/ids.ts';
import type {
  ArtifactDetails,
  ArtifactReference,
  InspectableKind,
  NetworkError,
  NetworkInspector,
} from '../../wire/network.ts';
import type { ControlError, RemoteControl } from '../control/remote.ts';
import type { InspectorControl } from '../inspector/inspector.worker.ts';
import type { RecordKeeper } from './registry-control.ts';
import { CONTROL_DEADLINE_MS, networkError, type Roster } from './roster.ts';

const OPTIONS = { deadlineMs: CONTROL_DEADLINE_MS };

/** An artifact as the nodes hold it. */
interface Held {
  readonly encoded: Uint8Array;
  readonly heldBy: readonly NodeId[];
}

/** Brings what the nodes of one subnet hold to the inspector worker, which decodes and checks it. */
export function createInspectorPort(
  roster: Roster,
  inspector: RemoteControl<InspectorControl>,
  registry: Pick<RecordKeeper, 'records'>,
  subnetId: SubnetId,
): NetworkInspector {
  const learn = async (): Promise<void> => {
    const packages = await newestPackages(roster);
    await inspector.call(OPTIONS, 'learn', subnetId, registry.records(), packages);
  };
  const find = (reference: ArtifactReference): Promise<Held | undefined> =>
    findHeld(roster, reference);
  const detailsOf = async (reference: ArtifactReference): Promise<ArtifactDetails | null> => {
    const held = await find(reference);
    const described =
      held === undefined
        ? undefined
        : await inspector.call(OPTIONS, 'describe', held.encoded, subnetId);
    return held !== undefined && described?.ok === true && described.value !== null
      ? { ...described.value, heldBy: held.heldBy }
      : null;
  };

  return {
    artifact: async (reference) => {
      await learn();
      return found(await detailsOf(reference), describeReference(reference));
    },
    verify: async (reference) => {
      await learn();
      const held = await find(reference);
      const verified =
        held === undefined
          ? ok(null)
          : await inspector.call(OPTIONS, 'verify', held.encoded, subnetId);
      return verified.ok
        ? found(verified.value, describeReference(reference))
        : err(controlFailure(verified.error));
    },
    block: async (hash) => {
      const height = await heightOf(roster, hash);
      const held = height === null ? undefined : await find({ kind: 'block', height, hash });
      if (height === null || held === undefined) {
        return err(networkError('ARTIFACT_UNKNOWN', 'No running node holds that block.'));
      }
      const described = await inspector.call(OPTIONS, 'describeBlock', held.encoded);
      if (!described.ok) {
        return err(controlFailure(described.error));
      }
      const part = (kind: InspectableKind): Promise<ArtifactDetails | null> =>
        detailsOf({ kind, height, hash });
      const block = found(described.value, 'block of that hash');
      return block.ok
        ? ok({
            ...block.value,
            proposal: await part('block'),
            notarization: await part('notarization'),
            finalization: await part('finalization'),
          })
        : block;
    },
  };
}

/** Asks all running nodes; those whose copy equals the first one's count as holders. */
async function findHeld(roster: Roster, reference: ArtifactReference): Promise<Held | undefined> {
  const copies = await Promise.all(
    roster.running().map(async ({ nodeId, control }) => {
      const copy = await control.call(OPTIONS, 'findArtifact', reference);
      return { nodeId, encoded: copy.ok ? copy.value : null };
    }),
  );
  const first = copies.find((copy) => copy.encoded !== null)?.encoded;
  if (first === undefined || first === null) {
    return undefined;
  }
  const holders = copies.filter(({ encoded }) => encoded !== null && equalBytes(encoded, first));
  return { encoded: first, heldBy: holders.map(({ nodeId }) => nodeId) };
}

/** The newest catch-up package of each running node; they tell which keys are in force. */
async function newestPackages(roster: Roster): Promise<readonly Uint8Array[]> {
  const held = await Promise.all(
    roster.running().map(async ({ control }) => {
      const report = await control.call(OPTIONS, 'report');
      const height = report.ok ? report.value.status.catchUpPackage : 0;
      const reference = { kind: 'catchUpPackage', height } as const;
      const copy =
        height === 0 ? undefined : await control.call(OPTIONS, 'findArtifact', reference);
      return copy?.ok === true && copy.value !== null ? [copy.value] : [];
    }),
  );
  return held.flat();
}

async function heightOf(roster: Roster, hash: HashHex): Promise<number | null> {
  const heights = await Promise.all(
    roster.running().map(({ control }) => control.call(OPTIONS, 'findBlockHeight', hash)),
  );
  return heights.map((height) => (height.ok ? height.value : null)).find((h) => h !== null) ?? null;
}

function describeReference({ kind, height }: ArtifactReference): string {
  return `${kind} at height ${height}`;
}

function found<T>(value: T | null, what: string): Result<T, NetworkError> {
  return value === null
    ? err(networkError('ARTIFACT_UNKNOWN', `No running node holds a ${what}.`))
    : ok(value);
}

function controlFailure({ message }: ControlError): NetworkError {
  return networkError('CONTROL_TIMEOUT', message);
}
