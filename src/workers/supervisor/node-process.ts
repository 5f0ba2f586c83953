import { codedError, err, ok } from '../../base/result.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import type { NetworkError, NetworkResult, NodeRunState } from '../../wire/network.ts';
import type { TelemetryBatch } from '../../wire/telemetry.ts';
import { createRemoteControl, type RemoteControl } from '../control/remote.ts';
import type { NodeControl, NodeMessage, NodeStart } from '../node/control.ts';

/** What the page supplies at each start; the ports are made here. */
export type NodeStartup = Omit<NodeStart, 'telemetryPort' | 'gatewayPort' | 'modulesPort'>;

export interface NodeProcessDeps {
  readonly nodeId: NodeId;
  onBatch(batch: TelemetryBatch): void;
  onState(state: NodeRunState, reason: string | null): void;
  /** It ended itself, and wants to be started again. */
  onStartAgain(): void;
  /** The port of one of the node's sandboxes, for the compiler of modules. */
  onModulesPort(port: MessagePort): void;
  /** The port on which the gateway reaches the node; undefined = the node is gone. */
  onGatewayPort(port: MessagePort | undefined): void;
}

/** One node as the page sees it: its worker when it runs, and its state always. */
export interface NodeProcess {
  readonly nodeId: NodeId;
  state(): NodeRunState;
  reason(): string | null;
  start(startup: NodeStartup): NetworkResult<void>;
  /** Gives the node a port to a peer that (re)started; closes it when the node is down. */
  connect(peerId: NodeId, port: MessagePort): void;
  /** Ends the worker at once; open control calls fail. */
  kill(reason: string): void;
  /** Undefined unless running. */
  control(): RemoteControl<NodeControl> | undefined;
}

interface Life {
  readonly worker: Worker;
  readonly control: RemoteControl<NodeControl>;
}

const START_DEADLINE_MS = 60_000;

export interface SpawnedWorker {
  readonly worker: Worker;
  readonly control: RemoteControl<NodeControl>;
  /** One listener; it also hears an error from before it came. */
  onError(listener: (reason: string) => void): void;
}

/** Starts loading a node worker; which node it will host is decided later. */
export function spawnNodeWorker(): SpawnedWorker {
  const worker = new Worker(new URL('../node/node.worker.ts', import.meta.url), {
    type: 'module',
    name: 'node',
  });
  let failure: string | undefined;
  let listener: ((reason: string) => void) | undefined;
  worker.onerror = (event) => {
    event.preventDefault();
    failure = event.message === '' ? 'the worker could not be loaded' : event.message;
    listener?.(failure);
  };
  return {
    worker,
    control: createRemoteControl<NodeControl>(worker),
    onError: (next) => {
      listener = next;
      if (failure !== undefined) {
        next(failure);
      }
    },
  };
}

/** @param warm a worker that was spawned ahead of the first start, while keys were dealt */
export function createNodeProcess(deps: NodeProcessDeps, warm?: SpawnedWorker): NodeProcess {
  let spare = warm;
  let life: Life | undefined;
  let state: NodeRunState = 'stopped';
  let reason: string | null = null;

  const become = (next: NodeRunState, why: string | null): void => {
    state = next;
    reason = why;
    deps.onState(next, why);
  };
  const end = (why: string): void => {
    const ended = life;
    life = undefined;
    ended?.worker.terminate();
    ended?.control.exited(why);
    deps.onGatewayPort(undefined);
  };
  const crash = (worker: Worker, why: string): void => {
    if (life?.worker === worker) {
      end(why);
      become('crashed', why);
    }
  };
  const spawn = (): Life => {
    const { worker, control, onError } = spare ?? spawnNodeWorker();
    spare = undefined;
    const spawned = { worker, control };
    life = spawned;
    onError((why) => crash(worker, why));
    return spawned;
  };

  return {
    nodeId: deps.nodeId,
    state: () => state,
    reason: () => reason,
    start: async (startup) => {
      become('starting', null);
      const current = spawn();
      const telemetry = new MessageChannel();
      const gateway = new MessageChannel();
      telemetry.port1.onmessage = ({ data }: MessageEvent<NodeMessage>) => {
        if (data.kind === 'fatal') {
          const isItself = life === current;
          crash(current.worker, data.reason);
          if (isItself && data.startAgain) {
            deps.onStartAgain();
          }
        } else if (life === current) {
          deps.onBatch(data.batch);
        }
      };
      const modules = new MessageChannel();
      modules.port1.onmessage = ({ ports: [port] }: MessageEvent<null>) => {
        if (port !== undefined) {
          deps.onModulesPort(port);
        }
      };
      const ports = {
        telemetryPort: telemetry.port2,
        gatewayPort: gateway.port2,
        modulesPort: modules.port2,
      };
      const started = await current.control.call(
        {
          deadlineMs: START_DEADLINE_MS,
          transfer: [...Object.values(ports), ...startup.mesh.map(([, port]) => port)],
        },
        'start',
        { ...startup, ...ports },
      );
      if (life !== current) {
        return err(startFailed(reason ?? 'it was ended while starting'));
      }
      const failure = !started.ok ? started.error : started.value.ok ? null : started.value.error;
      if (failure !== null) {
        crash(current.worker, failure.message);
        return err(startFailed(failure.message));
      }
      deps.onGatewayPort(gateway.port1);
      become('running', null);
      return ok(undefined);
    },
    connect: (peerId, port) => {
      if (life === undefined) {
        port.close();
      } else {
        const options = { deadlineMs: START_DEADLINE_MS, transfer: [port] };
        void life.control.call(options, 'connectPeer', port, peerId);
      }
    },
    kill: (why) => {
      end(why);
      become('stopped', null);
    },
    control: () => (state === 'running' ? life?.control : undefined),
  };
}

function startFailed(reason: string): NetworkError {
  return codedError('transport', 'NODE_START_FAILED', `The node did not start: ${reason}`);
}
