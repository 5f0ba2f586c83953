import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  MANAGEMENT_CANISTER_ID,
  principalToBytes,
} from '../../../src/protocol/crypto/principal.ts';
import { displayBytes } from '../../../src/protocol/execution/allocations.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  type ExecutionLimits,
} from '../../../src/protocol/limits/execution.ts';
import type { CanisterState } from '../../../src/protocol/replicated-state/canister-state.ts';
import type { CanisterId } from '../../../src/protocol/types/ids.ts';
import { idleCostPerDay } from '../../../src/protocol/execution/cycles-account-manager.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { universalWasm } from '../../support/universal-module.ts';

/** What settings may ask of a subnet, by `update_settings`: errors 101, 530, 531, 533 and 540. */

const MIB = 1n << 20n;
const T = 1_000_000_000_000n;
const LIMITS: ExecutionLimits = {
  ...CLASSROOM_EXECUTION_LIMITS,
  subnetMemoryBytes: 100n * MIB,
  subnetMemoryThresholdBytes: 50n * MIB,
  callbackMemoryBytes: 20n * MIB,
};

const FIELDS = {
  compute_allocation: IDL.Opt(IDL.Nat),
  memory_allocation: IDL.Opt(IDL.Nat),
  freezing_threshold: IDL.Opt(IDL.Nat),
  reserved_cycles_limit: IDL.Opt(IDL.Nat),
};
const UPDATE = IDL.Record({ canister_id: IDL.Principal, settings: IDL.Record(FIELDS) });

let wasm: Uint8Array;
let subnet: TestSubnet;
let a: CanisterId;

beforeAll(async () => {
  wasm = await universalWasm();
});
beforeEach(() => {
  subnet = new TestSubnet(LIMITS);
  a = subnet.createWith(wasm, 1000n * T);
});

function ask(
  canisterId: CanisterId,
  settings: Partial<Record<keyof typeof FIELDS, bigint>>,
): string {
  const given = Object.fromEntries(
    Object.keys(FIELDS).map((name) => {
      const value = settings[name as keyof typeof FIELDS];
      return [name, value === undefined ? [] : [value]];
    }),
  );
  const id = Principal.fromUint8Array(principalToBytes(canisterId));
  const arg = Uint8Array.from(IDL.encode([UPDATE], [{ canister_id: id, settings: given }]));
  const message = subnet.ingress(MANAGEMENT_CANISTER_ID, 'update_settings', arg);
  subnet.round([{ ...message, effectiveCanisterId: canisterId }]);
  return subnet.answerOf(message);
}

function edit(canisterId: CanisterId, change: Partial<CanisterState>): void {
  const canister = { ...subnet.canister(canisterId), ...change };
  subnet.state = { ...subnet.state, canisters: subnet.state.canisters.set(canisterId, canister) };
}

const OK = '4449444c0000';

