import { keysInWords } from './narrate-keys.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import { ATTACKS } from './malicious.ts';
import { labelOf } from './projection-edits.ts';
import { linkInWords, nodeInWords } from './narrate-world.ts';
import type { BlockView, FeedEntry, NetworkProjection } from './projection.ts';
import { refusalInWords } from './stream-words.ts';
import type { TelemetryEvent } from './telemetry.ts';
import { subnetName } from './topology.ts';

type Sentence = Omit<FeedEntry, 'id'>;

function speaker(atNs: bigint) {
  return (
    severity: FeedEntry['severity'],
    text: string,
    about: { readonly height?: number; readonly nodeId?: NodeId } = {},
  ): Sentence => ({
    atNs,
    severity,
    text,
    height: about.height ?? null,
    nodeId: about.nodeId ?? null,
  });
}

/**
 * Puts an event into plain words when it is news: the first notarization of a block is, the same
 * notarization reported by three more nodes is not. Undefined = nothing to say.
 */
export function narrate(
  before: NetworkProjection,
  after: NetworkProjection,
  event: TelemetryEvent,
  origin: { readonly from: NodeId | 'host'; readonly atNs: bigint },
): Sentence | undefined {
  const say = speaker(origin.atNs);
  const name = (id: NodeId | 'host' | null): string => labelOf(before, id) ?? 'The network';
  switch (event.kind) {
    case 'blockProposed': {
      const { height, rank, maker, ingress, isSummary } = event.block;
      const what = isSummary ? 'a summary block' : `a block with ${count(ingress, 'message')}`;
      return say('info', `${name(maker)} (rank ${rank}) proposed ${what} at height ${height}.`, {
        height,
        nodeId: maker,
      });
    }
    case 'notarized': {
      const news = changedBlock(before, after, event.height, event.hash, 'notarized');
      return news
        ? say(
            'info',
            `Height ${event.height}: ${count(event.signers.length, 'node')} notarized the block: it is valid and was seen by enough nodes.`,
            event,
          )
        : undefined;
    }
    case 'finalized':
      return event.height > before.finalizedHeight
        ? say(
            'good',
            `Height ${event.height} is final: no other block can take its place any more.`,
            event,
          )
        : undefined;
    case 'certified':
      return undefined;
    case 'catchUpPackageMade':
      return event.height > before.catchUpHeight
        ? say(
            'good',
            `The subnet signed a catch-up package at height ${event.height}: a newcomer can start from there.`,
            event,
          )
        : undefined;
    case 'streamAdvanced':
      return origin.from === 'host' ? undefined : refusalsInWords(before, event, say);
    case 'messageExecuted': {
      const known =
        origin.from === 'host' ||
        before.messages.some((message) => message.messageId === event.messageId);
      return known
        ? undefined
        : say(
            'info',
            `Call ${event.method} ran at height ${event.height}: ${event.outcome}, ${event.instructions} instructions.`,
            event,
          );
    }
    default:
      return (
        narrateKeys(before, event, origin, name) ??
        narrateTrouble(before, event, origin.from, say, name)
      );
  }
}

/** Of what all nodes say alike, the first one counts. */
function narrateKeys(
  before: NetworkProjection,
  event: TelemetryEvent,
  origin: Parameters<typeof narrate>[3],
  name: (id: NodeId | 'host' | null) => string,
): Sentence | undefined {
  const keys = keysInWords(event, name(origin.from), name);
  const isKnown = before.feed.some(
    ({ text, height }) => text === keys?.text && height === keys.height,
  );
  return keys === undefined || isKnown ? undefined : { atNs: origin.atNs, nodeId: null, ...keys };
}

function narrateTrouble(
  before: NetworkProjection,
  event: TelemetryEvent,
  from: NodeId | 'host',
  say: (
    severity: FeedEntry['severity'],
    text: string,
    about?: { readonly height?: number; readonly nodeId?: NodeId },
  ) => Sentence,
  name: (id: NodeId | 'host' | null) => string,
): Sentence | undefined {
  const about = from === 'host' ? {} : { nodeId: from };
  switch (event.kind) {
    case 'caughtUp': {
      const source = {
        checkpoint: 'its own checkpoint',
        stateSync: 'a checkpoint fetched from a peer',
        genesis: 'genesis',
      }[event.from];
      return say('good', `${name(from)} continues at height ${event.height} from ${source}.`, {
        ...about,
        height: event.height,
      });
    }
    case 'stateSyncAborted':
      return say(
        'warning',
        `${name(from)} has nobody left to fetch the checkpoint of height ${event.height} from: ${event.message}`,
        { ...about, height: event.height },
      );
    case 'peerDown': {
      const noticed = before.nodes.some((node) => node.peersDown.includes(event.peer));
      return noticed
        ? undefined
        : say('warning', `${name(from)} no longer hears ${name(event.peer)}.`, {
            nodeId: event.peer,
          });
    }
    case 'criticalError':
      return say('error', `${name(from)}: ${event.message}`, about);
    case 'nodeState':
      return narrateNodeState(event, say, name);
    case 'partitionChanged':
      return event.groups.length === 0
        ? say('good', 'The network is whole again.')
        : say('warning', `The network is split into ${event.groups.length} groups.`);
    case 'clockChanged':
      return say(
        'info',
        event.paused ? 'Time stands still.' : `Time runs at ${event.rate}×, pace ${event.pace}.`,
      );
    case 'safetyViolated':
      return say('error', `The protocol was broken: ${event.message}`);
    default:
      return narrateWorld(event, say, name);
  }
}

