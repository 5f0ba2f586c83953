import type { DkgEvent } from '../protocol/interfaces/trace.ts';
import { union, withNode } from './projection-edits.ts';
import { NO_RUN } from './projection.ts';
import type { IntervalView, KeyResultView, KeyRunView, NetworkProjection } from './projection.ts';
import type { HostEvent } from './telemetry.ts';

/** The part of the fold that is about keys and membership. All nodes tell the same of a block. */

const MAX_COMPLAINTS = 40;

export function applyKeyEvent(projection: NetworkProjection, event: DkgEvent): NetworkProjection {
  const { interval } = projection;
  switch (event.kind) {
    case 'dkgIntervalBegan': {
      if (event.height <= interval.height) {
        return projection;
      }
      const { height, length, registryVersion, receivers } = event;
      const runs = { low: NO_RUN, high: NO_RUN };
      const results = { low: null, high: null };
      return withInterval(projection, {
        height,
        length,
        registryVersion,
        receivers,
        runs,
        results,
      });
    }
    case 'dkgDealingIncluded':
      return withRun(projection, event, (run) => ({
        ...run,
        included: union(run.included, [event.dealer]),
      }));
    case 'dkgComplaintIncluded':
      return withRun(projection, event, (run) => withComplaint(run, event));
    case 'dkgTranscriptCreated':
      return withResult(projection, event, {
        kind: 'created',
        transcript: event.transcript,
        dealers: event.dealers.length,
      });
    case 'dkgTranscriptKept':
      return withResult(projection, event, { kind: 'kept', reason: event.reason });
    default:
      return projection;
  }
}

/** A node dealt in the run of the interval that begins at the height. */
export function applyDealingMade(
  projection: NetworkProjection,
  { height, tag }: DkgEvent & { readonly kind: 'dkgDealingMade' },
  dealer: KeyRunView['dealt'][number] | 'host',
): NetworkProjection {
  const { interval } = projection;
  if (height !== interval.height || dealer === 'host') {
    return projection;
  }
  const run = interval.runs[tag];
  const runs = { ...interval.runs, [tag]: { ...run, dealt: union(run.dealt, [dealer]) } };
  return withInterval(projection, { ...interval, runs });
}

export function applyRegistryFact(
  projection: NetworkProjection,
  event: HostEvent & { readonly kind: 'registryChanged' },
): NetworkProjection {
  const { kind: _kind, ...record } = event;
  if (record.version <= (projection.registry?.version ?? 0)) {
    return projection;
  }
  let next: NetworkProjection = {
    ...projection,
    registry: { ...record, madeAt: projection.finalizedHeight },
  };
  for (const { nodeId } of projection.nodes) {
    const isMember = record.members.includes(nodeId);
    next = withNode(next, nodeId, (node) =>
      node.isMember === isMember ? node : { ...node, isMember },
    );
  }
  return next;
}

function withInterval(projection: NetworkProjection, interval: IntervalView): NetworkProjection {
  return { ...projection, interval };
}

function withRun(
  projection: NetworkProjection,
  { height, tag }: { readonly height: number; readonly tag: 'low' | 'high' },
  change: (run: KeyRunView) => KeyRunView,
): NetworkProjection {
  const { interval } = projection;
  const isNow = height > interval.height && height <= interval.height + interval.length;
  const runs = { ...interval.runs, [tag]: change(interval.runs[tag]) };
  return isNow ? withInterval(projection, { ...interval, runs }) : projection;
}

function withComplaint(
  run: KeyRunView,
  { dealer, complainer }: KeyRunView['complaints'][number],
): KeyRunView {
  const known = run.complaints.some(
    (other) => other.dealer === dealer && other.complainer === complainer,
  );
  return known || run.complaints.length >= MAX_COMPLAINTS
    ? run
    : { ...run, complaints: [...run.complaints, { dealer, complainer }] };
}

function withResult(
  projection: NetworkProjection,
  { height, tag }: { readonly height: number; readonly tag: 'low' | 'high' },
  result: KeyResultView,
): NetworkProjection {
  const { interval } = projection;
  const results = { ...interval.results, [tag]: result };
  return height === interval.height
    ? withInterval(projection, { ...interval, results })
    : projection;
}
