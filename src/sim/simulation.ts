import { createPrng } from '../base/prng.ts';
import type { Prng } from '../base/prng.ts';
import type { TraceEvent } from '../protocol/interfaces/trace.ts';
import type { WasmHost } from '../protocol/interfaces/wasm-host.ts';
import type {
  HttpReply,
  HttpRequest,
  NodeCore,
  NodeEffect,
  NodeInput,
  NodeStatus,
  StorageWrite,
  Transmit,
} from '../protocol/node/node-io.ts';
import type { NodeId } from '../protocol/types/ids.ts';
import type { LinkConditions } from '../wire/network-spec.ts';
import { createEventQueue } from './event-queue.ts';
import { createPacketSimulator } from './packet-simulator.ts';
import type { PacketSimulator } from './packet-simulator.ts';

/**
 * Discrete-event simulation of the nodes of a network: one thread, virtual time, every choice from
 * the seed. The cores are the ones that run in workers; sandbox requests are answered inline.
 */

export interface SimulationConfig {
  readonly seed: string;
  readonly startNs: bigint;
  readonly nodeIds: readonly NodeId[];
  readonly links: LinkConditions;
  /** Virtual time a write takes; a node killed within loses it. */
  readonly persistDelayMs: number;
  readonly startCore: (nodeId: NodeId, start: NodeStart) => NodeCore;
  readonly createSandbox: () => WasmHost;
  readonly observer: SimulationObserver;
}

export interface NodeStart {
  readonly incarnation: number;
  readonly seed: string;
  readonly stored: readonly (readonly [string, Uint8Array])[];
  readonly nowNs: bigint;
}

/** Hears everything that happens, in order. */
export interface SimulationObserver {
  trace(nodeId: NodeId, event: TraceEvent, atNs: number): void;
  packet(from: NodeId, transmit: Transmit): void;
  dropped(from: NodeId, to: NodeId, cause: 'loss' | 'cut' | 'partition'): void;
  nodeState(nodeId: NodeId, state: 'running' | 'stopped' | 'crashed', reason: string | null): void;
}

type SimulationEvent =
  | {
      readonly kind: 'packet';
      readonly to: SimNode;
      readonly from: NodeId;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'wake'; readonly node: SimNode; readonly atNs: number }
  | {
      readonly kind: 'persisted';
      readonly node: SimNode;
      readonly incarnation: number;
      readonly operationId: number;
      readonly writes: readonly StorageWrite[];
    };

interface Running {
  readonly core: NodeCore;
  readonly sandbox: WasmHost;
}

interface SimNode {
  readonly id: NodeId;
  readonly storage: Map<string, Uint8Array>;
  running: Running | null;
  reason: string | null;
  incarnation: number;
  inputs: NodeInput[];
  wakeAtNs: number | null;
}

interface OpenRequest {
  readonly request: HttpRequest;
  readonly resolve: (reply: HttpReply | null) => void;
  /** Null while no node can serve it. */
  node: SimNode | null;
  attempts: number;
}

const NS_PER_MS = 1_000_000;
/** A wake-up in the past or present is moved ahead by this, so that virtual time always moves on. */
const LEAST_WAKE_NS = 1000;
const MAX_HTTP_ATTEMPTS = 3;
/** A node this far behind the best is not asked by clients. */
const HEALTHY_WITHIN_HEIGHTS = 5;
/** Replies of one step are fed back at most so often; a core that never rests is broken. */
const MAX_ROUNDS_PER_STEP = 100_000;

export class Simulation {
  readonly packets: PacketSimulator;
  private readonly config: SimulationConfig;
  private readonly prng: Prng;
  private readonly queue = createEventQueue<SimulationEvent>();
  private readonly nodes: ReadonlyMap<NodeId, SimNode>;
  private readonly dirty = new Set<SimNode>();
  private readonly requests = new Map<number, OpenRequest>();
  private elapsedNs = 0;
  private nextRequestId = 1;
  private nextGateway = 0;

  constructor(config: SimulationConfig) {
    this.config = config;
    this.prng = createPrng(config.seed);
    this.packets = createPacketSimulator(this.prng.fork('packets'), config.links);
    this.nodes = new Map(
      config.nodeIds.map((id) => [
        id,
        {
          id,
          storage: new Map(),
          running: null,
          reason: null,
          incarnation: 0,
          inputs: [],
          wakeAtNs: null,
        },
      ]),
    );
  }

  nowNs(): bigint {
    return this.config.startNs + BigInt(this.elapsedNs);
  }

  /** Nanoseconds since the start. */
  elapsed(): number {
    return this.elapsedNs;
  }

