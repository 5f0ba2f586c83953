import { HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { describe, expect, it } from 'vitest';
import { canisterIdFromU64, principalToBytes } from '../../src/protocol/crypto/principal.ts';
import { QUERY_STATS_EPOCH_BLOCKS } from '../../src/protocol/limits/query.ts';
import { createSimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import { comeToAgree } from '../support/agreement.ts';
import { answer, program } from '../support/universal.ts';
import { universalWasm } from '../support/universal-module.ts';

const QUERIES = 40;
const Totals = IDL.Record({
  query_stats: IDL.Record({
    num_calls_total: IDL.Nat,
    response_payload_bytes_total: IDL.Nat,
  }),
});

describe('query statistics on four nodes', () => {
  it('go through blocks into the canister’s status, and all nodes agree', async () => {
    const spec = defaultNetworkSpec({ seed: 'statistics', nodes: 4, pace: 'mainnet' });
    const network = createSimNetwork(
      { ...spec, links: { ...spec.links, delayMs: 10, jitterMs: 5 } },
      {
        crypto: 'insecure-test-crypto',
        drive: 'demand',
        startNs: BigInt(Date.now()) * 1_000_000n,
      },
    );
    network.runFor(1000);
    const agent = HttpAgent.createSync({
      host: 'http://subnet.test',
      fetch: network.fetch,
      rootKey: network.rootKey(),
      verifyQuerySignatures: false,
    });
    const id = Principal.fromUint8Array(principalToBytes(canisterIdFromU64(0n)));
    const manage = async (methodName: string, arg: Uint8Array): Promise<void> => {
      const fields = { methodName, arg, effectiveCanisterId: id, callSync: false };
      await agent.call(Principal.managementCanister(), fields);
      network.runFor(4000);
    };
    await manage(
      'provisional_create_canister_with_cycles',
      IDL.encode([IDL.Record({ specified_id: IDL.Principal })], [{ specified_id: id }]),
    );
    const mode = IDL.Variant({ install: IDL.Null });
    const blob = IDL.Vec(IDL.Nat8);
    const install = IDL.Record({ mode, canister_id: IDL.Principal, wasm_module: blob, arg: blob });
    const wasm_module = await universalWasm();
    await manage(
      'install_code',
      IDL.encode(
        [install],
        [{ mode: { install: null }, canister_id: id, wasm_module, arg: new Uint8Array(0) }],
      ),
    );
    const arg = program(answer('five!')).bytes;
    for (let asked = 0; asked < QUERIES; asked += 1) {
      const said = await agent.query(id, { methodName: 'query', arg });
      expect(said.status).toBe('replied');
    }
    const nodes = network.topology().subnets[0]?.nodes.map(({ nodeId }) => nodeId) ?? [];
    const executed = (): readonly number[] =>
      nodes.map((nodeId) => network.heightsOf(nodeId).heights.executed);
    const epochsPassed = (): boolean => Math.min(...executed()) >= 2 * QUERY_STATS_EPOCH_BLOCKS + 3;
    expect(network.runUntil(epochsPassed, 600_000)).toBe(true);
    const asked = await agent.query(Principal.managementCanister(), {
      methodName: 'canister_status',
      arg: IDL.encode([IDL.Record({ canister_id: IDL.Principal })], [{ canister_id: id }]),
      effectiveCanisterId: id,
    });
    if (asked.status !== 'replied') {
      throw new Error(asked.reject_message);
    }
    const [status] = IDL.decode([Totals], asked.reply.arg);
    const { query_stats: totals } = status as unknown as {
      query_stats: { num_calls_total: bigint; response_payload_bytes_total: bigint };
    };
    // The nodes answered in turn: what one of them counted, times four.
    expect(totals.num_calls_total).toBe(BigInt(QUERIES));
    expect(totals.response_payload_bytes_total).toBe(BigInt(5 * QUERIES));
    expect(network.violations).toEqual([]);
    expect(comeToAgree(network)).toBe(true);
    await network.close();
  }, 120_000);
});
