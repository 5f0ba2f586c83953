import type { NetworkSpec } from '../../wire/network-spec.ts';
import { MAX_SANDBOX_WORKERS } from '../../wire/network-spec.ts';
import type { SandboxShare } from '../node/control.ts';

/** 64-bit Wasm memories a tab can have, with a few to spare. */
const TAB_MEMORIES = 56;
/** Of one worker among several: one for a paused run, one for the others. */
const WORKER_MEMORIES = 2;

export function countNodes(spec: NetworkSpec): number {
  return spec.subnets.reduce((sum, subnet) => sum + subnet.nodes, 0);
}

/**
 * The workers in which a node runs its canisters, and their part of the tab's Wasm memories. Left to
 * the page it is a worker for each core that a node can have for itself, one at least: its own worker
 * mostly waits while they work.
 * @param index of the node, members first
 * @param cores of this machine, as the browser tells
 */
export function shareOfSandboxes(
  spec: NetworkSpec,
  index: number,
  cores: number,
): Omit<SandboxShare, 'stackBytes'> {
  const { sandboxWorkers } = spec;
  const nodes = countNodes(spec);
  const memories = Math.max(1, Math.floor(TAB_MEMORIES / nodes));
  const wanted =
    (typeof sandboxWorkers === 'object' ? sandboxWorkers?.[index] : sandboxWorkers) ??
    Math.floor(cores / nodes);
  const most = Math.min(MAX_SANDBOX_WORKERS, Math.floor(memories / WORKER_MEMORIES));
  const workers = Math.max(1, Math.min(most, wanted));
  return { workers, memoriesPerWorker: Math.floor(memories / workers) };
}
