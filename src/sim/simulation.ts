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
import type { MaliciousBehaviour } from '../protocol/types/malicious.ts';
import type { LinkConditions } from '../wire/network-spec.ts';
import { HEALTHY_NODE, type NodeConditions } from '../wire/node-conditions.ts';
import { createEventQueue } from './event-queue.ts';
import { createHttpDesk } from './http-desk.ts';
import type { HttpDesk } from './http-desk.ts';
import { createNodeFetches } from './node-fetches.ts';
import type { NodeFetches } from './node-fetches.ts';
import { createPacketSimulator } from './packet-simulator.ts';
import type { Delivery, DropCause, PacketSimulator } from './packet-simulator.ts';
import { createSimNode } from './sim-node.ts';
import { Arrivals, type RunningNode, type SimNode, type SimulationEvent } from './sim-node.ts';

/**
 * Discrete-event simulation of the nodes of a network: one thread, virtual time, every choice from
 * the seed. The cores are the ones that run in workers; sandbox requests are answered inline.
 */

export interface SimulationConfig {
  readonly seed: string;
  readonly startNs: bigint;
  /** Nodes by subnet, members and others; packets stay within a subnet. */
  readonly subnets: readonly (readonly NodeId[])[];
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
  dropped(from: NodeId, to: NodeId, cause: DropCause): void;
  nodeState(nodeId: NodeId, state: 'running' | 'stopped' | 'crashed', reason: string | null): void;
}

const NS_PER_MS = 1_000_000;
/** A wake-up in the past or present is moved ahead by this, so that virtual time always moves on. */
const LEAST_WAKE_NS = 1000;
/** Replies of one step are fed back at most so often; a core that never rests is broken. */
const MAX_ROUNDS_PER_STEP = 100_000;
/** What a step is taken to cost, per input and once: only slow nodes feel it. */
const COMPUTE_NS_PER_INPUT = 200_000;
/** A node that takes nothing in loses packets beyond these, as from a full socket. */
const MAX_WAITING_INPUTS = 8192;

export class Simulation {
  readonly packets: PacketSimulator;
  private readonly config: SimulationConfig;
  private readonly prng: Prng;
  private readonly queue = createEventQueue<SimulationEvent>();
  private readonly nodes = new Map<NodeId, SimNode>();
  private readonly bySubnet: (readonly SimNode[])[] = [];
  private dirty = new Set<SimNode>();
  /** One for each subnet. */
  private readonly desks: HttpDesk<SimNode>[] = [];
  private readonly fetches: NodeFetches<SimNode>;
  private requests = 0;
  private elapsedNs = 0;

  constructor(config: SimulationConfig) {
    this.config = config;
    this.prng = createPrng(config.seed);
    this.packets = createPacketSimulator(this.prng.fork('packets'), config.links);
    config.subnets.forEach((ids) => this.addSubnet(ids));
    this.fetches = createNodeFetches({
      nowNs: () => this.elapsedNs,
      nodeOf: (id) => this.nodes.get(id),
      idOf: ({ id }) => id,
      isRunning: ({ running }) => running !== null,
      nextRequestId: () => this.nextRequestId(),
      give: (node, input) => this.give(node, input),
      send: (from, to, bytes) => this.deliver(from, to, bytes),
      schedule: (atNs, event) => {
        this.queue.schedule(atNs, event);
      },
    });
  }

