import { compareText } from '../base/bytes.ts';
import type { HashHex, Height, NodeId } from '../protocol/types/ids.ts';
import type { BlockFacts } from '../protocol/interfaces/trace.ts';
import { applyIncident, isIncident, withRepeatable } from './incidents.ts';
import { narrate } from './narrate.ts';
import { applyCanisterEvent, applyHostEvent } from './project-host-facts.ts';
import { applyDealingMade, applyKeyEvent } from './project-keys.ts';
import { applyCallFact, applyStreamFact } from './project-streams.ts';
import { KEPT_FEED_ENTRIES } from './projection.ts';
import { keepLast, union, withBlock, withHeight, withNode } from './projection-edits.ts';
import type { BlockView, HeightView, NetworkProjection } from './projection.ts';
import type { TelemetryBatch, TelemetryEvent } from './telemetry.ts';

/** Where an event came from. */
interface Origin {
  readonly from: NodeId | 'host';
  readonly atNs: bigint;
}

/** Folds one batch into the projection. Pure; tolerates lost, repeated and late batches. */
export function applyBatch(
  projection: NetworkProjection,
  batch: TelemetryBatch,
): NetworkProjection {
  const origin: Origin = { from: batch.from, atNs: batch.atNs };
  let next: NetworkProjection = {
    ...projection,
    atNs: batch.atNs > projection.atNs ? batch.atNs : projection.atNs,
  };
  for (const event of batch.events) {
    const folded = applyEvent(next, event, origin);
    next = isIncident(event)
      ? applyIncident(folded, event, origin)
      : tell(folded, event, narrate(next, folded, event, origin));
  }
  if (batch.dropped > 0 && batch.from !== 'host') {
    next = withNode(next, batch.from, (node) => ({
      ...node,
      droppedFacts: node.droppedFacts + batch.dropped,
    }));
  }
  return next.heights === projection.heights ? next : withRates(next);
}

function tell(
  folded: NetworkProjection,
  event: TelemetryEvent,
  entry: ReturnType<typeof narrate>,
): NetworkProjection {
  if (entry === undefined) {
    return folded;
  }
  if (event.kind === 'linkChanged') {
    // A preset and healing change all links at once: one line is enough.
    return withRepeatable(folded, {
      key: 'links',
      by: 'host',
      atNs: entry.atNs,
      build: ({ host = 1 }) =>
        host === 1 ? entry : { ...entry, text: `${host} links changed, the last: ${entry.text}` },
    });
  }
  return {
    ...folded,
    nextId: folded.nextId + 1,
    feed: keepLast([...folded.feed, { id: folded.nextId, ...entry }], KEPT_FEED_ENTRIES),
  };
}

function seeBlock(
  projection: NetworkProjection,
  facts: BlockFacts,
  origin: Origin,
): NetworkProjection {
  return withHeight(projection, facts.height, (view) => {
    const validators = origin.from === 'host' ? [] : [origin.from];
    const known = view.blocks.some((block) => block.facts.hash === facts.hash);
    if (known) {
      const blocks = view.blocks.map((block) =>
        block.facts.hash === facts.hash
          ? { ...block, validatedBy: union(block.validatedBy, validators) }
          : block,
      );
      return { ...view, blocks };
    }
    const block: BlockView = {
      facts,
      state: view.blocks.some((other) => other.state === 'finalized') ? 'dead' : 'proposed',
      notarizedBy: [],
      finalizedBy: [],
      firstSeenNs: origin.atNs,
      finalizedNs: null,
      validatedBy: validators,
    };
    const blocks = [...view.blocks, block].toSorted(
      (a, b) => a.facts.rank - b.facts.rank || compareText(a.facts.hash, b.facts.hash),
    );
    return { ...view, blocks };
  });
}

