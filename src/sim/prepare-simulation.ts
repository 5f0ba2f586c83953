import { present } from '../base/assert.ts';
import { INSECURE_TEST_SUITE } from '../protocol/crypto/insecure-test-crypto.ts';
import { createNodeCrypto } from '../protocol/crypto/node-crypto.ts';
import { createRealSuite } from '../protocol/crypto/real-suite.ts';
import type { CryptoSuite } from '../protocol/crypto/suite.ts';
import type { DelayBudget } from '../protocol/interfaces/replica.ts';
import type { WasmHost } from '../protocol/interfaces/wasm-host.ts';
import { createNodeCore } from '../protocol/node/node-core.ts';
import { createSharedDecoder } from '../protocol/node/wire-decoder.ts';
import { dealNetwork, type DealtNetwork } from '../protocol/registry/deal-network.ts';
import type { DealtSubnet } from '../protocol/types/genesis.ts';
import type { SubnetRecord } from '../protocol/types/registry.ts';
import { nativeStackSize } from '../sandbox/native-stack.ts';
import { createSandbox } from '../sandbox/sandbox.ts';
import type { StackSize } from '../sandbox/stack-segments.ts';
import { dealSpecOf } from '../wire/deal-spec.ts';
import type { NetworkSpec } from '../wire/network-spec.ts';
import { Simulation } from './simulation.ts';
import type { SimulationObserver } from './simulation.ts';

/** From a network spec to a simulation whose nodes are to be started. */

/**
 * `real`: BLS12-381 and Ed25519 in JavaScript; `insecure-test-crypto`: hashes with the same algebra, for
 * simulations only; a suite: the same algorithms on another library.
 */
export type SimCrypto = 'real' | 'insecure-test-crypto' | CryptoSuite;

export interface SimulationOptions {
  readonly crypto: SimCrypto;
  readonly startNs: bigint;
  /** Virtual time that a node's write takes. */
  readonly persistDelayMs: number;
  /** Delays of consensus at a node's start. */
  readonly delays: () => DelayBudget;
  readonly createSandbox?: () => WasmHost;
  /** Where a subnet is alone: versions of its record after the genesis, at a node's start. */
  readonly registry: () => readonly SubnetRecord[];
  /** Where there is a registry: its encoded versions at a node's start; else those of the genesis. */
  readonly registryDeltas?: () => readonly Uint8Array[];
  readonly observer: SimulationObserver;
}

export interface PreparedSimulation {
  readonly simulation: Simulation;
  readonly dealt: DealtNetwork;
  readonly suite: CryptoSuite;
  /** Makes the nodes of one more subnet; they are to be started. */
  add(subnet: DealtSubnet): void;
  /** Of a canister's calls. */
  readonly wasmStackBytes: number;
}

export function suiteOf(crypto: SimCrypto): CryptoSuite {
  switch (crypto) {
    case 'real':
      return createRealSuite();
    case 'insecure-test-crypto':
      return INSECURE_TEST_SUITE;
    default:
      return crypto;
  }
}

/** Throws when this process has less than the spec asks for. */
function stackOf({ wasmStackBytes }: NetworkSpec): StackSize {
  const { bytes } = nativeStackSize();
  if (wasmStackBytes !== null && wasmStackBytes > bytes) {
    throw new RangeError(
      `The spec asks for ${wasmStackBytes} bytes of stack for canisters; this process can give ${bytes}.`,
    );
  }
  const chosen = wasmStackBytes ?? bytes;
  return { bytes: chosen, segmentBytes: chosen };
}

export function prepareSimulation(
  spec: NetworkSpec,
  options: SimulationOptions,
): PreparedSimulation {
  const { crypto, startNs } = options;
  const stack = stackOf(spec);
  const suite = suiteOf(crypto);
  const dealt = dealNetwork(dealSpecOf(spec, startNs), suite);
  const { rootKeyDer } = dealt;
  const subnets: DealtSubnet[] = [...dealt.subnets];
  const decoder = createSharedDecoder();
  const simulation = new Simulation({
    seed: spec.seed,
    startNs,
    subnets: dealt.subnets.map(({ genesis: { nodes, spareNodes } }) =>
      [...nodes, ...spareNodes].map(({ nodeId }) => nodeId),
    ),
    links: spec.links,
    persistDelayMs: options.persistDelayMs,
    createSandbox: options.createSandbox ?? (() => createSandbox({ stack })),
    startCore: (nodeId, start) => {
      const dealtSubnet = subnets.find(({ secrets }) =>
        secrets.some((other) => other.nodeId === nodeId),
      );
      const { genesis, secrets } = present(dealtSubnet, 'nodes have a subnet');
      const own = present(
        secrets.find((other) => other.nodeId === nodeId),
        'secrets were dealt to the node',
      );
      const nodeCrypto = createNodeCrypto(genesis, own, suite);
      const delays = options.delays();
      const registry = options.registry();
      const registryDeltas = options.registryDeltas?.() ?? dealt.registryDeltas;
      const identity = { nodeId, genesis, crypto: nodeCrypto, rootKeyDer, decoder };
      return createNodeCore({ ...identity, delays, registry, registryDeltas, ...start });
    },
    observer: options.observer,
  });
  const add = (subnet: DealtSubnet): void => {
    subnets.push(subnet);
    const { nodes, spareNodes } = subnet.genesis;
    simulation.addSubnet([...nodes, ...spareNodes].map(({ nodeId }) => nodeId));
  };
  return { simulation, dealt, suite, add, wasmStackBytes: stack.bytes };
}