  start(nodeId: NodeId): boolean {
    const node = this.nodes.get(nodeId);
    if (node === undefined || node.running !== null) {
      return false;
    }
    node.incarnation += 1;
    node.reason = null;
    const { incarnation } = node;
    const seed = `${this.config.seed}/${nodeId}/${incarnation}`;
    const stored = [...node.storage];
    const core = this.config.startCore(nodeId, { incarnation, seed, stored, nowNs: this.nowNs() });
    node.running = { core, sandbox: this.config.createSandbox() };
    this.dirty.add(node);
    this.config.observer.nodeState(nodeId, 'running', null);
    return true;
  }

  kill(nodeId: NodeId): boolean {
    const node = this.nodes.get(nodeId);
    if (node === undefined || node.running === null) {
      return false;
    }
    this.stop(node, 'stopped', null);
    return true;
  }

  /** Gives an input to all running nodes. */
  broadcast(input: NodeInput): void {
    for (const node of this.nodes.values()) {
      this.give(node, input);
    }
  }

  isRunning(nodeId: NodeId): boolean {
    return this.coreOf(nodeId) !== undefined;
  }

  reasonOf(nodeId: NodeId): string | null {
    return this.nodes.get(nodeId)?.reason ?? null;
  }

  coreOf(nodeId: NodeId): NodeCore | undefined {
    return this.nodes.get(nodeId)?.running?.core;
  }

  statusOf(nodeId: NodeId): NodeStatus | undefined {
    return this.coreOf(nodeId)?.status();
  }

  /** Virtual time of the next thing that happens, ns since the start; undefined = nothing ever. */
  nextNs(): number | undefined {
    return this.dirty.size > 0 ? this.elapsedNs : this.queue.nextNs();
  }

  /** Runs everything of the next moment, if it is not after the limit; false when there is nothing. */
  runNext(limitNs: number): boolean {
    const next = this.nextNs();
    if (next === undefined || next > limitNs) {
      return false;
    }
    this.elapsedNs = Math.max(this.elapsedNs, next);
    for (
      let at = this.queue.nextNs();
      at !== undefined && at <= this.elapsedNs;
      at = this.queue.nextNs()
    ) {
      const event = this.queue.pop();
      if (event !== undefined) {
        this.happen(event);
      }
    }
    const woken = [...this.nodes.values()].filter((node) => this.dirty.has(node));
    this.dirty.clear();
    for (const node of woken) {
      this.step(node);
    }
    if (this.requests.size > 0) {
      this.dispatch();
    }
    return true;
  }

  /** Moves time ahead without anything happening in between; what was due happens late. */
  jumpTo(elapsedNs: number): void {
    this.elapsedNs = Math.max(this.elapsedNs, elapsedNs);
  }

  /** Puts a client's request to a healthy node. Answered when virtual time is driven on. */
  http(request: HttpRequest): { readonly reply: Promise<HttpReply | null>; cancel(): void } {
    const requestId = this.nextRequestId++;
    const reply = new Promise<HttpReply | null>((resolve) => {
      this.requests.set(requestId, { request, resolve, node: null, attempts: 0 });
      this.dispatch();
    });
    const cancel = (): void => {
      const open = this.requests.get(requestId);
      if (open !== undefined) {
        this.requests.delete(requestId);
        if (open.node !== null) {
          this.give(open.node, { kind: 'httpCancelled', requestId });
        }
        open.resolve(null);
      }
    };
    return { reply, cancel };
  }

  close(): void {
    for (const node of this.nodes.values()) {
      if (node.running !== null) {
        this.stop(node, 'stopped', null);
      }
    }
  }

  private give(node: SimNode, input: NodeInput): void {
    if (node.running !== null) {
      node.inputs.push(input);
      this.dirty.add(node);
    }
  }

  private happen(event: SimulationEvent): void {
    switch (event.kind) {
      case 'packet':
        this.give(event.to, { kind: 'packet', from: event.from, bytes: event.bytes });
        return;
      case 'wake':
        if (event.node.wakeAtNs === event.atNs && event.node.running !== null) {
          event.node.wakeAtNs = null;
          this.dirty.add(event.node);
        }
        return;
      case 'persisted':
        if (event.node.incarnation === event.incarnation && event.node.running !== null) {
          this.write(event.node, event.writes);
          this.give(event.node, { kind: 'persisted', operationId: event.operationId });
        }
    }
  }

  private write(node: SimNode, writes: readonly StorageWrite[]): void {
    for (const write of writes) {
      if (write.op === 'put') {
        node.storage.set(write.key, write.value);
      } else {
        node.storage.delete(write.key);
      }
    }
  }

