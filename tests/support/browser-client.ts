import { Actor, HttpAgent, polling } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import './page-globals.ts';
import type { Network } from '../../src/wire/network.ts';

/**
 * Runs inside the page, bundled by `browser-agent.ts`: an unmodified agent over `network.fetch`,
 * with certificate and node-signature checks on.
 */
export interface BrowserClient {
  /** Creates a canister and installs the module; answers its id. */
  deploy(wasm: Uint8Array): Promise<string>;
  increment(canisterId: string): Promise<string>;
  /** Calls an update method with no argument; answers the reply's number of bytes. */
  call(canisterId: string, methodName: string): Promise<number>;
  get(canisterId: string): Promise<string>;
  /** Calls the method that traps; answers what the agent threw. */
  fail(canisterId: string): Promise<{ readonly name: string; readonly message: string }>;
  /** Milliseconds of each of `count` sequential update calls. */
  timeUpdates(canisterId: string, count: number): Promise<readonly number[]>;
  /**
   * Milliseconds of each of `count` sequential queries, without the agent's checks. Each has an
   * argument of its own, which `get` ignores: no answer comes from the nodes' caches.
   */
  timeQueries(canisterId: string, count: number): Promise<readonly number[]>;
}

interface Counter {
  increment(): Promise<bigint>;
  get(): Promise<bigint>;
  fail(): Promise<void>;
}

interface Management {
  provisional_create_canister_with_cycles(arg: {
    readonly amount: readonly bigint[];
    readonly settings: readonly never[];
  }): Promise<{ readonly canister_id: Principal }>;
  install_code(arg: {
    readonly mode: { readonly install: null };
    readonly canister_id: Principal;
    readonly wasm_module: Uint8Array;
    readonly arg: Uint8Array;
  }): Promise<void>;
}

const counterInterface: IDL.InterfaceFactory = () =>
  IDL.Service({
    increment: IDL.Func([], [IDL.Nat], []),
    get: IDL.Func([], [IDL.Nat], ['query']),
    fail: IDL.Func([], [], []),
  });

const managementInterface: IDL.InterfaceFactory = () =>
  IDL.Service({
    provisional_create_canister_with_cycles: IDL.Func(
      [IDL.Record({ amount: IDL.Opt(IDL.Nat), settings: IDL.Opt(IDL.Record({})) })],
      [IDL.Record({ canister_id: IDL.Principal })],
      [],
    ),
    install_code: IDL.Func(
      [
        IDL.Record({
          mode: IDL.Variant({ install: IDL.Null }),
          canister_id: IDL.Principal,
          wasm_module: IDL.Vec(IDL.Nat8),
          arg: IDL.Vec(IDL.Nat8),
        }),
      ],
      [],
      [],
    ),
  });

const CYCLES = 100_000_000_000_000n;

async function createClient(network: Network): Promise<BrowserClient> {
  const options = {
    host: location.origin,
    fetch: network.fetch,
    rootKey: network.rootKey(),
    shouldFetchRootKey: false,
  };
  const agent = await HttpAgent.create({ ...options, verifyQuerySignatures: true });
  const unchecked = await HttpAgent.create({ ...options, verifyQuerySignatures: false });
  const counter = (canisterId: string, by: HttpAgent = agent): Counter =>
    Actor.createActor(counterInterface, { agent: by, canisterId });
  const management = (target: Principal): Management =>
    Actor.createActor(managementInterface, {
      agent,
      canisterId: Principal.managementCanister(),
      effectiveTarget: { canisterId: target },
    });
  let queries = 0;
  const firstId = Principal.fromHex(network.topology().subnets[0]?.canisterRanges[0]?.[0] ?? '');

  return {
    deploy: async (wasm) => {
      const created = await management(firstId).provisional_create_canister_with_cycles({
        amount: [CYCLES],
        settings: [],
      });
      await management(created.canister_id).install_code({
        mode: { install: null },
        canister_id: created.canister_id,
        wasm_module: wasm,
        arg: IDL.encode([], []),
      });
      return created.canister_id.toText();
    },
    increment: async (canisterId) => String(await counter(canisterId).increment()),
    call: async (canisterId, methodName) => {
      const submitted = await agent.call(canisterId, { methodName, arg: new Uint8Array(0) });
      const { reply } = await polling.pollForResponse(
        agent,
        { canisterId: Principal.fromText(canisterId) },
        submitted.requestId,
      );
      return reply.length;
    },
    get: async (canisterId) => String(await counter(canisterId).get()),
    fail: async (canisterId) => {
      try {
        await counter(canisterId).fail();
      } catch (error) {
        return error instanceof Error
          ? { name: error.name, message: error.message }
          : { name: 'unknown', message: String(error) };
      }
      return { name: 'none', message: 'the call succeeded' };
    },
    timeUpdates: (canisterId, count) => timeCalls(count, () => counter(canisterId).increment()),
    timeQueries: (canisterId, count) =>
      timeCalls(count, async () => {
        queries += 1;
        const arg = IDL.encode([IDL.Nat], [BigInt(queries)]);
        const answer = await unchecked.query(canisterId, { methodName: 'get', arg });
        if (answer.status !== 'replied') {
          throw new Error(answer.reject_message);
        }
      }),
  };
}

async function timeCalls(count: number, call: () => Promise<unknown>): Promise<readonly number[]> {
  const tookMs: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const startedMs = performance.now();
    await call();
    tookMs.push(performance.now() - startedMs);
  }
  return tookMs;
}

if (window.networkUnderTest !== undefined) {
  window.subnetariumClient = createClient(window.networkUnderTest);
}
