import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CanisterState } from '../../../src/protocol/replicated-state/canister-state.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { op, program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';

/** What new code finds of what old code left: spec/2 §4, install and uninstall. */
describe('a timer and certified data', () => {
  const NONE = new Uint8Array(0);
  let wasm: Uint8Array;
  let subnet: TestSubnet;
  let id: CanisterId;
  beforeAll(async () => {
    wasm = await universalWasm();
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    id = subnet.createWith(wasm);
    const inAnHour = subnet.state.timeNs + 3_600_000_000_000n;
    const set = program(
      op('timer_set', inAnHour),
      op('certified_data_set', 'kept'),
      op('reply'),
    ).bytes;
    subnet.call(id, 'update', set);
    expect(left()).toEqual([true, 'kept']);
  });

  const left = (): readonly [boolean, string] => {
    const { globalTimerNs, certifiedData }: CanisterState = subnet.canister(id);
    return [globalTimerNs > 0n, Buffer.from(certifiedData).toString()];
  };

  it('of old code: an upgrade keeps the data only', () => {
    subnet.install(id, wasm, NONE, 'upgrade');
    expect(left()).toEqual([false, 'kept']);
  });

  it('of old code: a new installation keeps neither', () => {
    subnet.install(id, wasm, NONE, 'reinstall');
    expect(left()).toEqual([false, '']);
  });

  it('are kept when an upgrade or a new installation fails', () => {
    const trap = program(op('unreachable')).bytes;
    expect(() => subnet.install(id, wasm, trap, 'reinstall')).toThrow(/^IC0502/);
    expect(() => subnet.install(id, wasm, trap, 'upgrade')).toThrow(/^IC0502/);
    expect(left()).toEqual([true, 'kept']);
  });

  it('the history keeps the last twenty changes, and counts them all', () => {
    const before = subnet.canister(id).totalChanges;
    for (let turn = 0; turn < 22; turn += 1) {
      subnet.install(id, wasm, NONE, 'reinstall');
    }
    const { changes, totalChanges, version } = subnet.canister(id);
    expect(totalChanges).toBe(before + 22n);
    expect(changes).toHaveLength(20);
    expect(changes.at(-1)?.canisterVersion).toBe(version);
    expect(changes[0]?.canisterVersion).toBe(version - 19n);
  });

  it('go with the code', () => {
    subnet.round([subnet.manage(id, 'uninstall_code')]);
    expect(subnet.canister(id).execution).toBeNull();
    expect(left()).toEqual([false, '']);
  });
});