function narrateWorld(
  event: TelemetryEvent,
  say: (
    severity: FeedEntry['severity'],
    text: string,
    about?: { readonly nodeId: NodeId },
  ) => Sentence,
  name: (id: NodeId) => string,
): Sentence | undefined {
  switch (event.kind) {
    case 'linkChanged': {
      const text = `Link from ${name(event.from)} to ${name(event.to)}: ${linkInWords(event.conditions)}.`;
      return say('info', text);
    }
    case 'nodeConditionsChanged': {
      const { nodeId, conditions } = event;
      return say('info', `${name(nodeId)}: ${nodeInWords(conditions)}.`, { nodeId });
    }
    case 'nodeBehavioursChanged': {
      const { nodeId, behaviours } = event;
      const attacks = behaviours.map(({ kind }) => ATTACKS[kind].name.toLowerCase());
      return behaviours.length === 0
        ? say('good', `${name(nodeId)} keeps to the rules again.`, { nodeId })
        : say('warning', `${name(nodeId)} breaks the rules: ${attacks.join(', ')}.`, { nodeId });
    }
    case 'nodeWiped': {
      const { nodeId } = event;
      return say('warning', `The disk of ${name(nodeId)} was erased.`, { nodeId });
    }
    default:
      return undefined;
  }
}

function narrateNodeState(
  event: TelemetryEvent & { readonly kind: 'nodeState' },
  say: (
    severity: FeedEntry['severity'],
    text: string,
    about: { readonly nodeId: NodeId },
  ) => Sentence,
  name: (id: NodeId) => string,
): Sentence {
  const { nodeId } = event;
  switch (event.state) {
    case 'starting':
      return say('info', `${name(nodeId)} is starting.`, { nodeId });
    case 'running':
      return say('good', `${name(nodeId)} is running.`, { nodeId });
    case 'stopped':
      return say('warning', `${name(nodeId)} was switched off.`, { nodeId });
    case 'crashed':
      return say('error', `${name(nodeId)} crashed: ${event.reason ?? 'no reason given'}.`, {
        nodeId,
      });
  }
}

function count(amount: number, noun: string): string {
  const plural = amount === 1 ? noun : `${noun}s`;
  return amount === 0 ? `no ${plural}` : `${amount} ${plural}`;
}

function changedBlock(
  before: NetworkProjection,
  after: NetworkProjection,
  height: number,
  hash: string,
  state: BlockView['state'],
): boolean {
  const find = (projection: NetworkProjection) =>
    projection.heights
      .find((view) => view.height === height)
      ?.blocks.find((block) => block.facts.hash === hash);
  return find(before)?.state !== state && find(after)?.state === state;
}

/** A refused message is news: its caller gets a reject in the place of an answer. */
function refusalsInWords(
  before: NetworkProjection,
  { height, stream }: TelemetryEvent & { readonly kind: 'streamAdvanced' },
  say: (
    severity: FeedEntry['severity'],
    text: string,
    about: { readonly height: number },
  ) => Sentence,
): Sentence | undefined {
  const known = before.streams.find(({ facts }) => facts.subnetId === stream.subnetId);
  const [first] = stream.refusals;
  if (first === undefined || (known !== undefined && height <= known.height)) {
    return undefined;
  }
  const sender = before.topology.subnets.findIndex(({ subnetId }) => subnetId === stream.subnetId);
  const others = stream.rejected > 1 ? ` and ${count(stream.rejected - 1, 'other')}` : '';
  return say(
    'warning',
    `Message ${first.index}${others} from ${subnetName(sender)} was not taken: ${refusalInWords(first.reason)}. The sender answers its caller.`,
    { height },
  );
}
