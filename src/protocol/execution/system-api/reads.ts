import type { SystemRead } from '../../interfaces/wasm-host.ts';
import type { SystemApiName } from './signatures.ts';

/** Which functions show what can differ although no canister changed. @upstream rs/interfaces#SystemApiCallCounters */
const READS: Partial<Readonly<Record<SystemApiName, SystemRead>>> = {
  canister_cycle_balance: 'balance',
  canister_cycle_balance128: 'balance',
  canister_liquid_cycle_balance128: 'balance',
  data_certificate_copy: 'certificate',
  time: 'time',
};

export function readBy(name: SystemApiName): SystemRead | undefined {
  return READS[name];
}
