import { canisterIdFromU64, canisterIdToU64 } from '../../src/protocol/crypto/principal.ts';
import type { CanisterId, NodeId } from '../../src/protocol/types/ids.ts';
import type { MaliciousKind } from '../../src/protocol/types/malicious.ts';
import { createSimNetwork, type SimNetwork } from '../../src/sim/sim-network.ts';
import type { LinkConditions } from '../../src/wire/network-spec.ts';
import { defaultNetworkSpec } from '../../src/wire/network-spec.ts';
import type { TelemetryEvent } from '../../src/wire/telemetry.ts';
import { CALLER_WAT, forwardTo } from './caller-wat.ts';
import { VirtualClient } from './virtual-client.ts';
import { compileWat } from './wat.ts';

/** Attacks that need a second subnet. */
export const LIES_ABOUT_STREAMS: readonly MaliciousKind[] = [
  'forgeSlices',
  'staleSlices',
  'gapInSlices',
  'withholdStreams',
  'wrongSignals',
];

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
  readonly #client: VirtualClient;

  private constructor(network: SimNetwork) {
    this.network = network;
    this.#client = new VirtualClient(network);
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
        traceHash: false,
      },
    );
    const scene = new XNetScene(network);
    network.runFor(3000);
    const wasm = await compileWat(CALLER_WAT);
    await scene.#client.install(scene.a, wasm);
    await scene.#client.install(scene.b, wasm);
    return scene;
  }

  /** Puts a call to a canister, which has it call the other one; answered some blocks later. */
  async forward(from: 'a' | 'b'): Promise<void> {
    const [caller, callee] = from === 'a' ? [this.a, this.b] : [this.b, this.a];
    const { calls } = this.#client;
    const payload = Uint8Array.of(calls >> 8, calls & 0xff);
    await this.#client.begin(caller, 'forward', forwardTo(callee, 'echo', 0n, payload));
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
