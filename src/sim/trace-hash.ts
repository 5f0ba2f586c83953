import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '../base/hex.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { TraceEvent } from '../protocol/interfaces/trace.ts';
import type { NodeId } from '../protocol/types/ids.ts';

/** A running SHA-256 over everything that happened: equal for two runs of the same seed. */
export interface TraceHash {
  add(atNs: number, nodeId: NodeId, event: TraceEvent): void;
  /** The hash so far; more may be added afterwards. */
  digest(): string;
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

export function createTraceHash(): TraceHash {
  const hash = sha256.create();
  return {
    add(atNs, nodeId, event) {
      hash.update(encodeUtf8(`${atNs} ${nodeId} ${JSON.stringify(event, plain)}\n`));
    },
    digest: () => bytesToHex(hash.clone().digest()),
  };
}
