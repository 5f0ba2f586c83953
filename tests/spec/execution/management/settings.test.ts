import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CanisterId, NodeId } from '../../../../src/protocol/types/ids.ts';
import { CALLER_WAT, decodeForwarded, forwardTo } from '../../../support/caller-wat.ts';
import { KEEPER_WAT } from '../../../support/keeper-wat.ts';
import {
  manage,
  manageBy,
  principalOf,
  someSettings,
} from '../../../support/management-interface.ts';
import { TestSubnet } from '../../../support/test-subnet.ts';
import { compileWat } from '../../../support/wat.ts';

const SECOND_NS = 1_000_000_000n;

describe('the management canister, settings and what they allow', () => {
  let keeper: Uint8Array;
  let callerWasm: Uint8Array;
  let subnet: TestSubnet;
  let id: CanisterId;
  let caller: CanisterId;

  beforeAll(async () => {
    keeper = await compileWat(KEEPER_WAT);
    callerWasm = await compileWat(CALLER_WAT);
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    id = subnet.create();
    caller = subnet.createWith(callerWasm);
  });

  const settings = (canisterId: CanisterId, given: Readonly<Record<string, unknown>>): unknown =>
    manage(subnet, canisterId, 'update_settings', { settings: someSettings(given) });

  describe('settings', () => {
    it('sets every one of them, and the status tells them', () => {
      const given = {
        controllers: [principalOf('04'), principalOf(caller)],
        compute_allocation: 3n,
        memory_allocation: 10_000_000n,
        freezing_threshold: 1000n,
        reserved_cycles_limit: 7_000_000_000_000n,
        minimum_incoming_canister_call_cycles: 11n,
        log_visibility: { public: null },
        snapshot_visibility: { allowed_viewers: [principalOf(caller)] },
        status_visibility: { public: null },
        wasm_memory_limit: 1n << 48n,
        wasm_memory_threshold: 5n,
        environment_variables: [{ name: 'KEY', value: 'värde' }],
      };
      expect(settings(id, given)).toBeUndefined();
      const controllers = [principalOf(caller), principalOf('04')];
      expect(manage(subnet, id, 'canister_status')).toMatchObject({
        version: 1n,
        settings: { ...given, controllers },
      });
    });

    it.each([
      ['compute_allocation', 101n, /^IC0504: ComputeAllocation expected .* got 101$/],
      ['memory_allocation', 1n << 64n, /^IC0504: MemoryAllocation expected/],
      ['freezing_threshold', 1n << 64n, /^IC0504: Freezing threshold expected/],
      ['reserved_cycles_limit', 1n << 128n, /^IC0408|^IC0504: Reserved cycles limit expected/],
      ['wasm_memory_limit', (1n << 48n) + 1n, /^IC0504: Wasm memory limit expected/],
      ['wasm_memory_threshold', (1n << 48n) + 1n, /^IC0504: Wasm memory threshold expected/],
      ['memory_allocation', 1n << 50n, /^IC0101: Canister requested .* of memory but only/],
      [
        'environment_variables',
        Array.from({ length: 21 }, (_, i) => ({ name: `${i}`, value: '' })),
        /^IC0408: Too many environment variables: 21 \(max: 20\)$/,
      ],
      [
        'environment_variables',
        [{ name: 'ä'.repeat(65), value: '' }],
        /^IC0408: Environment variable name "ä+" exceeds the maximum allowed length of 128\.$/,
      ],
      [
        'environment_variables',
        [
          { name: 'A', value: '' },
          { name: 'A', value: '' },
        ],
        /^IC0408: Duplicate environment variables are not allowed$/,
      ],
    ] as const)('refuses %s = %s', (name, value, text) => {
      const before = subnet.canister(id);
      expect(settings(id, { [name]: value })).toMatch(text);
      expect(subnet.canister(id)).toMatchObject({
        settings: before.settings,
        version: before.version,
      });
    });

    it('gives away no more compute than the subnet has', () => {
      const rich = { compute_allocation: 100n, freezing_threshold: 0n };
      expect(settings(id, rich)).toBeUndefined();
      expect(settings(caller, rich)).toBeUndefined();
      const third = subnet.create();
      expect(settings(third, rich)).toMatch(
        /^IC0101: Canister requested a compute allocation of 100% which cannot be satisfied because the Subnet's remaining compute capacity is 99%\.\nTry moving to another subnet/,
      );
      expect(settings(third, { ...rich, compute_allocation: 99n })).toBeUndefined();
      expect(settings(third, { compute_allocation: 1n, freezing_threshold: 10n ** 12n })).toBe(
        undefined,
      );
      expect(settings(third, { compute_allocation: 2n })).toMatch(
        /^IC0530: Cannot increase compute allocation to 2% due to insufficient cycles\./,
      );
    });

    it('lets those see the status whom the settings name, and the canister itself', () => {
      const status = (canisterId: CanisterId): unknown =>
        manageBy(subnet, caller, 'canister_status', { canister_id: principalOf(canisterId) });
      expect(status(caller)).toMatchObject({ status: { running: null } });
      expect(status(id)).toMatchObject({ code: 5 });
      settings(id, { status_visibility: { allowed_viewers: [principalOf(caller)] } });
      expect(status(id)).toMatchObject({ status: { running: null } });
      settings(id, { status_visibility: { allowed_viewers: [] } });
      expect(status(id)).toMatchObject({ code: 5 });
    });

    it('keeps calls with too few cycles out, those of users and of the canister itself not', () => {
      subnet.install(id, keeper);
      settings(id, { minimum_incoming_canister_call_cycles: 1000n });
      const call = (cycles: bigint): unknown =>
        decodeForwarded(subnet.call(caller, 'forward', forwardTo(id, 'minimum', cycles)).answer);
      const total = subnet.totalCycles();
      expect(call(999n)).toMatchObject({ code: 5 });
      expect(call(1000n)).toMatchObject({ refunded: 1000n });
      expect(subnet.call(id, 'minimum').answer).toBe('');
      expect(subnet.totalCycles()).toBe(total);
      settings(caller, { minimum_incoming_canister_call_cycles: 1000n });
      expect(
        decodeForwarded(subnet.call(caller, 'forward', forwardTo(caller, 'echo')).answer),
      ).toMatchObject({ refunded: 0n });
    });
  });

  it('counts blocks of nodes by day, and tells only what changed', () => {
    const ask = (from: bigint): unknown =>
      manageBy(subnet, caller, 'node_metrics_history', {
        subnet_id: principalOf(subnet.env.subnetId),
        start_at_timestamp_nanos: from,
      });
    const first = subnet.state.height;
    subnet.round([], { afterNs: 86_400n * SECOND_NS });
    const [yesterday, today] = ask(0n) as { timestamp_nanos: bigint; node_metrics: object[] }[];
    expect(yesterday?.node_metrics).toEqual([
      {
        node_id: principalOf('04'),
        num_blocks_proposed_total: BigInt(first),
        num_block_failures_total: 0n,
      },
    ]);
    expect(today?.node_metrics).toMatchObject([{ num_blocks_proposed_total: BigInt(first + 2) }]);
    expect(ask(subnet.state.timeNs)).toHaveLength(1);
    // From that very moment on, and of two nodes only the one that did something that day.
    const { nodeMetrics } = subnet.state;
    const idle = { nodeId: '05' as NodeId, blocksProposed: 7n, blockFailures: 1n };
    const [dayBefore] = nodeMetrics;
    subnet.state = {
      ...subnet.state,
      nodeMetrics: nodeMetrics.map((sample) => ({ ...sample, nodes: [...sample.nodes, idle] })),
    };
    const both = ask(dayBefore?.timeNs ?? 0n) as { node_metrics: object[] }[];
    expect(both.map(({ node_metrics }) => node_metrics.length)).toEqual([2, 1]);
    expect(both[0]?.node_metrics[1]).toEqual({
      node_id: principalOf('05'),
      num_blocks_proposed_total: 7n,
      num_block_failures_total: 1n,
    });
    expect(ask((dayBefore?.timeNs ?? 0n) + 1n)).toHaveLength(1);
    expect(
      manageBy(subnet, caller, 'subnet_info', { subnet_id: principalOf(subnet.env.subnetId) }),
    ).toEqual({ replica_version: 'subnetarium', registry_version: 1n });
    expect(
      manageBy(subnet, caller, 'subnet_info', { subnet_id: principalOf('abcd') }),
    ).toMatchObject({ code: 4 });
  });

  it('tells what cycles were consumed for', () => {
    subnet.round([], { afterNs: 20n * SECOND_NS });
    subnet.install(id, keeper);
    subnet.round([], { afterNs: 20n * SECOND_NS });
    const { consumed } = subnet.canister(id);
    expect(consumed.instructions).toBeGreaterThan(0n);
    expect(consumed.memory).toBeGreaterThan(0n);
    expect(manage(subnet, id, 'canister_metrics')).toMatchObject({
      cycles_consumed: { memory: consumed.memory, instructions: expect.any(BigInt) as bigint },
    });
  });
});
