import type { NodeSnapshot } from '../../wire/network.ts';
import type { NodeReport } from '../node/control.ts';
import type { NodeProcess } from './node-process.ts';
import type { TelemetryHub } from './telemetry-hub.ts';

const SNAPSHOT_DEADLINE_MS = 2_000;

/** A node as it tells of itself; where it is down or silent, as it was last heard of. */
export async function snapshotOf(process: NodeProcess, hub: TelemetryHub): Promise<NodeSnapshot> {
  const { nodeId } = process;
  const asked = await process.control()?.call({ deadlineMs: SNAPSHOT_DEADLINE_MS }, 'report');
  const report: NodeReport | undefined = asked?.ok === true ? asked.value : undefined;
  const heights = report?.status ?? hub.heightsOf(nodeId) ?? NO_HEIGHTS;
  const { notarized, finalized, executed, certified, catchUpPackage } = heights;
  return {
    nodeId,
    state: process.state(),
    reason: process.reason(),
    heights: { notarized, finalized, executed, certified, catchUpPackage },
    stateRoot: (report?.status.stateRoot ?? null) as NodeSnapshot['stateRoot'],
    ...(report === undefined ? {} : { load: report.load }),
  };
}

const NO_HEIGHTS = { notarized: 0, finalized: 0, executed: 0, certified: 0, catchUpPackage: 0 };
