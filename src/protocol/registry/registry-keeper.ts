import type { Result } from '../../base/result.ts';
import { ok } from '../../base/result.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { RegistryChange, SubnetRecord } from '../types/registry.ts';
import type { RegistryChangeError } from './registry-change.ts';
import { applyRegistryChange, genesisRecord, registeredNodes } from './registry-change.ts';

/** The registry itself, kept by the host of a network where the IC has a canister. */
export interface RegistryKeeper {
  newest(): SubnetRecord;
  /** Every version after the genesis, ascending: for a node that starts. */
  records(): readonly SubnetRecord[];
  /** The next version as the change would make it, or why not; nothing is changed yet. */
  prepare(change: RegistryChange): Result<SubnetRecord, RegistryChangeError>;
  /** Makes the next version, or refuses. */
  change(change: RegistryChange): Result<SubnetRecord, RegistryChangeError>;
}

/** @param later versions after the genesis that an earlier life of the network made, ascending */
export function createRegistryKeeper(
  genesis: SubnetGenesis,
  later: readonly SubnetRecord[] = [],
): RegistryKeeper {
  const registered = registeredNodes(genesis);
  const records: SubnetRecord[] = [genesisRecord(genesis), ...later];
  const newest = (): SubnetRecord => records[records.length - 1] as SubnetRecord;
  const prepare: RegistryKeeper['prepare'] = (change) =>
    applyRegistryChange(newest(), change, registered);
  return {
    newest,
    records: () => records.slice(1),
    prepare,
    change: (change) => {
      const next = prepare(change);
      if (!next.ok) {
        return next;
      }
      records.push(next.value);
      return ok(next.value);
    },
  };
}
