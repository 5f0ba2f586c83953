import { present } from '../../base/assert.ts';
import { equalBytes } from '../../base/bytes.ts';
import type { Prng } from '../../base/prng.ts';
import { certificateFor } from '../http/read-state.ts';
import { errorReply, httpError } from '../http/http-error.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import { networkTrust } from '../crypto/canister-signature.ts';
import {
  bootstrapRegistry,
  registryCanisterId,
  type BootstrapRegistry,
} from '../registry/bootstrap-registry.ts';
import { certifiedDataPath, encodeCertifiedDeltas } from '../registry/certified-deltas.ts';
import { createLocalRegistry, type LocalRegistry } from '../registry/local-registry.ts';
import { genesisTopology } from '../registry/network-topology.ts';
import {
  createNetworkRegistryClient,
  createRegistryClient,
  type NetworkRegistryClient,
  type RegistryClient,
  type RegistryReader,
} from '../registry/registry-client.ts';
import { genesisState, type ReplicatedState } from '../replicated-state/replicated-state.ts';
import type { CertifiedState } from '../state-manager/state-manager.ts';
import type { SubnetGenesis } from '../types/genesis.ts';
import type { NodeId, RegistryVersion, TimeNs } from '../types/ids.ts';
import type { NetworkTopology } from '../types/network-topology.ts';
import type { SubnetRecord } from '../types/registry.ts';
import type { HttpReply, HttpRequest, NodeEffect, OperationId } from './node-io.ts';
import { changesSince, RegistrySync } from './registry-sync.ts';

export interface NodeRegistryConfig {
  readonly nodeId: NodeId;
  readonly genesis: SubnetGenesis;
  readonly crypto: NodeCrypto;
  readonly rootKeyDer: Uint8Array;
  readonly registryDeltas?: readonly Uint8Array[];
  readonly registry?: readonly SubnetRecord[];
}

export interface NodeRegistryPorts {
  /** Deltas that an earlier life stored, from version 1 on; some may be among the config's. */
  readonly stored: readonly Uint8Array[];
  readonly nextOperation: () => OperationId;
  readonly chance: Prng;
  readonly onTrace: (event: TraceEvent) => void;
  /** Writes a version down, before anything that is signed under it. */
  readonly store: (version: RegistryVersion, encoded: Uint8Array) => void;
}

/**
 * A node's registry. In a network of several subnets: a copy of the registry that the root subnet
 * certifies. The root's own nodes read it in their certified state and serve it to the others.
 * A subnet that is alone has the record that its host keeps.
 */
export interface NodeRegistry {
  readonly reader: RegistryReader;
  newestTopology(): NetworkTopology;
  /** Undefined for a version that has not come. */
  topologyAt(version: RegistryVersion): NetworkTopology | undefined;
  /** The same; undefined also where the subnet is alone: message routing does without then. */
  networkAt(version: RegistryVersion): NetworkTopology | undefined;
  genesisState(): ReplicatedState;
  /** Encoded versions after `since`. */
  deltasSince(since: RegistryVersion): readonly Uint8Array[];
  /** Of the host of a subnet alone. True when something was new. */
  apply(records: readonly SubnetRecord[], nowNs: TimeNs): boolean;
  /**
   * Versions that the node's operator put into its store, uncertified: how a root subnet that makes
   * no blocks is got going again. True when something was new.
   */
  recover(deltas: readonly Uint8Array[], nowNs: TimeNs): boolean;
  /** True when something was new. */
  onCertified(certified: CertifiedState | undefined, nowNs: TimeNs): boolean;
  /** The answer to another node's request; undefined when it is not for this. */
  serve(request: HttpRequest, certified: CertifiedState | undefined): HttpReply | undefined;
  /** What came of an answer; undefined when the question was none of ours. */
  fetched(
    operationId: OperationId,
    reply: HttpReply | null,
    nowNs: TimeNs,
  ): { readonly isNew: boolean } | undefined;
  takeEffects(nowNs: TimeNs): readonly NodeEffect[];
  nextWakeNs(): TimeNs | null;
}

export function createNodeRegistry(
  config: NodeRegistryConfig,
  ports: NodeRegistryPorts,
): NodeRegistry {
  const { registryDeltas } = config;
  return registryDeltas === undefined || registryDeltas.length === 0
    ? lonelyRegistry(config)
    : new NetworkRegistry(config, registryDeltas, ports);
}

function lonelyRegistry({ genesis, registry }: NodeRegistryConfig): NodeRegistry {
  const reader: RegistryClient = createRegistryClient(genesis, registry);
  const topology = genesisTopology([genesis]);
  return {
    reader,
    networkAt: () => undefined,
    newestTopology: () => topology,
    topologyAt: (version) => (reader.recordAt(version) === undefined ? undefined : topology),
    genesisState: () => genesisState(genesis),
    deltasSince: () => [],
    apply: reader.apply,
    recover: () => false,
    onCertified: () => false,
    serve: () => undefined,
    fetched: () => undefined,
    takeEffects: () => [],
    nextWakeNs: () => null,
  };
}