describe('allocations', () => {
  it('of compute leave one percent of 300 free', () => {
    const ids = [a, subnet.create(5000n * T), subnet.create(5000n * T)] as const;
    expect(ask(ids[0], { compute_allocation: 100n })).toBe(OK);
    expect(ask(ids[1], { compute_allocation: 100n })).toBe(OK);
    expect(ask(ids[2], { compute_allocation: 100n })).toMatch(
      /^IC0101: Canister requested a compute allocation of 100% which cannot be satisfied because the Subnet's remaining compute capacity is 99%\.\nTry moving to another subnet\./,
    );
    expect(ask(ids[2], { compute_allocation: 99n })).toBe(OK);
    // Its own share is its own to take again.
    expect(ask(ids[0], { compute_allocation: 100n })).toBe(OK);
  });

  it('of compute and memory need a balance that lasts for the freezing threshold', () => {
    edit(a, { cycles: T });
    expect(ask(a, { compute_allocation: 50n })).toMatch(
      /^IC0530: Cannot increase compute allocation to 50% due to insufficient cycles\. At least \d+ additional cycles are required\.\nTop up the canister with more cycles\./,
    );
    expect(subnet.canister(a).settings.computeAllocation).toBe(0n);
    edit(a, { cycles: 2_000_000_000n });
    expect(ask(a, { memory_allocation: 40n * MIB })).toMatch(
      /^IC0531: Cannot increase memory allocation to 40\.00 MiB due to insufficient cycles\./,
    );
    // To freeze by a longer threshold is allowed, and the way back too.
    expect(ask(a, { freezing_threshold: 10n ** 12n })).toBe(OK);
    expect(ask(a, { freezing_threshold: 0n })).toBe(OK);
  });

  it('of memory may be below what the canister uses, and reserve nothing then', () => {
    const before = subnet.canister(a);
    expect(ask(a, { memory_allocation: 1000n })).toBe(OK);
    const after = subnet.canister(a);
    expect(after.settings.memoryAllocationBytes).toBe(1000n);
    expect(after.cycles).toBe(before.cycles);
    expect(idleCostPerDay(subnet.env, after)).toBe(idleCostPerDay(subnet.env, before));
  });

  it('of memory are no more than the subnet has left', () => {
    expect(ask(a, { memory_allocation: 200n * MIB })).toMatch(
      /^IC0101: Canister requested 200\.00 MiB of memory but only \d+\.\d\d MiB are available in the subnet\./,
    );
    const b = subnet.create();
    expect(ask(a, { memory_allocation: 60n * MIB, reserved_cycles_limit: 1000n * T })).toBe(OK);
    expect(ask(b, { memory_allocation: 30n * MIB })).toMatch(
      /^IC0101: Canister requested 30\.00 MiB of memory but only 20\.00 MiB are available/,
    );
    expect(ask(a, { memory_allocation: 0n })).toBe(OK);
    expect(ask(b, { memory_allocation: 30n * MIB })).toBe(OK);
  });

  it('of memory above the threshold set cycles aside, within the limit for them', () => {
    const before = subnet.canister(a).cycles;
    expect(ask(a, { memory_allocation: 70n * MIB, reserved_cycles_limit: 1000n })).toMatch(
      /^IC0533: Cannot increase memory allocation to 70\.00 MiB due to its reserved cycles limit\. The current limit \(1000\) would be exceeded by \d+\./,
    );
    expect(subnet.canister(a).settings.memoryAllocationBytes).toBe(0n);
    expect(ask(a, { memory_allocation: 70n * MIB })).toBe(OK);
    // 20 MiB above, of 30 to the end: half of two thirds of 300 million seconds.
    const seconds = (300_000_000n * 20n) / 30n / 2n;
    const due = (((20n * MIB * 127_000n * seconds) / (1024n * MIB)) * 4n) / 13n;
    const { cycles, reservedCycles } = subnet.canister(a);
    expect(reservedCycles).toBe(due);
    expect(before - cycles).toBeGreaterThanOrEqual(due);
    expect(ask(a, { reserved_cycles_limit: due - 1n })).toMatch(
      new RegExp(
        `^IC0540: Cannot set the reserved cycles limit ${due - 1n} below the reserved cycles balance of the canister ${due}\\.`,
      ),
    );
    // Given back, memory does not give back what was set aside for it.
    expect(ask(a, { memory_allocation: 0n })).toBe(OK);
    expect(subnet.canister(a).reservedCycles).toBe(due);
    expect(subnet.imbalance).toBe(0n);
  });

  it('and installations: one that the subnet cannot hold is undone, and paid', () => {
    const b = subnet.create();
    expect(ask(a, { memory_allocation: 79n * MIB, reserved_cycles_limit: 1000n * T })).toBe(OK);
    const before = subnet.canister(b);
    expect(() => subnet.install(b, wasm)).toThrow(
      /IC0101: Canister requested 1\.\d\d MiB of memory but only \d+\.\d\d [KM]iB are available in the subnet/,
    );
    const after = subnet.canister(b);
    expect(after.execution).toBeNull();
    expect(before.cycles).toBeGreaterThan(after.cycles);
    expect(subnet.imbalance).toBe(0n);
  });
});

it('amounts of bytes are shown as the replica shows them', () => {
  expect([0n, 1023n, 1024n, 1536n * MIB, 1n << 40n].map(displayBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.00 KiB',
    '1.50 GiB',
    '1.00 TiB',
  ]);
});
