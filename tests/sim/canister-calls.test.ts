import { HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { describe, expect, it } from 'vitest';
import { canisterIdFromU64, principalToBytes } from '../../src/protocol/crypto/principal.ts';
import { createSimNetwork, type SimNetwork } from '../../src/sim/sim-network.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import { comeToAgree } from '../support/agreement.ts';
import { compileMotoko } from '../support/motoko.ts';

/** Asks another actor, itself and the subnet; remembers what it heard. */
const CALLER = `
import Error "mo:core/Error";
import Principal "mo:core/Principal";
import Runtime "mo:core/Runtime";
persistent actor class Caller(service : Principal) {
  type Counter = actor { add : Nat -> async Nat; fail : () -> async () };
  type Management = actor { raw_rand : () -> async Blob };
  var begun = 0;
  var sum = 0;
  var pair = (0, 0);
  var depth = 0;
  var text = "";
  var bytes : [Blob] = [];
  func counter() : Counter = actor (Principal.toText(service));
  func down(n : Nat) : async Nat { if (n == 0) 0 else 1 + (await down(n - 1)) };
  public func add(n : Nat) : async () { begun += 1; sum := await counter().add(n) };
  public func both(n : Nat) : async () {
    let first = counter().add(n);
    let second = counter().add(n);
    pair := (await first, await second)
  };
  public func again(n : Nat) : async () { depth := await down(n) };
  public func failing() : async () {
    begun += 100;
    try { await counter().fail() } catch (e) { text := Error.message(e) }
  };
  public func trapAfter() : async () { begun += 10_000; ignore await counter().add(1); begun := 0; Runtime.trap("after") };
  public func random() : async () {
    let management = actor "aaaaa-aa" : Management;
    bytes := [await management.raw_rand(), await management.raw_rand()]
  };
  public query func heard() : async (Nat, Nat, (Nat, Nat), Nat, Text, [Blob]) {
    (begun, sum, pair, depth, text, bytes)
  };
}`;

const COUNTER = `
import Runtime "mo:core/Runtime";
persistent actor {
  var sum = 0;
  public func add(n : Nat) : async Nat { sum += n; sum };
  public func fail() : async () { sum += 1000; Runtime.trap("on purpose") };
}`;

const HEARD = [
  IDL.Nat,
  IDL.Nat,
  IDL.Tuple(IDL.Nat, IDL.Nat),
  IDL.Nat,
  IDL.Text,
  IDL.Vec(IDL.Vec(IDL.Nat8)),
];

/** Calls without waiting: the signatures of test crypto mean nothing to an agent. */
class Client {
  readonly network: SimNetwork;
  readonly #agent: HttpAgent;

  constructor(network: SimNetwork) {
    this.network = network;
    this.#agent = HttpAgent.createSync({
      host: 'http://subnet.test',
      fetch: network.fetch,
      rootKey: network.rootKey(),
      verifyQuerySignatures: false,
    });
  }

  async update(canisterId: Principal, methodName: string, arg: Uint8Array): Promise<void> {
    await this.#agent.call(canisterId, { methodName, arg, callSync: false });
    this.network.runFor(4000);
  }

  async install(index: bigint, source: string, arg: Uint8Array): Promise<Principal> {
    const { wasm } = await compileMotoko(source);
    const id = Principal.fromUint8Array(principalToBytes(canisterIdFromU64(index)));
    const manage = async (methodName: string, encoded: Uint8Array): Promise<void> => {
      const fields = { methodName, arg: encoded, effectiveCanisterId: id, callSync: false };
      await this.#agent.call(Principal.managementCanister(), fields);
      this.network.runFor(4000);
    };
    await manage(
      'provisional_create_canister_with_cycles',
      IDL.encode([IDL.Record({ specified_id: IDL.Principal })], [{ specified_id: id }]),
    );
    const mode = IDL.Variant({ install: IDL.Null });
    const blob = IDL.Vec(IDL.Nat8);
    await manage(
      'install_code',
      IDL.encode(
        [IDL.Record({ mode, canister_id: IDL.Principal, wasm_module: blob, arg: blob })],
        [{ mode: { install: null }, canister_id: id, wasm_module: wasm, arg }],
      ),
    );
    return id;
  }

  async query(canisterId: Principal, methodName: string): Promise<Uint8Array> {
    const answer = await this.#agent.query(canisterId, { methodName, arg: IDL.encode([], []) });
    if (answer.status !== 'replied') {
      throw new Error(answer.reject_message);
    }
    return answer.reply.arg;
  }
}

describe('Motoko actors on four nodes', () => {
  it('await each other, themselves and random bytes, and all nodes agree', async () => {
    const spec = defaultNetworkSpec({ seed: 'calls', nodes: 4, pace: 'mainnet' });
    const network = createSimNetwork(
      { ...spec, links: { ...spec.links, delayMs: 10, jitterMs: 5 } },
      {
        crypto: 'insecure-test-crypto',
        drive: 'demand',
        startNs: BigInt(Date.now()) * 1_000_000n,
      },
    );
    network.runFor(1000);
    const client = new Client(network);
    const counter = await client.install(0n, COUNTER, IDL.encode([], []));
    const caller = await client.install(1n, CALLER, IDL.encode([IDL.Principal], [counter]));
    const nat = (n: number): Uint8Array => IDL.encode([IDL.Nat], [n]);
    await client.update(caller, 'add', nat(5));
    await client.update(caller, 'both', nat(1));
    await client.update(caller, 'again', nat(4));
    await client.update(caller, 'failing', nat(0));
    await client.update(caller, 'trapAfter', nat(0));
    await client.update(caller, 'random', nat(0));
    const heard = IDL.decode(HEARD, await client.query(caller, 'heard')) as unknown as [
      bigint,
      bigint,
      [bigint, bigint],
      bigint,
      string,
      Uint8Array[],
    ];
    // What came before an await is kept when what comes behind it traps.
    expect(heard.slice(0, 4)).toEqual([10_101n, 5n, [6n, 7n], 4n]);
    expect(heard[4]).toMatch(
      /^IC0503: Error from Canister .*: Canister called `ic0.trap` with message: 'on purpose'/,
    );
    const [first, second] = heard[5].map((bytes) => Buffer.from(bytes).toString('hex'));
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(second).toMatch(/^[0-9a-f]{64}$/);
    expect(first).not.toBe(second);
    expect(network.violations).toEqual([]);
    expect(comeToAgree(network)).toBe(true);
    await network.close();
  }, 120_000);
});
