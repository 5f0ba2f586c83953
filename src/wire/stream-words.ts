/** Why a subnet takes a request of another one not, in plain words; by the names of the header's lists. */
const REFUSALS: Readonly<Record<string, string>> = {
  canisterMigrating: 'the canister is moving to another subnet',
  canisterNotFound: 'there is no such canister',
  canisterStopped: 'the canister is stopped',
  canisterStopping: 'the canister is stopping',
  queueFull: 'the canister’s queue is full',
  outOfMemory: 'there is no memory for it',
};

export function refusalInWords(reason: string): string {
  return REFUSALS[reason] ?? 'the reason is not known';
}
