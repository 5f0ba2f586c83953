import type { Height, RegistryVersion } from '../types/ids.ts';
import type { RoleContext } from './role-context.ts';

/**
 * Whether a subnet stops, as the registry orders it.
 *
 * Liveness: a subnet that is to stop at a catch-up package goes on with empty blocks until the
 * package exists. Security: nothing is executed after the summary height, so the package holds the
 * last state. Upstream: rs/consensus/src/consensus/status.rs, rs/consensus/src/consensus.rs.
 */

/** What one registry version says about stopping this subnet. */
export interface HaltRecord {
  /** All of consensus stops at once, as soon as a node knows the version. */
  readonly isHalted: boolean;
  /** Stops at the first catch-up package of the interval in which this version is in force. */
  readonly haltAtCatchUpPackage: boolean;
  /** Another replica version than the one that runs: stops like `haltAtCatchUpPackage`. */
  readonly isOtherReplicaVersion: boolean;
}

export interface HaltRegistry {
  /** Of the newest version this node knows. */
  newest(): HaltRecord;
  /** Undefined while this node does not know the version. */
  at(version: RegistryVersion): HaltRecord | undefined;
}

const RUNNING: HaltRecord = {
  isHalted: false,
  haltAtCatchUpPackage: false,
  isOtherReplicaVersion: false,
};

/** A registry that never stops the subnet. */
export const NEVER_HALTS: HaltRegistry = { newest: () => RUNNING, at: () => RUNNING };

/**
 * `halting`: blocks are empty and only a summary's batch is executed; `halted`: no block is made
 * any more, the finalized chain relies on the state of the halting height already.
 */
export type SubnetStatus = 'running' | 'halting' | 'halted';

/** Whether the version in force at the height orders a stop; undefined when it is not known. */
export function shouldHalt(context: RoleContext, height: Height): boolean | undefined {
  const version = context.intervals.at(height)?.registryVersion;
  const record = version === undefined ? undefined : context.haltRegistry.at(version);
  return record && (record.haltAtCatchUpPackage || record.isOtherReplicaVersion);
}

/** How blocks of this height are to be made and judged; undefined when that can't be said yet. */
export function subnetStatus(context: RoleContext, height: Height): SubnetStatus | undefined {
  const halting = shouldHalt(context, height);
  if (halting !== true) {
    return halting === undefined ? undefined : 'running';
  }
  const { certifiedHeight } = context.chain.tip.context;
  return shouldHalt(context, certifiedHeight) === true ? 'halted' : 'halting';
}
