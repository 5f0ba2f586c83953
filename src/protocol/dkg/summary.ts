import { bytesToHex } from '../../base/hex.ts';
import { encodeCbor } from '../crypto/cbor.ts';
import { principalToBytes } from '../crypto/principal.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { DkgSummary } from '../types/artifacts.ts';
import type { SubnetGenesis, ThresholdTranscript } from '../types/genesis.ts';
import type { HashHex, Height, RegistryVersion } from '../types/ids.ts';

/**
 * Summary blocks: the start of each DKG interval. Keys are carried over unchanged: the next
 * interval's transcripts are the current ones (see the table of differences).
 *
 * Upstream: rs/consensus/dkg/src/payload_builder.rs#create_summary_payload.
 */

export const GENESIS_REGISTRY_VERSION: RegistryVersion = 1;

/** Names a threshold key by everything public about it. */
export function transcriptId(transcript: ThresholdTranscript): HashHex {
  const content = encodeCbor([
    transcript.tag,
    transcript.threshold,
    transcript.receivers.map(principalToBytes),
    transcript.publicKey,
    transcript.coefficients,
  ]);
  return bytesToHex(sha256(content)) as HashHex;
}

export function genesisSummary(genesis: SubnetGenesis): DkgSummary {
  const transcripts = {
    low: transcriptId(genesis.lowTranscript),
    high: transcriptId(genesis.highTranscript),
  };
  return {
    height: 0,
    registryVersion: GENESIS_REGISTRY_VERSION,
    intervalLength: genesis.parameters.dkgIntervalLength,
    nextIntervalLength: genesis.parameters.dkgIntervalLength,
    currentTranscripts: transcripts,
    nextTranscripts: transcripts,
  };
}

/** Height of the summary that follows a summary block. */
export function nextSummaryHeight(summary: DkgSummary): Height {
  return summary.height + summary.intervalLength + 1;
}

/**
 * The summary that follows `previous`: a function of the chain alone, so every node builds the same.
 * @param registryVersion of the new summary block's validation context.
 */
export function nextSummary(previous: DkgSummary, registryVersion: RegistryVersion): DkgSummary {
  return {
    height: nextSummaryHeight(previous),
    registryVersion,
    intervalLength: previous.nextIntervalLength,
    nextIntervalLength: previous.nextIntervalLength,
    currentTranscripts: previous.nextTranscripts,
    nextTranscripts: previous.nextTranscripts,
  };
}
