import './page-globals.ts';
import type { CodedError, Result } from '../../src/base/result.ts';
import { dealNetwork } from '../../src/protocol/registry/deal-network.ts';
import type { SimOptions } from '../../src/sim/sim-network.ts';
import { suiteOf } from '../../src/sim/prepare-simulation.ts';
import { dealSpecOf } from '../../src/wire/deal-spec.ts';
import { defaultNetworkSpec, PACE_SETTINGS } from '../../src/wire/network-spec.ts';
import { HEALTHY_NODE } from '../../src/wire/node-conditions.ts';
import { liveClockSetting } from '../../src/workers/clock/network-clock.ts';
import { createRemoteControl } from '../../src/workers/control/remote.ts';
import type { NodeControl } from '../../src/workers/node/control.ts';

/** Runs inside the page: starts the built node worker the way the page's supervisor does. */
export interface NodeWorkerProbe {
  /** Starts a node of a subnet of one, dealt with that crypto; ends its worker. */
  start(
    workerUrl: string,
    crypto: NonNullable<SimOptions['crypto']>,
  ): Promise<Result<Result<void, CodedError<string>>, CodedError<string>>>;
}

const PACE = 'turbo';

window.nodeWorkerProbe = {
  start: async (workerUrl, crypto) => {
    const spec = defaultNetworkSpec({ nodes: 1, pace: PACE });
    const deal = dealSpecOf(spec, BigInt(Date.now()) * 1_000_000n);
    const { subnets, rootKeyDer } = dealNetwork(deal, suiteOf(crypto));
    const [subnet] = subnets;
    const own = subnet?.secrets[0];
    if (subnet === undefined || own === undefined) {
      throw new RangeError('nothing was dealt');
    }
    const worker = new Worker(workerUrl, { type: 'module' });
    const telemetry = new MessageChannel();
    const gateway = new MessageChannel();
    const modules = new MessageChannel();
    const started = await createRemoteControl<NodeControl>(worker).call(
      { deadlineMs: 20_000, transfer: [telemetry.port2, gateway.port2, modules.port2] },
      'start',
      {
        networkId: `probe-${Date.now()}`,
        genesis: subnet.genesis,
        secrets: own,
        rootKeyDer,
        registryDeltas: [],
        neighbours: [],
        signatureLibrary: 'mcl',
        clock: liveClockSetting(Date.now()),
        delays: PACE_SETTINGS[PACE],
        links: { conditions: [], reachable: null },
        conditions: HEALTHY_NODE,
        behaviours: [],
        registry: [],
        mesh: [],
        incarnation: Date.now(),
        seed: 'probe',
        sandboxes: { workers: 1, memoriesPerWorker: 2, stackBytes: 350 * 1024 },
        telemetryPort: telemetry.port2,
        modulesPort: modules.port2,
        gatewayPort: gateway.port2,
      },
    );
    worker.terminate();
    return started;
  },
};
