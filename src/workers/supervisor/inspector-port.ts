import { err, ok, type Result } from '../../base/result.ts';
import type {
  ArtifactDetails,
  ArtifactReference,
  InspectableKind,
  NetworkError,
  NetworkInspector,
  NetworkResult,
} from '../../wire/network.ts';
import type { ControlError, RemoteControl } from '../control/remote.ts';
import { ARTIFACT_KIND_OF, type HeldArtifacts } from '../inspector/artifact-details.ts';
import type { InspectorControl } from '../inspector/inspector.worker.ts';
import { CONTROL_DEADLINE_MS, networkError, type Roster } from './roster.ts';
import type { TelemetryHub } from './telemetry-hub.ts';

const OPTIONS = { deadlineMs: CONTROL_DEADLINE_MS };

/** Brings what the nodes hold to the inspector worker, which decodes and checks it. */
export function createInspectorPort(
  roster: Roster,
  hub: TelemetryHub,
  inspector: RemoteControl<InspectorControl>,
): NetworkInspector {
  const gather = async (reference: ArtifactReference): Promise<readonly HeldArtifacts[]> =>
    Promise.all(
      roster.running().map(async ({ nodeId, control }) => {
        const kind = ARTIFACT_KIND_OF[reference.kind];
        const held = await control.call(OPTIONS, 'artifacts', kind, reference.height);
        return { nodeId, encoded: held.ok ? held.value : [] };
      }),
    );
  const describe = async (
    reference: ArtifactReference,
  ): Promise<Result<ArtifactDetails | null, ControlError>> =>
    inspector.call(OPTIONS, 'describe', reference, await gather(reference));

  return {
    artifact: async (reference) => {
      const checked = checkReference(reference);
      return checked ?? answer(await describe(reference), reference);
    },
    verify: async (reference) => {
      const checked = checkReference(reference);
      if (checked !== undefined) {
        return checked;
      }
      const held = await gather(reference);
      return answer(await inspector.call(OPTIONS, 'verify', reference, held), reference);
    },
    block: async (hash) => {
      const facts = hub.blockFacts(hash);
      if (facts === undefined) {
        return err(networkError('ARTIFACT_UNKNOWN', 'No running node told of that block lately.'));
      }
      const { height } = facts;
      const detailsOf = async (kind: InspectableKind): Promise<ArtifactDetails | null> => {
        const described = await describe({ kind, height, hash });
        return described.ok ? described.value : null;
      };
      const reference: ArtifactReference = { kind: 'block', height, hash };
      const ingress = await inspector.call(
        OPTIONS,
        'ingressOf',
        reference,
        await gather(reference),
      );
      return ok({
        facts,
        ingress: ingress.ok ? ingress.value : [],
        proposal: await detailsOf('block'),
        notarization: await detailsOf('notarization'),
        finalization: await detailsOf('finalization'),
      });
    },
  };
}

/** References come from scripts too: a wrong one is an error, not an exception in a worker. */
function checkReference(reference: ArtifactReference): Result<never, NetworkError> | undefined {
  const known = Object.hasOwn(ARTIFACT_KIND_OF, reference.kind);
  return known && Number.isSafeInteger(reference.height) && reference.height >= 0
    ? undefined
    : err(networkError('INVALID_ARGUMENT', 'An artifact has a known kind and a height.'));
}

async function answer<T>(
  outcome: Result<T | null, ControlError>,
  reference: ArtifactReference,
): NetworkResult<T> {
  if (!outcome.ok) {
    return err(networkError('CONTROL_TIMEOUT', outcome.error.message));
  }
  const what = `${reference.kind} at height ${reference.height}`;
  return outcome.value === null
    ? err(networkError('ARTIFACT_UNKNOWN', `No running node holds a ${what}.`))
    : ok(outcome.value);
}
