import { bytesToHex } from '../../base/hex.ts';
import { present } from '../../base/assert.ts';
import { createPrng } from '../../base/prng.ts';
import { codedError, err, ok, type Result } from '../../base/result.ts';
import { createNodeCrypto } from '../../protocol/crypto/node-crypto.ts';
import type { CryptoSuite } from '../../protocol/crypto/suite.ts';
import { createNodeCore } from '../../protocol/node/node-core.ts';
import type { NodeCore, NodeStatus } from '../../protocol/node/node-io.ts';
import { registeredNodes } from '../../protocol/registry/registry-change.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import { HEALTHY_NODE, type NodeConditions } from '../../wire/node-conditions.ts';
import { createHostTimers } from '../clock/host-timers.ts';
import { createNetworkClock, type NetworkClock, withRate } from '../clock/network-clock.ts';
import { createScheduler, type Scheduler } from '../clock/scheduler.ts';
import { exposeControl } from '../control/remote.ts';
import { loadCryptoSuite, WORKER_CRYPTO_NAME } from '../crypto/choose-suite.ts';
import {
  type GatewayRequest,
  type NodeToGateway,
  type PortLike,
  portLike,
} from '../gateway/messages.ts';
import { createSandboxClient, type SandboxClient } from '../sandbox/sandbox-client.ts';
import { createSandboxPool } from '../sandbox/sandbox-pool.ts';
import { startSandboxWorker } from '../sandbox/start-sandbox.ts';
import { createFaultyStorage } from '../storage/faulty-storage.ts';
import { openNodeStorage } from '../storage/node-storage.ts';
import type { StoragePort, StoredRecord } from '../storage/storage-port.ts';
import { openBroadcastChannel } from '../transport/broadcast-channel.ts';
import { memoChannelName, subnetChannels } from '../transport/channel-like.ts';
import { createLinkTable, type LinkTable } from '../transport/link-table.ts';
import { openMeshPort } from '../transport/mesh-port.ts';
import { createTransport, type Transport } from '../transport/transport.ts';
import { openSubnetLinks, type SubnetLinks } from '../xnet/subnet-links.ts';
import type {
  NodeControl,
  NodeLinks,
  NodeMessage,
  NodeStart,
  NodeStartError,
  SignatureLibrary,
} from './control.ts';
import { createNodeHost, describeError, type NodeHost } from './node-host.ts';
import { readForStart } from './stored-records.ts';
import { createTelemetryOutbox, type TelemetryOutbox } from './telemetry-outbox.ts';
import { type TimedCrypto, timeCrypto } from './timed-crypto.ts';
import { createVerificationMemo } from './verification-memo.ts';

/** One node of the network: the core with a real transport, clock, disk and sandbox around it. */
interface RunningNode {
  readonly clock: NetworkClock;
  readonly scheduler: Scheduler;
  readonly links: LinkTable;
  readonly transport: Transport;
  /** Undefined where a subnet is alone. */
  readonly subnetLinks: SubnetLinks | undefined;
  readonly host: NodeHost;
  readonly core: NodeCore;
  readonly timed: TimedCrypto;
  readonly sandbox: SandboxClient;
  readonly blsBackend: string;
}

let disk: StoragePort | undefined;
const timers = createHostTimers();
const stopwatchMs = (): number => performance.now();
const suites = new Map<SignatureLibrary, Promise<CryptoSuite>>();
let node: RunningNode | undefined;
/** Ports to peers that started while this node did. */
const earlyPorts: (readonly [peerId: NodeId, port: MessagePort])[] = [];
/** Nodes of a subnet that was added while this node started. */
const earlyNeighbours: NodeId[] = [];
let conditions: NodeConditions = HEALTHY_NODE;

function suiteOn(library: SignatureLibrary): Promise<CryptoSuite> {
  const suite = suites.get(library) ?? loadCryptoSuite(library);
  suites.set(library, suite);
  return suite;
}