/** A finalization of a block finalizes its ancestors and kills everything beside them. */
function finalize(
  projection: NetworkProjection,
  height: Height,
  hash: HashHex,
  signers: readonly NodeId[],
  origin: Origin,
): NetworkProjection {
  const chain = new Map<Height, HashHex>([[height, hash]]);
  let next: HashHex | undefined = hash;
  for (const view of projection.heights.toReversed()) {
    if (view.height > height || next === undefined) {
      continue;
    }
    const block: BlockView | undefined = view.blocks.find((other) => other.facts.hash === next);
    if (block !== undefined) {
      chain.set(view.height, block.facts.hash);
      next = block.facts.parent;
    }
  }
  const heights = projection.heights.map((view) => {
    const winner = chain.get(view.height);
    return winner === undefined
      ? view
      : settle(view, winner, view.height === height ? signers : [], origin);
  });
  return { ...projection, heights, finalizedHeight: Math.max(projection.finalizedHeight, height) };
}

function settle(
  view: HeightView,
  winner: HashHex,
  signers: readonly NodeId[],
  origin: Origin,
): HeightView {
  const blocks = view.blocks.map((block): BlockView => {
    if (block.facts.hash !== winner) {
      return block.state === 'dead' ? block : { ...block, state: 'dead' };
    }
    return {
      ...block,
      state: 'finalized',
      finalizedNs: block.finalizedNs ?? origin.atNs,
      finalizedBy: union(block.finalizedBy, signers),
    };
  });
  return { ...view, blocks };
}

function applyEvent(
  projection: NetworkProjection,
  event: TelemetryEvent,
  origin: Origin,
): NetworkProjection {
  switch (event.kind) {
    case 'blockProposed':
    case 'blockValidated':
      return seeBlock(projection, event.block, origin);
    case 'notarized': {
      const notarized = withBlock(projection, event.height, event.hash, (block) => ({
        ...block,
        state: block.state === 'proposed' ? 'notarized' : block.state,
        notarizedBy: union(block.notarizedBy, event.signers),
      }));
      return { ...notarized, notarizedHeight: Math.max(projection.notarizedHeight, event.height) };
    }
    case 'finalized':
      return finalize(projection, event.height, event.hash, event.signers, origin);
    case 'beaconAggregated':
      return withHeight(projection, event.height, (view) => ({ ...view, beacon: event.hash }));
    case 'tapeAggregated':
      return withHeight(projection, event.height, (view) => ({ ...view, hasTape: true }));
    case 'makersRanked':
      return applyRanks(projection, event.height, event.makers, event.committee);
    case 'certified':
      return {
        ...withHeight(projection, event.height, (view) => ({ ...view, certified: true })),
        certifiedHeight: Math.max(projection.certifiedHeight, event.height),
      };
    case 'catchUpPackageMade':
      return {
        ...withHeight(projection, event.height, (view) => ({ ...view, hasCatchUpPackage: true })),
        catchUpHeight: Math.max(projection.catchUpHeight, event.height),
      };
    case 'executed':
      return applyExecuted(projection, event.height, event.root, origin);
    default:
      return applyOtherEvent(projection, event, origin);
  }
}

function applyRanks(
  projection: NetworkProjection,
  height: Height,
  makers: readonly NodeId[],
  committee: readonly NodeId[],
): NetworkProjection {
  const ranked = withHeight(projection, height, (view) => ({ ...view, makers, committee }));
  const newest = ranked.heights.findLast((view) => view.makers.length > 0)?.height ?? 0;
  if (height < newest) {
    return ranked;
  }
  const nodes = ranked.nodes.map((node) => {
    const rank = makers.indexOf(node.nodeId);
    return { ...node, rank: rank < 0 ? null : rank, inCommittee: committee.includes(node.nodeId) };
  });
  return { ...ranked, nodes };
}

function applyExecuted(
  projection: NetworkProjection,
  height: Height,
  root: HashHex,
  origin: Origin,
): NetworkProjection {
  const noted = withHeight(projection, height, (view) => ({
    ...view,
    roots: { ...view.roots, [origin.from]: root },
  }));
  return withNode(noted, origin.from, (node) => ({ ...node, stateRoot: { height, root } }));
}

