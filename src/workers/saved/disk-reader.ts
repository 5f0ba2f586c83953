import { codedError, err, type Result } from '../../base/result.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { SavedError } from '../../wire/saved-networks.ts';
import type { StoredRecord } from '../storage/storage-port.ts';
import { CONTROL_DEADLINE_MS, type Roster } from '../supervisor/roster.ts';

/**
 * Reads what a node holds; of one that runs, from its worker.
 * @param known keys whose values the caller has: they may come empty
 */
export type DiskReader = (
  nodeId: string,
  known?: ReadonlySet<string>,
) => Promise<Result<readonly StoredRecord[], SavedError>>;

/** Reads the disks of nodes that run. */
export function runningDisks(roster: Pick<Roster, 'find'>): DiskReader {
  return async (nodeId, known) => {
    const found = roster.find(nodeId as NodeId);
    const control = found.ok ? found.value.control() : undefined;
    const asked = await control?.call({ deadlineMs: CONTROL_DEADLINE_MS }, 'readDisk', known);
    const outcome = asked?.ok === true ? asked.value : asked;
    if (outcome?.ok === true) {
      return outcome;
    }
    const why = outcome === undefined ? 'it does not run' : outcome.error.message;
    return err(codedError('transport', 'STORAGE_FAILED', `The disk of node ${nodeId}: ${why}.`));
  };
}
