import { fc, it } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { TestSubnet } from '../../../tests/support/test-subnet.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import { CYCLES_USE_CASES } from '../replicated-state/consumed-cycles.ts';
import { charged, setAside } from './canister-balance.ts';

const IDLE_COSTS: readonly string[] = ['memory', 'computeAllocation', 'uninstall'];
const subnet = new TestSubnet();
const created = subnet.canister(subnet.create());

function canisterWith(cycles: bigint, reservedCycles: bigint): CanisterState {
  return { ...created, cycles, reservedCycles };
}

const amounts = fc.bigInt(0n, 50n);

describe('the balances of a canister', () => {
  it.prop([amounts, amounts, amounts, fc.constantFrom(...CYCLES_USE_CASES)])(
    'pay no more than they hold, and idle costs from the reserve first',
    (cycles, reserve, amount, useCase) => {
      const before = canisterWith(cycles, reserve);
      const { canister, paid } = charged(before, amount, useCase);
      const spendable = IDLE_COSTS.includes(useCase) ? cycles + reserve : cycles;
      expect(paid).toBe(amount < spendable ? amount : spendable);
      expect(canister.cycles + canister.reservedCycles).toBe(cycles + reserve - paid);
      expect(canister.consumed[useCase] - before.consumed[useCase]).toBe(paid);
      const fromBalance = cycles - canister.cycles;
      expect(fromBalance === 0n || canister.reservedCycles === 0n || spendable === cycles).toBe(
        true,
      );
    },
  );

  it.prop([amounts, amounts, amounts, fc.constantFrom(...CYCLES_USE_CASES)])(
    'are left alone while a long message is paused: what is due is noted',
    (cycles, reserve, amount, useCase) => {
      const longExecution = { heldCharges: 7n } as NonNullable<CanisterState['longExecution']>;
      const before = { ...canisterWith(cycles, reserve), longExecution };
      const { canister, paid } = charged(before, amount, useCase);
      expect(paid).toBe(0n);
      expect(canister).toEqual({ ...before, longExecution: { heldCharges: 7n + amount } });
    },
  );

  it('set aside what is there, and no more', () => {
    const canister = setAside(canisterWith(10n, 3n), 10n);
    expect([canister.cycles, canister.reservedCycles]).toEqual([0n, 13n]);
    expect(() => setAside(canisterWith(10n, 3n), 11n)).toThrow(/no more is set aside/);
  });
});
