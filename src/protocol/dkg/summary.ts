import { compareText } from '../../base/bytes.ts';
import type { NodeDkg } from '../interfaces/crypto.ts';
import { faultsTolerated } from '../registry/committee.ts';
import type { DkgSummary } from '../types/artifacts.ts';
import type { DkgConfig, DkgDealing, DkgTag, DkgTranscript, DkgTranscripts } from '../types/dkg.ts';
import type { SubnetGenesis, ThresholdTranscript } from '../types/genesis.ts';
import type { Height, NodeId, RegistryVersion } from '../types/ids.ts';
import type { SubnetRecord } from '../types/registry.ts';
import { dealingWindow } from './dealing-rules.ts';

/**
 * Summary blocks: the start of each DKG interval. A summary lists the runs of its interval and holds
 * the keys of this interval and of the next: complete, so that a joining node needs nothing else.
 *
 * Upstream: rs/consensus/dkg/src/payload_builder.rs#create_summary_payload.
 */

/** Height of the summary that follows a summary block. */
export function nextSummaryHeight(summary: DkgSummary): Height {
  return summary.height + summary.intervalLength + 1;
}

function dealt(key: ThresholdTranscript): DkgTranscript {
  return { key, config: null, dealings: [] };
}

export function genesisSummary(genesis: SubnetGenesis): DkgSummary {
  const { registryVersion } = genesis;
  const { dkgIntervalLength } = genesis.parameters;
  const currentTranscripts = {
    low: dealt(genesis.lowTranscript),
    high: dealt(genesis.highTranscript),
  };
  const nextTranscripts = { low: null, high: null };
  return {
    height: 0,
    registryVersion,
    intervalLength: dkgIntervalLength,
    nextIntervalLength: dkgIntervalLength,
    configs: configsFor(
      0,
      dkgIntervalLength,
      registryVersion,
      genesis.nodes.map((node) => node.nodeId),
      genesis.highTranscript,
    ),
    currentTranscripts,
    nextTranscripts,
  };
}

/**
 * The runs of an interval. Low: a fresh secret, dealt by and to the members at the registry version.
 * High: the newest key is dealt anew by those who hold it to the members, so that the public key
 * never changes.
 */
function configsFor(
  startHeight: Height,
  intervalLength: number,
  registryVersion: RegistryVersion,
  members: readonly NodeId[],
  newestHigh: ThresholdTranscript,
): readonly DkgConfig[] {
  if (dealingWindow(intervalLength) === 0) {
    return [];
  }
  const receivers = [...members].sort(compareText);
  const f = faultsTolerated(receivers.length);
  const common = { receivers, registryVersion };
  return [
    {
      ...common,
      id: { startHeight, tag: 'low' },
      dealers: receivers,
      threshold: f + 1,
      collectionThreshold: f + 1,
      resharing: null,
    },
    {
      ...common,
      id: { startHeight, tag: 'high' },
      dealers: [...newestHigh.receivers].sort(compareText),
      threshold: receivers.length - f,
      collectionThreshold: newestHigh.threshold,
      resharing: newestHigh,
    },
  ];
}

/** Why a run made no key. */
export interface KeptKey {
  readonly tag: DkgTag;
  readonly reason: string;
}

export interface SummaryFacts {
  readonly summary: DkgSummary;
  readonly kept: readonly KeptKey[];
}

/**
 * The summary that follows `previous`: a function of the chain alone, so every node builds the same.
 *
 * @param previousRegistryVersion of the context of the previous summary block: in force from now on.
 * @param record of the registry version in the context of the new summary block: the next interval's.
 * @param dealings of the past interval that nobody proved wrong.
 */
export function nextSummary(
  previous: DkgSummary,
  previousRegistryVersion: RegistryVersion,
  record: SubnetRecord,
  dealings: readonly DkgDealing[],
  dkg: Pick<NodeDkg, 'combineDealings'>,
): SummaryFacts {
  const height = nextSummaryHeight(previous);
  const { currentTranscripts: current, nextTranscripts: next } = previous;
  const currentTranscripts: DkgTranscripts = {
    low: next.low ?? current.low,
    high: next.high ?? current.high,
  };
  const kept: KeptKey[] = [];
  const made = (tag: DkgTag): DkgTranscript | null => {
    const outcome = createTranscript(previous, tag, dealings, dkg);
    if (typeof outcome === 'string') {
      kept.push({ tag, reason: outcome });
      return null;
    }
    return outcome;
  };
  const nextTranscripts = { low: made('low'), high: made('high') };
  const newestHigh = (nextTranscripts.high ?? currentTranscripts.high).key;
  const summary: DkgSummary = {
    height,
    registryVersion: previousRegistryVersion,
    intervalLength: previous.nextIntervalLength,
    nextIntervalLength: record.dkgIntervalLength,
    configs: configsFor(
      height,
      previous.nextIntervalLength,
      record.version,
      record.members,
      newestHigh,
    ),
    currentTranscripts,
    nextTranscripts,
  };
  return { summary, kept };
}

/** The key of a run, or why there is none. */
function createTranscript(
  previous: DkgSummary,
  tag: DkgTag,
  dealings: readonly DkgDealing[],
  dkg: Pick<NodeDkg, 'combineDealings'>,
): DkgTranscript | string {
  const config = previous.configs.find(({ id }) => id.tag === tag);
  if (config === undefined) {
    return 'the interval is too short to deal keys';
  }
  const own = dealings
    .filter(({ id }) => id.tag === tag)
    .sort((a, b) => compareText(a.dealer, b.dealer))
    .slice(0, config.collectionThreshold);
  if (own.length < config.collectionThreshold) {
    return `${own.length} good dealings, ${config.collectionThreshold} needed`;
  }
  const key = dkg.combineDealings(config, own);
  return key.ok ? { key: key.value, config, dealings: own } : key.error.message;
}
