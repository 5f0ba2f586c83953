import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, describe, expect, it } from 'vitest';
import { present } from '../../../src/base/assert.ts';
import { INSECURE_TEST_SUITE } from '../../../src/protocol/crypto/insecure-test-crypto.ts';
import { principalToBytes } from '../../../src/protocol/crypto/principal.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../../../src/protocol/limits/execution.ts';
import { dealNetwork } from '../../../src/protocol/registry/deal-network.ts';
import { subnetEntry } from '../../../src/protocol/registry/network-topology.ts';
import { genesisBatch } from '../../../src/protocol/registry/records/genesis-batch.ts';
import { subnetRecordKey } from '../../../src/protocol/registry/records/keys.ts';
import { decodeRecord, SUBNET_RECORD } from '../../../src/protocol/registry/records/records.ts';
import type { CanisterId, PrincipalId } from '../../../src/protocol/types/ids.ts';
import type { SubnetSpecialization, SubnetType } from '../../../src/protocol/types/genesis.ts';
import { defaultNetworkSpec } from '../../../src/wire/network-spec.ts';
import { topologyOf } from '../../../src/wire/topology.ts';
import { TestSubnet } from '../../support/test-subnet.ts';
import { answer, call, op, program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';
import { forward, unwrap } from './error-helpers.ts';

/** What canisters may do and pay by the kind of their subnet: docs/adr/0010-kinds-of-subnets.md. */

const NOT_ENABLED = 'IC0504: This API is not enabled on this subnet';
const MANAGEMENT = new Uint8Array(0);
const EMPTY = Uint8Array.from(IDL.encode([], []));
const greeting = program(answer('hello')).bytes;

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await universalWasm();
});

/** A subnet of a kind with two canisters. */
class Scene {
  readonly subnet: TestSubnet;
  readonly a: CanisterId;
  readonly b: CanisterId;

  constructor(
    specialization: SubnetSpecialization,
    subnetType: SubnetType = 'application',
    nodes = 4,
  ) {
    const place = { index: 0, subnetType, specialization };
    this.subnet = new TestSubnet(CLASSROOM_EXECUTION_LIMITS, nodes, place);
    this.a = this.subnet.createWith(wasm);
    this.b = this.subnet.createWith(wasm);
  }

  /** What a canister is told of a call it makes: the reply as text, or "N: the reject". */
  ask(callee: Uint8Array, method: string, arg: Uint8Array, cycles = 0): string {
    const before = this.subnet.totalCycles();
    const ask = program(forward(callee, method, arg, cycles)).bytes;
    const said = this.subnet.call(this.a, 'update', ask).answer;
    expect([this.subnet.imbalance, this.subnet.totalCycles()]).toEqual([0n, before]);
    for (const code of [3, 4, 5]) {
      if (unwrap(code, said) !== said) {
        return `${code}: ${unwrap(code, said)}`;
      }
    }
    return Buffer.from(said, 'hex').toString();
  }
}

describe('a data subnet', () => {
  let scene: Scene;
  beforeAll(() => {
    scene = new Scene('data');
  });

  it('answers calls and queries', () => {
    const { subnet, a } = scene;
    expect(subnet.call(a, 'update', greeting).answer).toBe(Buffer.from('hello').toString('hex'));
    expect(subnet.answerTo(a, 'query', greeting)).toBe('hello');
  });

  it('makes no calls to other canisters; cycles come back, and the caller goes on', () => {
    const others = [scene.b, 'ffffffffffffffff0101' as CanisterId];
    for (const one of others) {
      expect(scene.ask(principalToBytes(one), 'update', greeting, 5000)).toBe(`5: ${NOT_ENABLED}`);
    }
    const { calls, outputQueues } = scene.subnet.canister(scene.a);
    expect([calls.callbacks, outputQueues]).toEqual([[], []]);
  });

  it('calls itself and asks the system', () => {
    expect(scene.ask(principalToBytes(scene.a), 'update', greeting, 5000)).toBe('hello');
    expect(scene.ask(MANAGEMENT, 'raw_rand', EMPTY)).toMatch(/^DIDL/);
  });

  it('hands cycles to no canister, new or old', () => {
    const target = { canister_id: Principal.fromUint8Array(principalToBytes(scene.b)) };
    const named = Uint8Array.from(
      IDL.encode([IDL.Record({ canister_id: IDL.Principal })], [target]),
    );
    const nobody = Uint8Array.from(IDL.encode([IDL.Record({})], [{}]));
    const own = principalToBytes(scene.subnet.env.subnetId as unknown as CanisterId);
    for (const management of [MANAGEMENT, own]) {
      expect(scene.ask(management, 'deposit_cycles', named, 5000)).toBe(`5: ${NOT_ENABLED}`);
      expect(scene.ask(management, 'create_canister', nobody, 5000)).toBe(`5: ${NOT_ENABLED}`);
    }
  });

  it('nor do its composite queries', () => {
    const ask = (callee: CanisterId): string =>
      scene.subnet.answerTo(
        scene.a,
        'composite_query',
        program(
          call({
            callee: principalToBytes(callee),
            method: 'query',
            arg: greeting,
            onReject: program(op('reject', op('reject_message'))),
          }),
        ).bytes,
      );
    expect(ask(scene.b)).toBe('IC0406: This API is not enabled on this subnet');
    expect(ask(scene.a)).toBe('hello');
  });
});