  /** One step of a node, repeated while effects are answered at the same moment. */
  private step(node: SimNode): void {
    let rounds = 0;
    do {
      const { running } = node;
      if (running === null) {
        return;
      }
      rounds += 1;
      const { inputs } = node;
      node.inputs = [];
      try {
        if (rounds > MAX_ROUNDS_PER_STEP) {
          throw new RangeError('the node answers its own effects without end');
        }
        const output = running.core.step(this.nowNs(), inputs);
        for (const event of output.trace) {
          this.config.observer.trace(node.id, event, this.elapsedNs);
        }
        for (const transmit of output.transmits) {
          this.send(node, transmit);
        }
        for (const effect of output.effects) {
          this.perform(node, running, effect);
        }
        this.wakeAt(node, output.nextWakeNs);
      } catch (error) {
        this.stop(
          node,
          'crashed',
          error instanceof Error ? (error.stack ?? error.message) : String(error),
        );
        return;
      }
    } while (node.inputs.length > 0);
    this.dirty.delete(node);
  }

  private wakeAt(node: SimNode, wakeNs: bigint | null): void {
    if (wakeNs === null) {
      node.wakeAtNs = null;
      return;
    }
    const relative = Number(wakeNs - this.config.startNs);
    const atNs = Math.max(relative, this.elapsedNs + LEAST_WAKE_NS);
    if (node.wakeAtNs !== atNs) {
      node.wakeAtNs = atNs;
      this.queue.schedule(atNs, { kind: 'wake', node, atNs });
    }
  }

  private send(node: SimNode, transmit: Transmit): void {
    this.config.observer.packet(node.id, transmit);
    for (const to of this.nodes.values()) {
      if (to === node || (transmit.to !== 'all' && transmit.to !== to.id)) {
        continue;
      }
      const delivery = this.packets.send(node.id, to.id, this.elapsedNs);
      if (delivery.dropped !== null) {
        this.config.observer.dropped(node.id, to.id, delivery.dropped);
      }
      for (const atNs of delivery.arrivalsNs) {
        this.queue.schedule(atNs, { kind: 'packet', to, from: node.id, bytes: transmit.bytes });
      }
    }
  }

  private perform(node: SimNode, running: Running, effect: NodeEffect): void {
    switch (effect.kind) {
      case 'sandbox': {
        const reply = running.sandbox.handle(effect.request);
        node.inputs.push({ kind: 'sandboxReply', operationId: effect.operationId, reply });
        return;
      }
      case 'persist': {
        const { operationId, writes } = effect;
        if (this.config.persistDelayMs === 0) {
          this.write(node, writes);
          node.inputs.push({ kind: 'persisted', operationId });
        } else {
          const { incarnation } = node;
          const atNs = this.elapsedNs + this.config.persistDelayMs * NS_PER_MS;
          this.queue.schedule(atNs, { kind: 'persisted', node, incarnation, operationId, writes });
        }
        return;
      }
      case 'httpReply': {
        const open = this.requests.get(effect.requestId);
        this.requests.delete(effect.requestId);
        open?.resolve(effect.reply);
      }
    }
  }

  private stop(node: SimNode, state: 'stopped' | 'crashed', reason: string | null): void {
    node.running?.sandbox.close();
    node.running = null;
    node.reason = reason;
    node.inputs = [];
    node.wakeAtNs = null;
    this.dirty.delete(node);
    this.config.observer.nodeState(node.id, state, reason);
    // Requests are idempotent (calls by their request id), so another node may answer.
    for (const open of this.requests.values()) {
      if (open.node === node) {
        open.node = null;
      }
    }
    this.dispatch();
  }

  /** Gives waiting requests to nodes that can serve them; with no node left, nobody ever will. */
  private dispatch(): void {
    for (const [requestId, open] of [...this.requests]) {
      if (open.node !== null) {
        continue;
      }
      const node = this.chooseGateway();
      const hopeless = open.attempts >= MAX_HTTP_ATTEMPTS || !this.isAnyRunning();
      if (node !== undefined && !hopeless) {
        open.node = node;
        open.attempts += 1;
        this.give(node, { kind: 'httpRequest', requestId, request: open.request });
      } else if (hopeless) {
        this.requests.delete(requestId);
        open.resolve(null);
      }
    }
  }

  private isAnyRunning(): boolean {
    return [...this.nodes.values()].some((node) => node.running !== null);
  }

  /** A running node with a certified state that is not far behind the best. */
  private chooseGateway(): SimNode | undefined {
    const statuses = [...this.nodes.values()].flatMap((node) => {
      const status = node.running?.core.status();
      return status === undefined || status.certified === 0 ? [] : [{ node, status }];
    });
    const best = Math.max(0, ...statuses.map(({ status }) => status.executed));
    const healthy = statuses.filter(
      ({ status }) => status.executed + HEALTHY_WITHIN_HEIGHTS >= best,
    );
    this.nextGateway += 1;
    return healthy[this.nextGateway % Math.max(1, healthy.length)]?.node;
  }
}
