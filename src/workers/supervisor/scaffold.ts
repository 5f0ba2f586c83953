import type { NetworkSpec } from '../../wire/network-spec.ts';
import { createNetworkClock, type NetworkClock } from '../clock/network-clock.ts';
import { createRemoteControl, type RemoteControl } from '../control/remote.ts';
import { MEASURED_LIBRARIES } from '../crypto/backend-times.ts';
import { createFetchShim, type FetchShim } from '../gateway/fetch-shim.ts';
import type { GatewayControl } from '../gateway/gateway.worker.ts';
import { type GatewayReply, type GatewayRequest, portLike } from '../gateway/messages.ts';
import type { InspectorControl } from '../inspector/inspector.worker.ts';
import type { Opening } from '../saved/network-opening.ts';
import { chooseSignatureBackend } from './backend-choice.ts';
import { createBackendMemory, pageStore } from './backend-memory.ts';
import { type BootWatch, createBootWatch } from './boot-watch.ts';
import { createModuleCompiler, type ModuleCompiler } from './module-compiler.ts';
import { type NodeProcess, type SpawnedWorker, spawnNodeWorker } from './node-process.ts';
import { CONTROL_DEADLINE_MS } from './roster.ts';
import { countNodes } from './sandbox-share.ts';
import { createTelemetryHub, type TelemetryHub } from './telemetry-hub.ts';

/** Dealing keys and loading libraries, on a loaded machine. */
export const DEAL_DEADLINE_MS = 60_000;

interface HelperWorker<T extends { readonly [K in keyof T]: (...args: never[]) => unknown }> {
  readonly worker: Worker;
  readonly control: RemoteControl<T>;
}

/** The parts of a network that are there before its nodes have keys. */
export interface Scaffold {
  readonly opening: Opening;
  readonly spec: NetworkSpec;
  readonly clock: NetworkClock;
  readonly hub: TelemetryHub;
  readonly boot: BootWatch;
  readonly gateway: HelperWorker<GatewayControl>;
  readonly inspector: HelperWorker<InspectorControl>;
  readonly spare: readonly SpawnedWorker[];
  readonly modules: ModuleCompiler;
  readonly fetchShim: FetchShim;
}

/** One library for all nodes. */
export function chooseBackend({ spec, inspector, spare }: Scaffold) {
  return chooseSignatureBackend(spec.signatureBackend, {
    memory: createBackendMemory(pageStore(), `${MEASURED_LIBRARIES}, ${navigator.userAgent}`),
    ask: (wanted) => inspector.control.call({ deadlineMs: DEAL_DEADLINE_MS }, 'choose', wanted),
    prepare: (library) => {
      for (const { control } of spare) {
        void control.call({ deadlineMs: DEAL_DEADLINE_MS }, 'prepare', library);
      }
    },
  });
}

export function raiseScaffold(spec: NetworkSpec, opening: Opening): Scaffold {
  const inspector = helperWorker<InspectorControl>(
    new Worker(new URL('../inspector/inspector.worker.ts', import.meta.url), {
      type: 'module',
      name: 'inspector',
    }),
  );
  const spare = Array.from({ length: countNodes(spec) }, spawnNodeWorker);
  const gateway = helperWorker<GatewayControl>(
    new Worker(new URL('../gateway/gateway.worker.ts', import.meta.url), {
      type: 'module',
      name: 'gateway',
    }),
  );
  const client = new MessageChannel();
  void gateway.control.call(
    { deadlineMs: CONTROL_DEADLINE_MS, transfer: [client.port2] },
    'serve',
    client.port2,
  );
  const clock = createNetworkClock(opening.clock, Date.now);
  const hub = createTelemetryHub(clock.nowNs);
  const boot = createBootWatch(hub.report, () => performance.now(), spec.subnets.length);
  hub.observe(opening.observe);
  return {
    opening,
    spec,
    clock,
    hub,
    boot,
    gateway,
    inspector,
    spare,
    modules: createModuleCompiler(),
    fetchShim: createFetchShim(portLike<GatewayReply, GatewayRequest>(client.port1)),
  };
}

/** A worker that cannot load fails its calls instead of leaving them open. */
function helperWorker<T extends { readonly [K in keyof T]: (...args: never[]) => unknown }>(
  worker: Worker,
): HelperWorker<T> {
  const control = createRemoteControl<T>(worker);
  worker.onerror = (event) => {
    event.preventDefault();
    control.exited(event.message === '' ? 'the worker could not be loaded' : event.message);
  };
  return { worker, control };
}

/** Ends every worker of a network. */
export function dismantle(scaffold: Scaffold, processes: readonly NodeProcess[]): void {
  for (const process of processes) {
    process.kill('the network was closed');
  }
  for (const { worker } of scaffold.spare) {
    worker.terminate();
  }
  scaffold.modules.close();
  scaffold.fetchShim.close();
  for (const helper of [scaffold.gateway, scaffold.inspector]) {
    helper.worker.terminate();
    helper.control.exited('the network was closed');
  }
  scaffold.opening.close();
}