  /** Nodes of one more subnet, to be started. */
  addSubnet(ids: readonly NodeId[]): void {
    const nodes = ids.map((id) => createSimNode(id, this.bySubnet.length));
    this.bySubnet.push(nodes);
    nodes.forEach((node) => this.nodes.set(node.id, node));
    const desk = createHttpDesk<SimNode>({
      nodes: () => nodes,
      statusOf: (node) => node.running?.core.status(),
      give: (node, input) => this.give(node, input),
      nextRequestId: () => this.nextRequestId(),
    });
    this.desks.push(desk);
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
    const nowNs = this.localNowNs(node);
    const core = this.config.startCore(nodeId, { incarnation, seed, stored, nowNs });
    node.running = { core, sandbox: this.config.createSandbox() };
    if (node.behaviours.length > 0) {
      node.inputs.push({ kind: 'malicious', behaviours: node.behaviours });
    }
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

  /** Erases what a stopped node has stored; false while it runs. */
  wipe(nodeId: NodeId): boolean {
    const node = this.nodes.get(nodeId);
    if (node === undefined || node.running !== null) {
      return false;
    }
    node.storage.clear();
    return true;
  }

  isStored(nodeId: NodeId, key: string): boolean {
    return this.nodes.get(nodeId)?.storage.has(key) === true;
  }

  /** What a node has stored, by key; whoever edits it damages the disk. */
  diskOf(nodeId: NodeId): Map<string, Uint8Array> | undefined {
    return this.nodes.get(nodeId)?.storage;
  }

  /** Until changed; they outlast restarts. */
  setConditions(nodeId: NodeId, conditions: NodeConditions): void {
    const node = this.nodes.get(nodeId);
    if (node !== undefined) {
      node.conditions = conditions;
      this.dirty.add(node);
    }
  }

  conditionsOf(nodeId: NodeId): NodeConditions {
    return this.nodes.get(nodeId)?.conditions ?? HEALTHY_NODE;
  }

  /** Until changed; a restarted node is as malicious as before. */
  setMalicious(nodeId: NodeId, behaviours: readonly MaliciousBehaviour[]): void {
    const node = this.nodes.get(nodeId);
    if (node !== undefined) {
      node.behaviours = behaviours;
      this.give(node, { kind: 'malicious', behaviours });
    }
  }

  behavioursOf(nodeId: NodeId): readonly MaliciousBehaviour[] {
    return this.nodes.get(nodeId)?.behaviours ?? [];
  }

  /** Gives an input to all running nodes, or to those of one subnet. */
  broadcast(input: NodeInput, subnet?: number): void {
    for (const node of this.nodes.values()) {
      if (subnet === undefined || node.subnet === subnet) {
        this.give(node, input);
      }
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
    while ((this.queue.nextNs() ?? Number.POSITIVE_INFINITY) <= this.elapsedNs) {
      const event = this.queue.pop();
      if (event !== undefined) {
        this.happen(event);
      }
    }
    const { dirty } = this;
    this.dirty = new Set();
    for (const node of this.nodes.values()) {
      if (dirty.has(node)) {
        this.step(node);
      }
    }
    for (const desk of this.desks) {
      desk.dispatch();
    }
    return true;
  }

  /** Moves time ahead without anything happening in between; what was due happens late. */
  jumpTo(elapsedNs: number): void {
    this.elapsedNs = Math.max(this.elapsedNs, elapsedNs);
  }

  /** Puts a client's request to a healthy node of a subnet. Answered when virtual time is driven on. */
  http(
    request: HttpRequest,
    subnet = 0,
  ): { readonly reply: Promise<HttpReply | null>; cancel(): void } {
    const desk = this.desks[subnet];
    return desk?.open(request) ?? { reply: Promise.resolve(null), cancel: () => undefined };
  }

  close(): void {
    for (const node of this.nodes.values()) {
      if (node.running !== null) {
        this.stop(node, 'stopped', null);
      }
    }
  }

  private nextRequestId(): number {
    this.requests += 1;
    return this.requests;
  }

  private give(node: SimNode, input: NodeInput): void {
    const isFull = input.kind === 'packet' && node.inputs.length >= MAX_WAITING_INPUTS;
    if (node.running !== null && !isFull) {
      node.inputs.push(input);
      this.dirty.add(node);
    }
  }

  private happen(event: SimulationEvent): void {
    switch (event.kind) {
      case 'packet':
        event.to.forEach((to) => this.give(to, event.input));
        return;
      case 'wake':
        if (event.node.wakeAtNs === event.atNs && event.node.running !== null) {
          event.node.wakeAtNs = null;
          this.dirty.add(event.node);
        }
        return;
      case 'free':
        this.dirty.add(event.node);
        return;
      case 'fetch':
        this.fetches.happen(event);
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

  /** The node's own reading of the clock. */
  private localNowNs(node: SimNode): bigint {
    const { clockOffsetMs } = node.conditions;
    return clockOffsetMs === 0 ? this.nowNs() : this.nowNs() + BigInt(clockOffsetMs * NS_PER_MS);
  }

  private isAble(node: SimNode): boolean {
    return !node.conditions.paused && node.busyUntilNs <= this.elapsedNs;
  }

  /** A slow node works on the inputs for a while; it is told when it is done. */
  private spend(node: SimNode, inputs: number): void {
    const extraNs = (node.conditions.cpuSlowdown - 1) * (inputs + 1) * COMPUTE_NS_PER_INPUT;
    if (extraNs > 0) {
      node.busyUntilNs = this.elapsedNs + Math.round(extraNs);
      this.queue.schedule(node.busyUntilNs, { kind: 'free', node });
    }
  }

  /** One step of a node, repeated while effects are answered at the same moment. */
  private step(node: SimNode): void {
    let rounds = 0;
    do {
      const { running } = node;
      if (running === null || !this.isAble(node)) {
        return;
      }
      rounds += 1;
      const { inputs } = node;
      node.inputs = [];
      try {
        if (rounds > MAX_ROUNDS_PER_STEP) {
          throw new RangeError('the node answers its own effects without end');
        }
        const output = running.core.step(this.localNowNs(node), inputs);
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
        this.spend(node, inputs.length);
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
    const relative =
      Number(wakeNs - this.config.startNs) - node.conditions.clockOffsetMs * NS_PER_MS;
    const atNs = Math.max(relative, this.elapsedNs + LEAST_WAKE_NS);
    if (node.wakeAtNs !== atNs) {
      node.wakeAtNs = atNs;
      this.queue.schedule(atNs, { kind: 'wake', node, atNs });
    }
  }

  private send(node: SimNode, transmit: Transmit): void {
    this.config.observer.packet(node.id, transmit);
    const arrivals = new Arrivals({ kind: 'packet', from: node.id, bytes: transmit.bytes });
    for (const to of this.bySubnet[node.subnet] ?? []) {
      if (to === node || (transmit.to !== 'all' && transmit.to !== to.id)) {
        continue;
      }
      for (const atNs of this.deliver(node.id, to.id, transmit.bytes.length).arrivalsNs) {
        arrivals.add(atNs, to);
      }
    }
    arrivals.schedule(this.queue);
  }

  private deliver(from: NodeId, to: NodeId, bytes: number): Delivery {
    const delivery = this.packets.send(from, to, this.elapsedNs, bytes);
    if (delivery.dropped !== null) {
      this.config.observer.dropped(from, to, delivery.dropped);
    }
    return delivery;
  }

  private perform(node: SimNode, running: RunningNode, effect: NodeEffect): void {
    switch (effect.kind) {
      case 'sandbox': {
        const reply = running.sandbox.handle(effect.request);
        node.inputs.push({ kind: 'sandboxReply', operationId: effect.operationId, reply });
        return;
      }
      case 'persist': {
        const { operationId, writes } = effect;
        const delayMs = this.config.persistDelayMs + node.conditions.diskDelayMs;
        if (node.conditions.failWrites) {
          this.stop(node, 'crashed', 'the disk failed: a write was refused');
        } else if (delayMs === 0) {
          this.write(node, writes);
          node.inputs.push({ kind: 'persisted', operationId });
        } else {
          const { incarnation } = node;
          const atNs = this.elapsedNs + delayMs * NS_PER_MS;
          this.queue.schedule(atNs, { kind: 'persisted', node, incarnation, operationId, writes });
        }
        return;
      }
      case 'fetch':
        this.fetches.begin(node, effect);
        return;
      case 'httpReply':
        if (!this.fetches.answered(effect.requestId, effect.reply)) {
          this.desks[node.subnet]?.answered(effect.requestId, effect.reply);
        }
    }
  }

  private stop(node: SimNode, state: 'stopped' | 'crashed', reason: string | null): void {
    node.running?.sandbox.close();
    node.running = null;
    node.reason = reason;
    node.inputs = [];
    node.wakeAtNs = null;
    node.busyUntilNs = 0;
    this.dirty.delete(node);
    this.config.observer.nodeState(node.id, state, reason);
    this.fetches.stopped(node);
    this.desks[node.subnet]?.stopped(node);
  }
}
