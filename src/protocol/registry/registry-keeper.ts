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
  /** Makes the next version, or refuses. */
  change(change: RegistryChange): Result<SubnetRecord, RegistryChangeError>;
}

export function createRegistryKeeper(genesis: SubnetGenesis): RegistryKeeper {
  const registered = registeredNodes(genesis);
  const records: SubnetRecord[] = [genesisRecord(genesis)];
  const newest = (): SubnetRecord => records[records.length - 1] as SubnetRecord;
  return {
    newest,
    records: () => records.slice(1),
    change: (change) => {
      const next = applyRegistryChange(newest(), change, registered);
      if (!next.ok) {
        return next;
      }
      records.push(next.value);
      return ok(next.value);
    },
  };
}
