import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '../../../base/hex.ts';
import { encodeUtf8 } from '../../../base/utf8.ts';
import type { SystemRead } from '../../interfaces/wasm-host.ts';
import {
  CERTIFICATE_CACHE_AGE_NS,
  MAX_QUERY_CACHE_BYTES,
  QUERY_CACHE_AGE_NS,
} from '../../limits/query.ts';
import type { ReplicatedState } from '../../replicated-state/replicated-state.ts';
import type { CanisterId, Cycles, TimeNs } from '../../types/ids.ts';
import type { MessageOutcome } from '../message-outcome.ts';
import { rejectCodeOf } from '../user-error.ts';
import type { Query } from './execute-query.ts';
import type { QueryCounts } from '../../types/query-stats.ts';
import type { QueryTree } from './query-tree.ts';
import { activeCanister } from './read-only-run.ts';

/**
 * Outcomes of queries that would come out the same: as long as no canister that was looked at has
 * changed and nothing that was read (time, balance) is different.
 * @upstream rs/execution_environment/src/query_handler/query_cache.rs
 */

interface Looked {
  readonly canisterId: CanisterId;
  readonly version: bigint;
  readonly cycles: Cycles;
  readonly counts: QueryCounts;
}

interface Entry {
  readonly timeNs: TimeNs;
  readonly looked: readonly Looked[];
  readonly reads: ReadonlySet<SystemRead>;
  readonly outcome: MessageOutcome;
  readonly bytes: number;
}

export interface CachedQuery {
  readonly outcome: MessageOutcome;
  readonly counts: readonly (readonly [CanisterId, QueryCounts])[];
}

/** Rough size of an entry beside its key and its reply. */
const ENTRY_BYTES = 500;
const SYS_TRANSIENT = 2;

export class QueryCache {
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #capacity: number;
  #bytes = 0;

  /** @param capacity in bytes; 0 = remembers nothing */
  constructor(capacity: number = MAX_QUERY_CACHE_BYTES) {
    this.#capacity = capacity;
  }

  /** The outcome that running the query on this state would have; what no longer holds is forgotten. */
  get(state: ReplicatedState, query: Query): CachedQuery | undefined {
    if (this.#entries.size === 0) {
      return undefined;
    }
    const key = keyOf(query);
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      return undefined;
    }
    this.#drop(key, entry);
    if (!isValid(entry, state)) {
      return undefined;
    }
    this.#add(key, entry);
    return {
      outcome: entry.outcome,
      counts: entry.looked.map(({ canisterId, counts }) => [canisterId, counts]),
    };
  }

  /** Remembers an outcome, unless it may change by itself. */
  put(query: Query, tree: QueryTree, outcome: MessageOutcome): void {
    const { state } = tree;
    const transient =
      outcome.kind === 'rejected' && rejectCodeOf(outcome.error.code) === SYS_TRANSIENT;
    if (transient || tree.transientErrors > 0 || tree.managementCalls > 0) {
      return;
    }
    const looked: Looked[] = [];
    for (const [canisterId, counts] of tree.evaluated) {
      const canister = activeCanister(state, canisterId);
      if (!canister.ok) {
        return;
      }
      const { version, cycles } = canister.value;
      looked.push({ canisterId, version, cycles, counts });
    }
    const key = keyOf(query);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#drop(key, known);
    }
    const bytes = ENTRY_BYTES * (1 + looked.length) + 2 * key.length + bytesOf(outcome);
    if (bytes <= this.#capacity) {
      const { timeNs } = state;
      this.#add(key, { timeNs, looked, reads: new Set(tree.reads), outcome, bytes });
    }
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
    for (const [oldest, least] of this.#entries) {
      if (this.#bytes <= this.#capacity) {
        return;
      }
      this.#drop(oldest, least);
    }
  }

  #drop(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}

function keyOf({ sender, canisterId, methodName, arg, callerInfo, ranges }: Query): string {
  const info =
    callerInfo === undefined ? '' : `${callerInfo.signer}/${bytesToHex(sha256(callerInfo.data))}`;
  return `${sender} ${info} ${canisterId} ${bytesToHex(sha256(arg))} ${ranges ?? ''} ${methodName}`;
}

function bytesOf(outcome: MessageOutcome): number {
  return outcome.kind === 'replied'
    ? outcome.reply.length
    : encodeUtf8(outcome.error.message).length;
}

function isValid({ timeNs, looked, reads }: Entry, state: ReplicatedState): boolean {
  const age = state.timeNs - timeNs;
  const maxAge = reads.has('certificate') ? CERTIFICATE_CACHE_AGE_NS : QUERY_CACHE_AGE_NS;
  if (age < 0n || age > maxAge || (age !== 0n && reads.has('time'))) {
    return false;
  }
  return looked.every(({ canisterId, version, cycles }) => {
    const canister = activeCanister(state, canisterId);
    return (
      canister.ok &&
      canister.value.version === version &&
      (canister.value.cycles === cycles || !reads.has('balance'))
    );
  });
}
