import { wrapBls } from '../protocol/crypto/der.ts';
import { INSECURE_TEST_SUITE } from '../protocol/crypto/insecure-test-crypto.ts';
import { createNodeCrypto } from '../protocol/crypto/node-crypto.ts';
import { createRealSuite } from '../protocol/crypto/real-suite.ts';
import type { CryptoSuite } from '../protocol/crypto/suite.ts';
import type { DelayBudget } from '../protocol/interfaces/replica.ts';
import type { WasmHost } from '../protocol/interfaces/wasm-host.ts';
import { createNodeCore } from '../protocol/node/node-core.ts';
import { createSharedDecoder } from '../protocol/node/wire-decoder.ts';
import { subnetParametersFor } from '../protocol/node/subnet-parameters.ts';
import { dealSubnet } from '../protocol/registry/genesis.ts';
import type { DealtSubnet, SubnetGenesis } from '../protocol/types/genesis.ts';
import type { SubnetRecord } from '../protocol/types/registry.ts';
import { createSandbox } from '../sandbox/sandbox.ts';
import type { NetworkSpec } from '../wire/network-spec.ts';
import { PACE_SETTINGS } from '../wire/network-spec.ts';
import { Simulation } from './simulation.ts';
import type { SimulationObserver } from './simulation.ts';

/** From a network spec to a simulation whose nodes are to be started. */

export type SimCrypto = 'real' | 'insecure-test-crypto';

export interface SimulationOptions {
  readonly crypto: SimCrypto;
  readonly startNs: bigint;
  /** Virtual time that a node's write takes. */
  readonly persistDelayMs: number;
  /** Delays of consensus at a node's start. */
  readonly delays: () => DelayBudget;
  readonly createSandbox?: () => WasmHost;
  /** Versions of the registry after the genesis, at a node's start. */
  readonly registry: () => readonly SubnetRecord[];
  readonly observer: SimulationObserver;
}

export interface PreparedSimulation {
  readonly simulation: Simulation;
  readonly genesis: SubnetGenesis;
  readonly suite: CryptoSuite;
  readonly rootKeyDer: Uint8Array;
}

function suiteOf(crypto: SimCrypto): CryptoSuite {
  return crypto === 'real' ? createRealSuite() : INSECURE_TEST_SUITE;
}

export function dealNetwork(spec: NetworkSpec, startNs: bigint, crypto: SimCrypto): DealtSubnet {
  const [subnet] = spec.subnets;
  const settings = PACE_SETTINGS[spec.pace];
  const timing = {
    ...settings,
    dkgIntervalLength: spec.dkgIntervalLength ?? settings.dkgIntervalLength,
  };
  return dealSubnet(
    {
      seed: spec.seed,
      index: 0,
      nodes: subnet?.nodes ?? 1,
      spareNodes: subnet?.spareNodes ?? 0,
      parameters: subnetParametersFor(subnet?.type ?? 'application', timing, spec.limits),
      genesisTimeNs: startNs,
    },
    suiteOf(crypto),
  );
}

export function prepareSimulation(
  spec: NetworkSpec,
  options: SimulationOptions,
): PreparedSimulation {
  const { crypto, startNs } = options;
  const suite = suiteOf(crypto);
  const { genesis, secrets } = dealNetwork(spec, startNs, crypto);
  const rootKeyDer = wrapBls(genesis.highTranscript.publicKey);
  const decoder = createSharedDecoder();
  const simulation = new Simulation({
    seed: spec.seed,
    startNs,
    nodeIds: [...genesis.nodes, ...genesis.spareNodes].map((node) => node.nodeId),
    links: spec.links,
    persistDelayMs: options.persistDelayMs,
    createSandbox: options.createSandbox ?? createSandbox,
    startCore: (nodeId, start) => {
      const own = secrets.find((other) => other.nodeId === nodeId);
      if (own === undefined) {
        throw new RangeError(`no secrets were dealt to ${nodeId}`);
      }
      const nodeCrypto = createNodeCrypto(genesis, own, suite);
      const delays = options.delays();
      const registry = options.registry();
      const identity = { nodeId, genesis, crypto: nodeCrypto, rootKeyDer, decoder };
      return createNodeCore({ ...identity, delays, registry, ...start });
    },
    observer: options.observer,
  });
  return { simulation, genesis, suite, rootKeyDer };
}
