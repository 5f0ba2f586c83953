import { codedError, err, ok, type Result } from '../../base/result.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { NetworkError, NetworkErrorCode } from '../../wire/network.ts';
import type { ControlError, RemoteControl } from '../control/remote.ts';
import type { NodeControl } from '../node/control.ts';
import type { NodeProcess } from './node-process.ts';

/** Control calls are answered within a turn of the worker, which a long Wasm-free step may fill. */
export const CONTROL_DEADLINE_MS = 10_000;

/** The nodes of a network, by id. */
export interface Roster {
  all(): readonly NodeProcess[];
  find(nodeId: NodeId): Result<NodeProcess, NetworkError>;
  running(): readonly RunningNode[];
  /** Asks one node if it runs; a node that dies meanwhile is no failure. */
  tell(
    nodeId: NodeId,
    call: (node: RunningNode) => Promise<Result<unknown, ControlError>>,
  ): Promise<Result<void, NetworkError>>;
  /** Asks every running node; a node that dies meanwhile is no failure. */
  tellAll(
    call: (node: RunningNode) => Promise<Result<unknown, ControlError>>,
  ): Promise<Result<void, NetworkError>>;
}

export interface RunningNode {
  readonly nodeId: NodeId;
  readonly control: RemoteControl<NodeControl>;
}

export function createRoster(processes: readonly NodeProcess[]): Roster {
  const running = (): readonly RunningNode[] =>
    processes.flatMap((process) => {
      const control = process.control();
      return control === undefined ? [] : [{ nodeId: process.nodeId, control }];
    });
  const tellEach = async (
    nodes: readonly RunningNode[],
    call: (node: RunningNode) => Promise<Result<unknown, ControlError>>,
  ): Promise<Result<void, NetworkError>> => {
    const outcomes = await Promise.all(nodes.map(call));
    const late = outcomes.find((outcome) => !outcome.ok && outcome.error.code !== 'WORKER_EXITED');
    return late === undefined || late.ok
      ? ok(undefined)
      : err(networkError('CONTROL_TIMEOUT', `A node did not answer: ${late.error.message}.`));
  };
  return {
    all: () => processes,
    find: (nodeId) => {
      const found = processes.find((process) => process.nodeId === nodeId);
      return found === undefined
        ? err(networkError('NODE_UNKNOWN', `There is no node ${String(nodeId).slice(0, 64)}.`))
        : ok(found);
    },
    running,
    tell: (nodeId, call) =>
      tellEach(
        running().filter((node) => node.nodeId === nodeId),
        call,
      ),
    tellAll: (call) => tellEach(running(), call),
  };
}

export function networkError(code: NetworkErrorCode, message: string): NetworkError {
  return codedError(code === 'INVALID_ARGUMENT' ? 'input' : 'transport', code, message);
}
