import { compareText } from '../base/bytes.ts';
import type { Height } from '../protocol/types/ids.ts';
import {
  KEPT_CANISTERS,
  KEPT_CHANGES,
  KEPT_FLIGHTS,
  KEPT_LOG_LINES,
  KEPT_MESSAGES,
} from './projection.ts';
import type {
  CanisterChangeView,
  CanisterView,
  NetworkProjection,
  NodeView,
} from './projection.ts';
import { applyRegistryFact } from './project-keys.ts';
import { keepLast, withNode } from './projection-edits.ts';
import type { TelemetryEvent } from './telemetry.ts';

/** The part of the fold that is about canisters, and about what hosts report. */

export function applyCanisterEvent(
  projection: NetworkProjection,
  event: TelemetryEvent & {
    readonly kind: 'canisterChanged' | 'canisterLogged' | 'messageExecuted';
  },
): NetworkProjection {
  if (event.kind === 'messageExecuted') {
    if (projection.messages.some((message) => message.messageId === event.messageId)) {
      return projection;
    }
    const { kind: _kind, ...message } = event;
    // Late subscribers hear of older ones last.
    const messages = [...projection.messages, message].toSorted((a, b) => a.height - b.height);
    return { ...projection, messages: keepLast(messages, KEPT_MESSAGES) };
  }
  if (event.kind === 'canisterLogged') {
    const canisters = projection.canisters.map((canister) =>
      canister.facts.canisterId === event.canisterId ? withLogLines(canister, event) : canister,
    );
    return { ...projection, canisters };
  }
  const facts = event.canister;
  const known = projection.canisters.find((other) => other.facts.canisterId === facts.canisterId);
  if (known !== undefined && known.facts.version > facts.version) {
    return projection;
  }
  const others = projection.canisters.filter((other) => other !== known);
  const canisters = [
    ...others,
    {
      facts,
      changes: withChange(known, event),
      logs: known?.logs ?? [],
      nextLogIndex: known?.nextLogIndex ?? 0n,
    },
  ].toSorted((a, b) => compareText(a.facts.canisterId, b.facts.canisterId));
  return { ...projection, canisters: keepLast(canisters, KEPT_CANISTERS) };
}

/** All nodes report a change; the first report is the news. */
function withChange(
  known: CanisterView | undefined,
  { height, canister }: TelemetryEvent & { readonly kind: 'canisterChanged' },
): readonly CanisterChangeView[] {
  const { moduleHash, status } = canister;
  const changes = known?.changes ?? [];
  const last = changes.at(-1);
  if (last === undefined) {
    return [{ height, change: 'seen', moduleHash, status }];
  }
  const change =
    last.moduleHash !== moduleHash ? 'code' : last.status !== status ? 'status' : undefined;
  return change === undefined || height <= last.height
    ? changes
    : keepLast([...changes, { height, change, moduleHash, status }], KEPT_CHANGES);
}

/** All nodes report the lines of a run; only those that nobody has reported yet are news. */
function withLogLines(
  canister: CanisterView,
  { lines, firstIndex }: TelemetryEvent & { readonly kind: 'canisterLogged' },
): CanisterView {
  const first = firstIndex ?? canister.nextLogIndex;
  const known = first < canister.nextLogIndex ? Number(canister.nextLogIndex - first) : 0;
  const fresh = lines.slice(known);
  if (fresh.length === 0) {
    return canister;
  }
  return {
    ...canister,
    logs: keepLast([...canister.logs, ...fresh], KEPT_LOG_LINES),
    nextLogIndex: first + BigInt(lines.length),
  };
}

export function applyHostEvent(
  projection: NetworkProjection,
  event: TelemetryEvent,
  origin: { readonly atNs: bigint },
): NetworkProjection {
  switch (event.kind) {
    case 'bootStage':
      return { ...projection, bootStage: event.stage, bootDetail: event.detail };
    case 'nodeState':
      return withNode(projection, event.nodeId, (node) => ({
        ...node,
        condition: event.state,
        reason: event.reason,
        sync: null,
      }));
    case 'nodeHeights':
      return withNode(projection, event.nodeId, (node) => ({
        ...node,
        heights: event.heights,
        condition: conditionAt(node, event.heights.finalized, projection.finalizedHeight),
      }));
    case 'packetsSent': {
      const { kind: _kind, ...packets } = event;
      const flight = { id: projection.nextId, atNs: origin.atNs, ...packets };
      return {
        ...projection,
        nextId: projection.nextId + 1,
        flights: keepLast([...projection.flights, flight], KEPT_FLIGHTS),
      };
    }
    case 'nodeConditionsChanged':
      return withNode(projection, event.nodeId, (node) => ({ ...node, world: event.conditions }));
    case 'nodeBehavioursChanged':
      return withNode(projection, event.nodeId, (node) => ({
        ...node,
        behaviours: event.behaviours,
      }));
    case 'linkChanged': {
      const { from, to, conditions } = event;
      const others = projection.links.filter((link) => link.from !== from || link.to !== to);
      return { ...projection, links: [...others, { from, to, conditions }] };
    }
    case 'registryChanged':
      return applyRegistryFact(projection, event);
    case 'partitionChanged':
      return { ...projection, partitions: event.groups };
    case 'clockChanged': {
      const { rate, paused, pace } = event;
      return { ...projection, clock: { rate, paused, pace } };
    }
    case 'safetyViolated':
      return {
        ...projection,
        violations: keepLast([...projection.violations, `${event.rule}: ${event.message}`], 20),
      };
    default:
      return projection;
  }
}

/** A running node that is more than a few blocks behind is shown as catching up. */
const CATCHING_UP_BLOCKS = 5;

function conditionAt(node: NodeView, own: Height, subnet: Height): NodeView['condition'] {
  if (node.condition !== 'running' && node.condition !== 'catchingUp') {
    return node.condition;
  }
  return own + CATCHING_UP_BLOCKS < subnet ? 'catchingUp' : 'running';
}
