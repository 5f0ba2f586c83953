import { present } from '../../base/assert.ts';
import type { CanisterState, LogRecord } from '../replicated-state/canister-state.ts';
import { MAX_CANISTER_LOG_BYTES } from '../limits/execution.ts';
import type { TimeNs } from '../types/ids.ts';

/**
 * A canister's log: a ring by bytes in which the newest lines stay. What a message logs is collected
 * in a ring of its own first, so that no message can send more than a log's worth.
 * @upstream rs/types/types/src/canister_log.rs
 */

/** A record's size besides its text: number, timestamp and where the text is. */
const RECORD_BYTES = 40;

function recordBytes(content: Uint8Array): number {
  return RECORD_BYTES + content.length;
}

/** Lines that one run logs. */
export class RunLog {
  #lines: Uint8Array[] = [];
  #dropped = 0;
  #bytes = 0;

  /** Room left; a line costs its text and 40 bytes. */
  remainingBytes(): number {
    return MAX_CANISTER_LOG_BYTES - this.#bytes;
  }

  /** Adds a line, cut to what the log can hold; the oldest ones make room. */
  add(line: Uint8Array): void {
    const content = line.slice(0, MAX_CANISTER_LOG_BYTES - RECORD_BYTES);
    this.#lines.push(content);
    this.#bytes += recordBytes(content);
    while (this.#bytes > MAX_CANISTER_LOG_BYTES) {
      const oldest = this.#lines.shift();
      this.#bytes -= oldest === undefined ? this.#bytes : recordBytes(oldest);
      this.#dropped += 1;
    }
  }

  /** The lines kept, in order, and how many came before them. */
  contents(): { readonly logs: readonly Uint8Array[]; readonly logsDropped: number } {
    return { logs: [...this.#lines], logsDropped: this.#dropped };
  }
}

/** The newest records that the log can hold. */
function newest(records: readonly LogRecord[]): readonly LogRecord[] {
  let bytes = records.reduce((sum, { content }) => sum + recordBytes(content), 0);
  let first = 0;
  for (; bytes > MAX_CANISTER_LOG_BYTES; first += 1) {
    bytes -= recordBytes(present(records[first], 'an empty log has no bytes').content);
  }
  return records.slice(first);
}

/** Appends what a run logged; the oldest records go when the log exceeds 4 KiB. */
export function withLogs(
  canister: CanisterState,
  lines: readonly Uint8Array[],
  dropped: number,
  timeNs: TimeNs,
): CanisterState {
  if (lines.length === 0) {
    return canister;
  }
  const first = canister.nextLogIndex + BigInt(dropped);
  const added = lines.map((content, i) => ({ index: first + BigInt(i), timeNs, content }));
  const nextLogIndex = first + BigInt(lines.length);
  // What came before a line that is gone is gone as well.
  const older = dropped > 0 ? [] : canister.logs;
  return { ...canister, logs: newest([...older, ...added]), nextLogIndex };
}

/** The log of a canister that is as it was before, but for what was logged since. */
export function joinedLogs(
  before: Pick<CanisterState, 'logs' | 'nextLogIndex'>,
  after: Pick<CanisterState, 'logs'>,
): readonly LogRecord[] {
  const added = after.logs.filter(({ index }) => index >= before.nextLogIndex);
  return newest([...before.logs, ...added]);
}
