import type { BootStage, HostEvent, TelemetryBatch } from '../../wire/telemetry.ts';

export interface BootWatch {
  /** The stage that begins now. */
  enter(stage: BootStage, detail: string): void;
  /** @param subnet place of the node's subnet in the topology; undefined = the host speaks */
  observe(batch: TelemetryBatch, subnet: number | undefined): void;
}

/** Performance marks of these names tell benchmarks and the browser's own tools when it was. */
const MARK_PREFIX = 'subnetarium:';

/**
 * Names what the network is doing between the first keys and the first finalized block of each subnet.
 * @param subnets how many there are
 */
export function createBootWatch(
  report: (event: HostEvent) => void,
  stopwatchMs: () => number,
  subnets: number,
): BootWatch {
  const startedMs = stopwatchMs();
  const withBlock = new Set<number>();
  let current: BootStage = 'keys';

  const enter = (stage: BootStage, detail: string): void => {
    current = stage;
    performance.mark(MARK_PREFIX + stage, { detail });
    report({ kind: 'bootStage', stage, elapsedMs: Math.round(stopwatchMs() - startedMs), detail });
  };
  return {
    enter,
    observe: (batch, subnet) => {
      for (const event of current === 'ready' ? [] : batch.events) {
        if (event.kind === 'beaconAggregated' && current === 'firstBeacon') {
          enter('firstBlock', `the first random beacon is combined at height ${event.height}`);
        } else if (event.kind === 'finalized' && subnet !== undefined && !withBlock.has(subnet)) {
          withBlock.add(subnet);
          if (withBlock.size === subnets) {
            enter('ready', `block ${event.height} is finalized`);
            return;
          }
          enter('firstBlock', `${withBlock.size} of ${subnets} subnets have a final block`);
        }
      }
    },
  };
}