describe('other kinds of subnets', () => {
  it.each([
    ['none', 'application'],
    ['none', 'verified_application'],
    ['none', 'system'],
    ['fiduciary', 'application'],
  ] as const)('canisters call each other and send cycles (%s, %s)', (specialization, type) => {
    const scene = new Scene(specialization, type, 1);
    expect(scene.ask(principalToBytes(scene.b), 'update', greeting, 5000)).toBe('hello');
  });

  it('canisters pay by the number of nodes, on system subnets nothing', () => {
    const spent = (
      specialization: SubnetSpecialization,
      type: SubnetType,
      nodes: number,
    ): bigint => {
      const { subnet, a } = new Scene(specialization, type, nodes);
      const { cycles } = subnet.canister(a);
      subnet.call(a, 'update', greeting);
      return cycles - subnet.canister(a).cycles;
    };
    const one = spent('none', 'application', 13);
    expect(one).toBeGreaterThan(5_000_000n);
    expect(spent('data', 'application', 13)).toBe(one);
    expect(spent('none', 'verified_application', 13)).toBe(one);
    const many = spent('fiduciary', 'application', 26);
    // Each of a few fees is rounded.
    expect(Number(many - 2n * one)).toBeLessThan(5);
    expect(Number(many - 2n * one)).toBeGreaterThan(-5);
    expect(spent('none', 'system', 13)).toBe(0n);
  });

  it('are application subnets to certificates and the registry, which tells them apart', () => {
    const kinds = ['system', 'fiduciary', 'data', 'application'] as const;
    const spec = { ...defaultNetworkSpec(), subnets: kinds.map((type) => ({ type, nodes: 1 })) };
    const timing = { unitDelayMs: 1000, initialNotaryDelayMs: 300, dkgIntervalLength: 9 };
    const { subnets, topology } = dealNetwork(
      { seed: 'kinds', subnets: spec.subnets, timing, limits: 'classroom', genesisTimeNs: 1n },
      INSECURE_TEST_SUITE,
    );
    const dealt = subnets.map(({ genesis }) => genesis);
    const certified = dealt.map(({ subnetId }) => subnetEntry(topology, subnetId)?.subnetType);
    expect(certified).toEqual(['system', 'application', 'application', 'application']);
    const keyed = dealt.map((genesis) => ({ genesis, publicKeyDer: new Uint8Array(0) }));
    expect(topologyOf(spec, keyed).subnets.map(({ type }) => type)).toEqual(kinds);
    const batch = genesisBatch(dealt, '04' as PrincipalId);
    const recorded = dealt.map(({ subnetId }) => {
      const { value } = present(
        batch.find(({ key }) => key === subnetRecordKey(subnetId)),
        'each subnet has a record',
      );
      const record = decodeRecord(SUBNET_RECORD, present(value, 'inserted'));
      return record.ok ? record.value.parameters.specialization : record.error.message;
    });
    expect(recorded).toEqual(['none', 'fiduciary', 'data', 'none']);
  });
});
