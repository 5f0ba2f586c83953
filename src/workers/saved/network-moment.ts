import { codedError, err, ok, type Result } from '../../base/result.ts';
import type { Network, NetworkSnapshot } from '../../wire/network.ts';
import type { SavedError } from '../../wire/saved-networks.ts';
import type { StoredRecord } from '../storage/storage-port.ts';
import type { DiskReader } from './disk-reader.ts';
import { isForAll, type SubnetRecords } from './network-file.ts';

/** What a moment needs of a network. */
export type Momentary = Pick<Network, 'clock' | 'snapshot' | 'topology'>;

export interface MomentOptions {
  readonly read: DiskReader;
  /** Keys whose values the caller has; they come empty. */
  readonly known?: ReadonlySet<string>;
  /** Waits; tests pass their own. */
  readonly sleep?: (ms: number) => Promise<unknown>;
}

const REST_MS = 150;
const MAX_ATTEMPTS = 40;

/**
 * What the disks of a running network hold at one moment, one node's of each subnet, without what
 * only that node may have. Several subnets must not be read one after the other while they go on:
 * one would know of messages that the other has yet to send. Their time stands still meanwhile.
 */
export async function readMoment(
  network: Momentary,
  options: MomentOptions,
): Promise<Result<readonly SubnetRecords[], SavedError>> {
  const isAlone = network.topology().subnets.length === 1;
  const read = (): Promise<Result<readonly SubnetRecords[], SavedError>> =>
    readSubnets(network, options);
  return isAlone ? read() : atRest(network, read, options.sleep ?? sleep);
}

async function atRest<T>(
  network: Momentary,
  task: () => Promise<Result<T, SavedError>>,
  wait: (ms: number) => Promise<unknown>,
): Promise<Result<T, SavedError>> {
  const { paused } = network.clock.now();
  const stopped = paused ? ok(undefined) : await network.clock.pause();
  if (!stopped.ok) {
    return err(codedError('transport', 'STORAGE_FAILED', stopped.error.message));
  }
  try {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const before = finalizedOf(await network.snapshot());
      await wait(REST_MS);
      if (finalizedOf(await network.snapshot()) !== before) {
        continue;
      }
      const outcome = await task();
      if (!outcome.ok || finalizedOf(await network.snapshot()) === before) {
        return outcome;
      }
    }
    const message = 'The subnets did not come to rest at the same time.';
    return err(codedError('transport', 'STORAGE_FAILED', message));
  } finally {
    if (!paused) {
      await network.clock.resume();
    }
  }
}

function finalizedOf({ nodes }: NetworkSnapshot): string {
  return nodes.map(({ heights }) => heights.finalized).join();
}

async function readSubnets(
  network: Momentary,
  { read, known }: MomentOptions,
): Promise<Result<readonly SubnetRecords[], SavedError>> {
  const { nodes } = await network.snapshot();
  const found: SubnetRecords[] = [];
  for (const { nodes: members, spareNodes } of network.topology().subnets) {
    const nodeIds = [...members, ...spareNodes].map(({ nodeId }) => nodeId);
    const furthest = nodes
      .filter(({ nodeId, state }) => state === 'running' && nodeIds.includes(nodeId))
      .toSorted((a, b) => b.heights.finalized - a.heights.finalized);
    const records = await firstReadable(
      furthest.map(({ nodeId }) => nodeId),
      (nodeId) => read(nodeId, known),
    );
    if (!records.ok) {
      return records;
    }
    found.push({ nodeIds, records: records.value.filter(({ key }) => isForAll(key)) });
  }
  return ok(found);
}

async function firstReadable(
  nodeIds: readonly string[],
  read: DiskReader,
): Promise<Result<readonly StoredRecord[], SavedError>> {
  let outcome: Result<readonly StoredRecord[], SavedError> = err(
    codedError('transport', 'STORAGE_FAILED', 'No node of one of its subnets runs.'),
  );
  for (const nodeId of nodeIds) {
    outcome = await read(nodeId);
    if (outcome.ok) {
      break;
    }
  }
  return outcome;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
