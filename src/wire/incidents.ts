import type { NodeId } from '../protocol/types/ids.ts';
import { keepLast, labelOf, withNode } from './projection-edits.ts';
import { KEPT_FEED_ENTRIES } from './projection.ts';
import type { CaughtView, FeedEntry, NetworkProjection } from './projection.ts';
import type { TelemetryEvent } from './telemetry.ts';

/**
 * Who was caught at what, and by whom. An attack repeats itself many times a second and every honest
 * node reports it: the feed gets one line an attacker, rule and two seconds, which counts.
 */

const ONE_LINE_NS = 2_000_000_000n;
const MAX_CODES = 24;

type IncidentEvent = TelemetryEvent & {
  readonly kind: 'misbehaviourSeen' | 'artifactRejected' | 'packetRejected';
};

export function isIncident(event: TelemetryEvent): event is IncidentEvent {
  return (
    event.kind === 'misbehaviourSeen' ||
    event.kind === 'artifactRejected' ||
    event.kind === 'packetRejected'
  );
}

interface Origin {
  readonly from: NodeId | 'host';
  readonly atNs: bigint;
}

/** Counts it for the culprit and tells it in the feed. */
export function applyIncident(
  projection: NetworkProjection,
  event: IncidentEvent,
  origin: Origin,
): NetworkProjection {
  const culprit = event.kind === 'misbehaviourSeen' ? event.about : event.from;
  if (culprit === origin.from) {
    // A node that accuses itself is no witness.
    return projection;
  }
  const counted =
    culprit === null
      ? projection
      : withNode(projection, culprit, (node) => ({
          ...node,
          caught: withCaught(node.caught, event, origin.from),
        }));
  const height = event.kind === 'packetRejected' ? null : event.height;
  return withRepeatable(counted, {
    key: `${culprit}/${event.kind}/${event.code}`,
    by: origin.from,
    atNs: origin.atNs,
    build: (counts) => ({
      severity: event.kind === 'misbehaviourSeen' && !event.proven ? 'info' : 'warning',
      text: inWords(counted, event, counts),
      height,
      nodeId: culprit ?? (origin.from === 'host' ? null : origin.from),
    }),
  });
}

interface Repeatable {
  readonly key: string;
  readonly by: NodeId | 'host';
  readonly atNs: bigint;
  build(
    counts: Readonly<Record<string, number>>,
  ): Pick<FeedEntry, 'severity' | 'text' | 'height' | 'nodeId'>;
}

/** Adds an entry to the feed, or counts it in the entry of the same news that is there. */
export function withRepeatable(
  projection: NetworkProjection,
  { key, by, atNs, build }: Repeatable,
): NetworkProjection {
  const known = projection.feed.findLast(
    ({ repeated }) => repeated?.key === key && atNs - repeated.sinceNs < ONE_LINE_NS,
  );
  const counts = { ...known?.repeated?.counts };
  counts[by] = (counts[by] ?? 0) + 1;
  const sinceNs = known?.repeated?.sinceNs ?? atNs;
  const entry: FeedEntry = {
    id: known?.id ?? projection.nextId,
    atNs,
    ...build(counts),
    repeated: { key, sinceNs, counts },
  };
  if (known !== undefined) {
    const feed = projection.feed.map((other) => (other === known ? entry : other));
    return { ...projection, feed };
  }
  return {
    ...projection,
    nextId: projection.nextId + 1,
    feed: keepLast([...projection.feed, entry], KEPT_FEED_ENTRIES),
  };
}

/** How often it happened: several nodes that saw the same count once. */
export function timesOf(counts: Readonly<Record<string, number>>): number {
  return Math.max(0, ...Object.values(counts));
}

function withCaught(
  caught: readonly CaughtView[],
  event: IncidentEvent,
  by: NodeId | 'host',
): readonly CaughtView[] {
  const known = caught.find(({ code }) => code === event.code);
  if (known === undefined && caught.length >= MAX_CODES) {
    return caught;
  }
  const before = known?.counts[by] ?? 0;
  // A flood is told in samples, with the number of all so far.
  const told = event.kind === 'packetRejected' ? (event.count ?? 0) : 0;
  const entry: CaughtView = {
    code: event.code,
    message: event.message,
    proven: event.kind !== 'misbehaviourSeen' || event.proven,
    counts: { ...known?.counts, [by]: Math.max(before + 1, told) },
  };
  return known === undefined
    ? [...caught, entry]
    : caught.map((other) => (other === known ? entry : other));
}

function inWords(
  projection: NetworkProjection,
  event: IncidentEvent,
  counts: Readonly<Record<string, number>>,
): string {
  const label = (id: NodeId | null): string => labelOf(projection, id) ?? 'a stranger';
  const witnesses = projection.nodes.filter((node) => Object.hasOwn(counts, node.nodeId));
  const who = enumerate(witnesses.map((node) => node.label)) || 'The network';
  const rule = `(rule ${event.code}${oftenInWords(event, timesOf(counts))})`;
  const message = event.message.replace(/\.$/u, '');
  switch (event.kind) {
    case 'misbehaviourSeen': {
      const verb = event.proven ? 'caught' : 'noticed';
      return `${who} ${verb} ${label(event.about)} at height ${event.height}: ${message} ${rule}.`;
    }
    case 'artifactRejected':
      return `${who} refused ${spaced(event.artifact)} of height ${event.height} from ${label(event.from)}: ${message} ${rule}.`;
    case 'packetRejected':
      return `${who} refused packets from ${label(event.from)}: ${message} ${rule}.`;
  }
}

/** Of a flood only samples are told, with the number of all so far. */
function oftenInWords(event: IncidentEvent, times: number): string {
  const all = event.kind === 'packetRejected' ? (event.count ?? 0) : 0;
  if (all > times) {
    return `, ${all.toLocaleString('en-US')} so far`;
  }
  return times > 1 ? `, ${times} times` : '';
}

/** `notarizationShare` → `notarization share`. */
function spaced(name: string): string {
  return name.replace(/[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`);
}

/** `Node 2, Node 3 and Node 4`. */
export function enumerate(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}