function applyOtherEvent(
  projection: NetworkProjection,
  event: TelemetryEvent,
  origin: Origin,
): NetworkProjection {
  switch (event.kind) {
    case 'shareAdded':
      return applyShare(projection, event);
    case 'artifactRejected':
      return withNode(projection, origin.from, (node) => ({
        ...node,
        rejectedArtifacts: node.rejectedArtifacts + 1,
      }));
    case 'packetRejected':
      return withNode(projection, origin.from, (node) => ({
        ...node,
        rejectedPackets: node.rejectedPackets + 1,
      }));
    case 'criticalError':
      return withNode(projection, origin.from, (node) => ({
        ...node,
        criticalErrors: node.criticalErrors + 1,
      }));
    case 'peerUp':
      return withNode(projection, origin.from, (node) => ({
        ...node,
        peersDown: node.peersDown.filter((peer) => peer !== event.peer),
      }));
    case 'peerDown':
      return withNode(projection, origin.from, (node) => ({
        ...node,
        peersDown: union(node.peersDown, [event.peer]),
      }));
    case 'caughtUp':
      return withNode(projection, origin.from, (node) => ({
        ...node,
        condition: 'running',
        sync: null,
      }));
    case 'stateSyncProgress': {
      const { kind: _kind, ...sync } = event;
      return withNode(projection, origin.from, (node) => ({ ...node, sync }));
    }
    case 'stateSyncAborted':
      return withNode(projection, origin.from, (node) => ({ ...node, sync: null }));
    case 'dkgDealingMade':
      return applyDealingMade(projection, event, origin.from);
    case 'dkgDealingIncluded':
    case 'dkgComplaintIncluded':
    case 'dkgIntervalBegan':
    case 'dkgTranscriptCreated':
    case 'dkgTranscriptKept':
      return applyKeyEvent(projection, event);
    case 'canisterChanged':
    case 'canisterLogged':
    case 'messageExecuted':
      return applyCanisterEvent(projection, event);
    case 'callMade':
    case 'callAnswered':
      return applyCallFact(projection, event);
    case 'streamAdvanced':
    case 'streamRestored':
      return applyStreamFact(projection, event);
    default:
      return applyHostEvent(projection, event, origin);
  }
}

function applyShare(
  projection: NetworkProjection,
  event: TelemetryEvent & { readonly kind: 'shareAdded' },
): NetworkProjection {
  if (event.hash === null) {
    return projection;
  }
  const { height, hash, artifact, signer } = event;
  if (artifact === 'notarization') {
    return withBlock(projection, height, hash, (block) => ({
      ...block,
      notarizedBy: union(block.notarizedBy, [signer]),
    }));
  }
  if (artifact === 'finalization') {
    return withBlock(projection, height, hash, (block) => ({
      ...block,
      finalizedBy: union(block.finalizedBy, [signer]),
    }));
  }
  return projection;
}

/** Rates over the last heights; a pause of the network shows as a slower rate, not as a gap. */
function withRates(projection: NetworkProjection): NetworkProjection {
  const times: { readonly seen: bigint; readonly final: bigint }[] = [];
  for (const view of projection.heights) {
    const block = view.blocks.find((other) => other.state === 'finalized');
    if (block !== undefined && block.finalizedNs !== null) {
      times.push({ seen: block.firstSeenNs, final: block.finalizedNs });
    }
  }
  const first = times[0];
  const last = times.at(-1);
  if (first === undefined || last === undefined || last.final <= first.final) {
    return projection;
  }
  const spanSeconds = Number(last.final - first.final) / 1e9;
  const lags = times.map((time) => Number(time.final - time.seen) / 1e6);
  const finalityMs = lags.reduce((sum, lag) => sum + lag, 0) / lags.length;
  return { ...projection, blocksPerSecond: (times.length - 1) / spanSeconds, finalityMs };
}