async function start(config: NodeStart): Promise<Result<void, NodeStartError>> {
  if (node !== undefined) {
    return err(codedError('protocol', 'ALREADY_STARTED', 'this worker already hosts a node'));
  }
  ({ conditions } = config);
  if (config.genesis.cryptoName !== WORKER_CRYPTO_NAME) {
    const message = `the genesis wants ${config.genesis.cryptoName}, which only simulations may use`;
    return err(codedError('trust', 'INSECURE_CRYPTO_REFUSED', message));
  }
  const suiteLoading = suiteOn(config.signatureLibrary);
  const opened = await openNodeStorage(config.networkId, config.secrets.nodeId);
  if (!opened.ok) {
    return err(codedError('transport', 'STORAGE_FAILED', opened.error.message));
  }
  disk = opened.value;
  const lost: string[] = [];
  const stored = await readForStart(opened.value, (key) => lost.push(key));
  if (!stored.ok) {
    return err(codedError('transport', 'STORAGE_FAILED', stored.error.message));
  }
  const { secrets, genesis } = config;
  const suite = withMemo(config, await suiteLoading);
  const entropy = crypto.getRandomValues(new Uint8Array(32));
  const nodeCrypto = createNodeCrypto(genesis, secrets, suite, { entropy });
  const timed = timeCrypto(nodeCrypto, stopwatchMs);
  const core = createNodeCore({
    nodeId: secrets.nodeId,
    genesis,
    crypto: timed.crypto,
    rootKeyDer: config.rootKeyDer,
    incarnation: config.incarnation,
    seed: config.seed,
    ...stored.value,
    isStorageChecked: true,
    delays: config.delays,
    registry: config.registry,
    registryDeltas: config.registryDeltas,
  });
  node = {
    ...assemble(config, core, { storage: opened.value, lost }, timed),
    blsBackend: suite.bls.name,
  };
  if (config.behaviours.length > 0) {
    node.host.setMalicious(config.behaviours);
  }
  return ok(undefined);
}

/** Answers whether the disk did it. */
async function removeRecords(storage: StoragePort, keys: readonly string[]): Promise<boolean> {
  const writes = keys.map((key) => ({ op: 'delete' as const, key }));
  return (await storage.write({ writes })).ok;
}

function withMemo({ networkId, genesis, memoSecret }: NodeStart, suite: CryptoSuite): CryptoSuite {
  if (memoSecret === undefined) {
    return suite;
  }
  const channel = openBroadcastChannel(memoChannelName(networkId, genesis.subnetId));
  return createVerificationMemo({ suite, secret: memoSecret, channel, timers }).suite;
}

interface NodeDisk {
  readonly storage: StoragePort;
  /** Keys of records that were needed and are damaged. */
  readonly lost: readonly string[];
}

