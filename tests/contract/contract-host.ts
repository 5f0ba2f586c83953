import assert from 'node:assert/strict';
import type { Result } from '../../src/base/result.ts';
import type { NodeId, SubnetId } from '../../src/protocol/types/ids.ts';
import type {
  Network,
  NetworkClock,
  NetworkError,
  NetworkErrorCode,
  NetworkRegistry,
} from '../../src/wire/network.ts';

type Later<T> = T | Promise<T>;

/**
 * The network as the contract sees it. A network in a browser is reached over a process boundary:
 * what answers at once there may take its time here, and `snapshot().clock` tells the time.
 */
export interface ContractNetwork extends Omit<Network, 'clock' | 'registry'> {
  readonly clock: Omit<NetworkClock, 'now'>;
  readonly registry: {
    version(subnetId?: SubnetId): Later<ReturnType<NetworkRegistry['version']>>;
    record(subnetId?: SubnetId): Later<ReturnType<NetworkRegistry['record']>>;
    readonly update: NetworkRegistry['update'];
    readonly addSubnet: NetworkRegistry['addSubnet'];
  };
}

/** A started network of four nodes with real crypto, on whichever host. */
export interface ContractHost {
  readonly network: ContractNetwork;
  /** Lets about that much time pass for a network whose clock runs; a paused one stands still. */
  pass(ms: number): Promise<void>;
}

/** One named promise of `Network`; any test runner can run it. Rejects when a host breaks it. */
export interface ContractCase {
  readonly title: string;
  run(host: ContractHost): Promise<void>;
}

const POLL_MS = 250;

export async function heights(network: ContractNetwork): Promise<readonly number[]> {
  const { nodes } = await network.snapshot();
  return nodes.map((node) => node.heights.finalized);
}

export async function highest(network: ContractNetwork): Promise<number> {
  return Math.max(0, ...(await heights(network)));
}

export async function passUntil(
  host: ContractHost,
  condition: () => Promise<boolean> | boolean,
  limitMs: number,
  what: string,
): Promise<void> {
  for (let passed = 0; passed < limitMs; passed += POLL_MS) {
    if (await condition()) {
      return;
    }
    await host.pass(POLL_MS);
  }
  assert.ok(await condition(), `${what}: not within ${limitMs / 1000} s`);
}

export function passUntilAllReach(host: ContractHost, height: number): Promise<void> {
  const reached = async (): Promise<boolean> =>
    (await heights(host.network)).every((own) => own >= height);
  return passUntil(host, reached, 120_000, `every node finalizes height ${height}`);
}

/** Nothing may be finalized for `ms`, after what was under way has ended. */
export async function assertStandsStill(host: ContractHost, ms: number): Promise<number> {
  await host.pass(2_000);
  const still = await highest(host.network);
  await host.pass(ms);
  assert.equal(await highest(host.network), still, 'a block was finalized meanwhile');
  return still;
}

export function nodeAt(network: ContractNetwork, index: number): NodeId {
  const node = network.topology().subnets[0]?.nodes[index];
  assert.ok(node !== undefined, `there is no node ${index}`);
  return node.nodeId;
}

export function valueOf<T>(result: Result<T, NetworkError>, what: string): T {
  assert.ok(result.ok, result.ok ? what : `${what}: ${result.error.code} ${result.error.message}`);
  return result.value;
}

export function assertRefused(
  result: Result<unknown, NetworkError>,
  code: NetworkErrorCode,
  what: string,
): void {
  assert.ok(!result.ok, `${what} was not refused`);
  assert.equal(result.error.code, code, `${what}: ${result.error.message}`);
  assert.notEqual(result.error.message, '', `${what} gives no reason`);
}
