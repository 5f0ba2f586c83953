import type { BootStage, HostEvent, TelemetryBatch } from '../../wire/telemetry.ts';

export interface BootWatch {
  /** The stage that begins now. */
  enter(stage: BootStage, detail: string): void;
  observe(batch: TelemetryBatch): void;
}

/** Performance marks of these names tell benchmarks and the browser's own tools when it was. */
const MARK_PREFIX = 'subnetarium:';

/** Names what the network is doing between the first keys and the first finalized block. */
export function createBootWatch(
  report: (event: HostEvent) => void,
  stopwatchMs: () => number,
): BootWatch {
  const startedMs = stopwatchMs();
  let current: BootStage = 'keys';

  const enter = (stage: BootStage, detail: string): void => {
    current = stage;
    performance.mark(MARK_PREFIX + stage);
    report({ kind: 'bootStage', stage, elapsedMs: Math.round(stopwatchMs() - startedMs), detail });
  };
  return {
    enter,
    observe: (batch) => {
      for (const event of current === 'ready' ? [] : batch.events) {
        if (event.kind === 'beaconAggregated' && current === 'firstBeacon') {
          enter('firstBlock', `the first random beacon is combined at height ${event.height}`);
        } else if (event.kind === 'finalized') {
          enter('ready', `block ${event.height} is finalized`);
          return;
        }
      }
    },
  };
}