function assemble(
  config: NodeStart,
  core: NodeCore,
  { storage, lost }: NodeDisk,
  timed: TimedCrypto,
): Omit<RunningNode, 'blsBackend'> {
  const { nodeId } = config.secrets;
  const page = portLike<never, NodeMessage>(config.telemetryPort);
  const gateway = portLike<GatewayRequest, NodeToGateway>(config.gatewayPort);
  const clock = createNetworkClock(config.clock, Date.now);
  const scheduler = createScheduler(clock, timers);
  let status: NodeStatus = core.status();
  const telemetry = createTelemetryOutbox({
    nodeId,
    timers,
    nowNs: clock.nowNs,
    post: (batch) => {
      page.post({ kind: 'batch', batch });
      gateway.post({ kind: 'health', certifiedHeight: status.certified });
    },
  });
  for (const message of storage.damage?.() ?? []) {
    telemetry.trace([{ kind: 'criticalError', code: 'STORAGE_DAMAGED', message }]);
  }
  // The page ends the worker when it hears this; the host takes no more input by then.
  const end = async (reason: string): Promise<void> => {
    const isWithout = lost.length > 0 && (await removeRecords(storage, lost));
    if (isWithout) {
      telemetry.trace([{ kind: 'criticalError', code: 'STORAGE_DAMAGED', message: reason }]);
    }
    telemetry.flush();
    page.post({ kind: 'fatal', reason, startAgain: isWithout });
  };
  const onFatal = (reason: string): void => void end(reason);
  const links = createLinkTable(createPrng(config.seed).fork('links'), clock.nowNs());
  applyLinks(links, config.links);
  const parts = { clock, scheduler, links, telemetry };
  const transport = openTransport(config, parts);
  const subnetLinks = openLinksToNeighbours(config, parts);
  for (const [peerId, port] of [...config.mesh, ...earlyPorts.splice(0)]) {
    connect({ transport, subnetLinks }, peerId, port);
  }
  const sandbox = createSandboxPool(
    Array.from({ length: config.sandboxes.workers }, () =>
      createSandboxClient({
        start: (events, afterFault) =>
          startSandboxWorker(config.sandboxes, config.modulesPort, events, afterFault),
        timers,
        onFatal,
      }),
    ),
  );
  const host = createNodeHost({
    core,
    conditions,
    transport,
    clock,
    scheduler,
    timers,
    storage: createFaultyStorage(storage, () => conditions, { timers, nowMs: stopwatchMs }),
    sandbox,
    fetch: subnetLinks?.fetch ?? ((_to, _request, done) => done(null)),
    telemetry,
    stopwatchMs,
    onFatal,
    onStep: (next) => {
      status = next;
    },
  });
  serveHttp(gateway, host);
  return { clock, scheduler, links, transport, subnetLinks, host, core, timed, sandbox };
}

interface TransportParts {
  readonly clock: NetworkClock;
  readonly scheduler: Scheduler;
  readonly links: LinkTable;
  readonly telemetry: TelemetryOutbox;
}

function openTransport(config: NodeStart, parts: TransportParts): Transport {
  const { telemetry } = parts;
  return createTransport({
    ...parts,
    channels: subnetChannels(config.networkId, config.genesis.subnetId),
    nodeId: config.secrets.nodeId,
    members: new Set(registeredNodes(config.genesis)),
    connectionId: newConnectionId(),
    openChannel: openBroadcastChannel,
    onPacket: (from, bytes) => node?.host.packet(from as NodeId, bytes),
    onDropped: (from, cause) => telemetry.linkDropped(from as NodeId, cause),
    onRejected: (from, { code, message }) =>
      telemetry.trace([{ kind: 'packetRejected', from: from as NodeId | null, code, message }]),
  });
}

function newConnectionId(): string {
  return bytesToHex(crypto.getRandomValues(new Uint8Array(8)));
}

function openLinksToNeighbours(
  { networkId, secrets, neighbours, registryDeltas }: NodeStart,
  parts: TransportParts,
): SubnetLinks | undefined {
  const { telemetry } = parts;
  return registryDeltas.length === 0
    ? undefined
    : openSubnetLinks({
        ...parts,
        networkId,
        nodeId: secrets.nodeId,
        strangers: [...neighbours, ...earlyNeighbours.splice(0)],
        connectionId: newConnectionId(),
        openChannel: openBroadcastChannel,
        firstId: present(crypto.getRandomValues(new Uint32Array(1))[0], 'one number was drawn'),
        serve: (from, request, onReply) =>
          node?.host.http(request, onReply, from) ?? (() => undefined),
        onDropped: telemetry.linkDropped,
        onRejected: (from, { code, message }) =>
          telemetry.trace([{ kind: 'packetRejected', from, code, message }]),
      });
}

/** A port to a peer of the own subnet or of another one. */
function connect(
  { transport, subnetLinks }: Pick<RunningNode, 'transport' | 'subnetLinks'>,
  peerId: NodeId,
  port: MessagePort,
): void {
  const links = subnetLinks?.leadsTo(peerId) === true ? subnetLinks : transport;
  links.connect(peerId, openMeshPort(port));
}