class NetworkRegistry implements NodeRegistry {
  readonly reader: NetworkRegistryClient;
  private readonly config: NodeRegistryConfig;
  private readonly ports: NodeRegistryPorts;
  private readonly initial: readonly Uint8Array[];
  private readonly local: LocalRegistry;
  /** Null on the root subnet. */
  private readonly sync: RegistrySync | null;
  /** What the certified state held when it was looked at last. */
  private seen: BootstrapRegistry | null = null;

  constructor(
    config: NodeRegistryConfig,
    initial: readonly Uint8Array[],
    ports: NodeRegistryPorts,
  ) {
    const { genesis, nodeId, crypto, rootKeyDer } = config;
    this.config = config;
    this.ports = ports;
    this.initial = initial;
    this.local = createLocalRegistry(initial);
    // An earlier life may have known more.
    ports.stored.forEach((encoded) => this.local.apply(encoded));
    this.local.deltas().forEach((encoded, index) => {
      if (index >= ports.stored.length) {
        ports.store(index + 1, encoded);
      }
    });
    this.reader = createNetworkRegistryClient(genesis, this.local);
    this.sync = this.isRoot
      ? null
      : new RegistrySync({
          local: this.local,
          nodeId,
          rootKeyDer,
          bls: networkTrust(crypto, rootKeyDer).bls,
          nextOperation: ports.nextOperation,
          prng: ports.chance,
          onTrace: ports.onTrace,
          onVersion: (encoded) => ports.store(this.local.version(), encoded),
        });
  }

  private get isRoot(): boolean {
    return this.local.newestTopology().rootSubnetId === this.config.genesis.subnetId;
  }

  newestTopology(): NetworkTopology {
    return this.local.newestTopology();
  }

  topologyAt(version: RegistryVersion): NetworkTopology | undefined {
    return this.local.topologyAt(version);
  }

  networkAt(version: RegistryVersion): NetworkTopology | undefined {
    return this.local.topologyAt(version);
  }

  /** The same on every node, whenever it starts: of the version that the subnet was written in. */
  genesisState(): ReplicatedState {
    const { genesis } = this.config;
    const { registryVersion } = genesis;
    const first = this.initial.slice(0, registryVersion);
    const registry = this.isRoot ? bootstrapRegistry(first) : undefined;
    const topology = present(this.topologyAt(registryVersion), 'its own version is known');
    return genesisState(genesis, registry?.ok === true ? registry.value : null, topology);
  }

  deltasSince(since: RegistryVersion): readonly Uint8Array[] {
    return this.local.deltas().slice(since);
  }

  apply(): boolean {
    return false;
  }

  recover(deltas: readonly Uint8Array[], nowNs: TimeNs): boolean {
    return this.takeIn(deltas, nowNs);
  }

  onCertified(certified: CertifiedState | undefined, nowNs: TimeNs): boolean {
    const registry = certified?.state.registry ?? null;
    if (registry === null || registry === this.seen) {
      return false;
    }
    this.seen = registry;
    this.compare(registry);
    return this.takeIn(registry.deltas.slice(this.local.version()), nowNs);
  }

  serve(request: HttpRequest, certified: CertifiedState | undefined): HttpReply | undefined {
    const since = changesSince(request);
    if (since === undefined) {
      return undefined;
    }
    const registry = certified?.state.registry;
    const id = registryCanisterId(this.newestTopology());
    if (
      certified === undefined ||
      registry === null ||
      registry === undefined ||
      id === undefined
    ) {
      return errorReply(httpError('NOT_READY', 'This node has no certified registry.'));
    }
    if (registry.snapshot.version <= since) {
      return { status: 304, contentType: 'text/plain; charset=utf-8', body: new Uint8Array(0) };
    }
    const certificate = certificateFor(certified, [certifiedDataPath(id)], undefined);
    const body = encodeCertifiedDeltas(registry, since, certificate);
    return { status: 200, contentType: 'application/cbor', body };
  }

  fetched(
    operationId: OperationId,
    reply: HttpReply | null,
    nowNs: TimeNs,
  ): { readonly isNew: boolean } | undefined {
    return this.sync?.fetched(operationId, reply, nowNs) === true
      ? { isNew: this.reader.note(nowNs) }
      : undefined;
  }

  takeEffects(nowNs: TimeNs): readonly NodeEffect[] {
    return this.sync?.takeEffects(nowNs) ?? [];
  }

  nextWakeNs(): TimeNs | null {
    return this.sync?.nextWakeNs() ?? null;
  }

  /** What was put into the store uncertified must become the registry's own word. */
  private compare({ deltas }: BootstrapRegistry): void {
    const version = Math.min(deltas.length, this.local.version());
    const [own, certified] = [this.local.deltas()[version - 1], deltas[version - 1]];
    if (own === undefined || certified === undefined || !equalBytes(own, certified)) {
      const message = `Version ${version} of the registry is not the one this node acts on.`;
      this.ports.onTrace({ kind: 'criticalError', code: 'REGISTRY_FORKED', message });
    }
  }

  private takeIn(deltas: readonly Uint8Array[], nowNs: TimeNs): boolean {
    for (const encoded of deltas) {
      const applied = this.local.apply(encoded);
      if (!applied.ok) {
        const { code, message } = applied.error;
        this.ports.onTrace({ kind: 'criticalError', code, message });
        break;
      }
      this.ports.store(applied.value.version, encoded);
    }
    return this.reader.note(nowNs);
  }
}
