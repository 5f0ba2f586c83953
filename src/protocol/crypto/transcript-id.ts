import { bytesToHex } from '../../base/hex.ts';
import type { ThresholdTranscript } from '../types/genesis.ts';
import type { HashHex } from '../types/ids.ts';
import { encodeCbor } from './cbor.ts';
import { principalToBytes } from './principal.ts';
import { sha256 } from './sha256.ts';

const known = new WeakMap<ThresholdTranscript, HashHex>();

/** Names a threshold key by everything public about it. */
export function transcriptId(transcript: ThresholdTranscript): HashHex {
  let id = known.get(transcript);
  if (id === undefined) {
    const content = encodeCbor([
      transcript.tag,
      transcript.threshold,
      transcript.receivers.map(principalToBytes),
      transcript.publicKey,
      [...transcript.coefficients],
    ]);
    id = bytesToHex(sha256(content)) as HashHex;
    known.set(transcript, id);
  }
  return id;
}