function serveHttp(gateway: PortLike<GatewayRequest, NodeToGateway>, host: NodeHost): void {
  const open = new Map<number, () => void>();
  gateway.listen((message) => {
    const { id } = message;
    if (message.kind === 'cancel') {
      open.get(id)?.();
      open.delete(id);
      return;
    }
    const withdraw = host.http(message.request, (reply) => {
      open.delete(id);
      gateway.post({ kind: 'reply', id, reply });
    });
    open.set(id, withdraw);
  });
}

function applyLinks(table: LinkTable, links: NodeLinks): void {
  for (const [from, onLink] of links.conditions) {
    table.set(from, onLink);
  }
  table.setReachable(links.reachable === null ? null : new Set(links.reachable));
}

/** The asker has these values: copying them again would cost more than all the others. */
function withoutKnown(
  records: readonly StoredRecord[],
  known: ReadonlySet<string>,
): readonly StoredRecord[] {
  return records.map((record) =>
    known.has(record.key) ? { key: record.key, value: new Uint8Array() } : record,
  );
}

const control: NodeControl = {
  prepare: (library) => {
    void suiteOn(library);
  },
  start: async (config) => {
    try {
      return await start(config);
    } catch (error) {
      const message: NodeMessage = {
        kind: 'fatal',
        reason: describeError(error),
        startAgain: false,
      };
      config.telemetryPort.postMessage(message);
      throw error;
    }
  },
  setWorld: (world) => {
    control.setClock(world.clock);
    control.setDelays(world.delays);
    control.applyRegistry(world.registry);
    control.setLinks(world.links);
    control.setConditions(world.conditions);
    control.setMalicious(world.behaviours);
  },
  setClock: (setting) => {
    node?.clock.apply(setting);
    node?.scheduler.rearm();
  },
  setDelays: (delays) => node?.host.setDelays(delays),
  applyRegistry: (records) => node?.host.applyRegistry(records),
  recoverRegistry: (deltas) => node?.host.recoverRegistry(deltas),
  registrySince: (version) => node?.core.registrySince(version) ?? [],
  addNeighbours: (nodeIds) => {
    if (node === undefined) {
      earlyNeighbours.push(...nodeIds);
    } else {
      node.subnetLinks?.add(nodeIds);
    }
  },
  setLinks: (links) => {
    if (node !== undefined) {
      applyLinks(node.links, links);
    }
  },
  setConditions: (next) => {
    conditions = next;
    node?.host.setConditions(next);
  },
  setMalicious: (behaviours) => node?.host.setMalicious(behaviours),
  connectPeer: (port, peerId) => {
    if (node === undefined) {
      earlyPorts.push([peerId, port]);
    } else {
      connect(node, peerId, port);
    }
  },
  peerGone: (peerId) => node?.subnetLinks?.peerGone(peerId),
  runUntilFinalized: (setting, height) =>
    new Promise((resolve, reject) => {
      if (node === undefined) {
        reject(new TypeError('the node was not started'));
        return;
      }
      const { clock, scheduler, host } = node;
      clock.apply(setting);
      scheduler.rearm();
      host.whenFinalized(height, () => {
        clock.apply(withRate(clock.setting(), 0, Date.now()));
        scheduler.rearm();
        resolve({ height: host.status().finalized, timeNs: clock.nowNs() });
      });
    }),
  findArtifact: (reference) => node?.core.findArtifact(reference) ?? null,
  readDisk: async (known) => {
    if (disk === undefined) {
      return err(codedError('transport', 'STORAGE_CLOSED', 'the node was not started'));
    }
    const records = await disk.readAll();
    return records.ok && known !== undefined ? ok(withoutKnown(records.value, known)) : records;
  },
  findBlockHeight: (hash) => node?.core.findBlockHeight(hash) ?? null,
  report: () => {
    if (node === undefined) {
      throw new TypeError('the node was not started');
    }
    return {
      status: node.host.status(),
      load: {
        busyMs: node.host.busyMs(),
        cryptoMs: node.timed.elapsedMs(),
        blsBackend: node.blsBackend,
        sandboxes: node.sandbox.running(),
      },
    };
  },
};

exposeControl(control);
