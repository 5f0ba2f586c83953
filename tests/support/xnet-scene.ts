import { encodeCbor } from '../../src/protocol/crypto/cbor.ts';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import {
  canisterIdFromU64,
  canisterIdToU64,
  principalToBytes,
} from '../../src/protocol/crypto/principal.ts';
import type { CanisterId, NodeId } from '../../src/protocol/types/ids.ts';
import type { MaliciousKind } from '../../src/protocol/types/malicious.ts';
import { createSimNetwork, type SimNetwork } from '../../src/sim/sim-network.ts';
import type { LinkConditions } from '../../src/wire/network-spec.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import type { TelemetryEvent } from '../../src/wire/telemetry.ts';
import { CALLER_WAT, forwardTo } from './caller-wat.ts';
import { compileWat } from './wat.ts';

const NS_PER_S = 1_000_000_000n;
const ANONYMOUS = Uint8Array.of(4);
const MANAGEMENT = new Uint8Array(0);

/** Attacks that need a second subnet. */
export const LIES_ABOUT_STREAMS: readonly MaliciousKind[] = [
  'forgeSlices',
  'staleSlices',
  'gapInSlices',
  'withholdStreams',
  'wrongSignals',
];

function principal(id: CanisterId): Principal {
  return Principal.fromUint8Array(principalToBytes(id));
}

export interface SceneOptions {
  readonly seed: string;
  readonly nodes?: readonly [number, number];
  readonly links?: Partial<LinkConditions>;
}

/** A root subnet with canister a, an application subnet with canister b, in the simulator. */
export class XNetScene {
  readonly network: SimNetwork;
  readonly events: TelemetryEvent[] = [];
  /** Nodes of both subnets. */
  readonly nodes: readonly [readonly NodeId[], readonly NodeId[]];
  readonly a: CanisterId;
  readonly b: CanisterId;
  #calls = 0;

  private constructor(network: SimNetwork) {
    this.network = network;
    network.events.subscribe((batch) => this.events.push(...batch.events));
    const [first, second] = network.topology().subnets.map((subnet) => ({
      nodes: subnet.nodes.map(({ nodeId }) => nodeId),
      id: canisterIdFromU64(
        (canisterIdToU64(subnet.canisterRanges[0]?.[0] ?? ('00' as never)) ?? 0n) + 7n,
      ),
    }));
    if (first === undefined || second === undefined) {
      throw new RangeError('two subnets are needed');
    }
    this.nodes = [first.nodes, second.nodes];
    this.a = first.id;
    this.b = second.id;
  }

  /** With both canisters installed. */
  static async start({ seed, nodes = [4, 4], links }: SceneOptions): Promise<XNetScene> {
    const spec = defaultNetworkSpec({ seed, pace: 'mainnet' });
    const network = createSimNetwork(
      {
        ...spec,
        subnets: [
          { type: 'system', nodes: nodes[0] },
          { type: 'application', nodes: nodes[1] },
        ],
        links: { ...spec.links, delayMs: 15, jitterMs: 5, ...links },
      },
      {
        crypto: 'insecure-test-crypto',
        drive: 'demand',
        traceHash: false,
      },
    );
    const scene = new XNetScene(network);
    network.runFor(3000);
    const wasm = await compileWat(CALLER_WAT);
    await scene.#install(scene.a, wasm);
    await scene.#install(scene.b, wasm);
    network.runFor(2000);
    return scene;
  }

  /** By virtual time: an agent would take the expiry from the machine's clock. */
  async #call(
    effective: CanisterId,
    canister: Uint8Array,
    methodName: string,
    arg: Uint8Array,
  ): Promise<void> {
    const { network } = this;
    this.#calls += 1;
    const content = {
      request_type: 'call',
      canister_id: canister,
      method_name: methodName,
      arg,
      sender: ANONYMOUS,
      ingress_expiry: (network.clock.now().timeNs / NS_PER_S + 240n) * NS_PER_S,
      nonce: Uint8Array.of(this.#calls >> 8, this.#calls & 0xff),
    };
    const url = `http://network.test/api/v2/canister/${principal(effective).toText()}/call`;
    const body = Uint8Array.from(encodeCbor({ content }));
    const response = await network.fetch(url, { method: 'POST', body });
    if (response.status !== 202) {
      throw new Error(`${methodName}: ${response.status} ${await response.text()}`);
    }
  }

  async #manage(canister: CanisterId, methodName: string, arg: Uint8Array): Promise<void> {
    await this.#call(canister, MANAGEMENT, methodName, arg);
    this.network.runFor(2500);
  }

  async #install(canister: CanisterId, wasm: Uint8Array): Promise<void> {
    const id = principal(canister);
    await this.#manage(
      canister,
      'provisional_create_canister_with_cycles',
      IDL.encode([IDL.Record({ specified_id: IDL.Principal })], [{ specified_id: id }]),
    );
    const mode = IDL.Variant({ install: IDL.Null });
    const blob = IDL.Vec(IDL.Nat8);
    await this.#manage(
      canister,
      'install_code',
      IDL.encode(
        [IDL.Record({ mode, canister_id: IDL.Principal, wasm_module: blob, arg: blob })],
        [{ mode: { install: null }, canister_id: id, wasm_module: wasm, arg: new Uint8Array(0) }],
      ),
    );
  }

  /** Puts a call to a canister, which has it call the other one; answered some blocks later. */
  async forward(from: 'a' | 'b'): Promise<void> {
    const [caller, callee] = from === 'a' ? [this.a, this.b] : [this.b, this.a];
    const payload = Uint8Array.of(this.#calls >> 8, this.#calls & 0xff);
    const arg = forwardTo(callee, 'echo', 0n, payload);
    await this.#call(caller, principalToBytes(caller), 'forward', arg);
  }

  /** How often a canister's messages of a method were executed, by the heights at which they were. */
  executed(canister: CanisterId, method: string): readonly number[] {
    const seen = new Map<string, number>();
    for (const event of this.events) {
      if (
        event.kind === 'messageExecuted' &&
        event.canisterId === canister &&
        event.method === method
      ) {
        seen.set(`${event.height} ${event.messageId}`, event.height);
      }
    }
    return [...seen.values()].toSorted((x, y) => x - y);
  }

  /** Codes under which nodes refused something of another one. */
  refusals(): ReadonlyMap<string, ReadonlySet<NodeId | null>> {
    const codes = new Map<string, Set<NodeId | null>>();
    for (const event of this.events) {
      if (event.kind === 'artifactRejected') {
        codes.set(event.code, (codes.get(event.code) ?? new Set()).add(event.from));
      }
    }
    return codes;
  }
}
