import { present } from '../../../base/assert.ts';
import { codedError, err } from '../../../base/result.ts';
import type { Result } from '../../../base/result.ts';
import type { DkgError, DkgErrorCode, NodeRecords } from '../../interfaces/dkg.ts';
import type { DkgConfig, DkgId } from '../../types/dkg.ts';
import type { NodeId } from '../../types/ids.ts';

/** What the parts of the scheme ask of a run. */

export function fault(code: DkgErrorCode, message: string): Result<never, DkgError> {
  return err(codedError(code.startsWith('MALFORMED') ? 'input' : 'protocol', code, message));
}

export function sameRun(a: DkgId, b: DkgId): boolean {
  return a.startHeight === b.startHeight && a.tag === b.tag;
}

export function dkgKeyOf(records: NodeRecords, nodeId: NodeId): Uint8Array {
  return present(records.get(nodeId), 'every receiver of a run has a node record').dkgPublicKey;
}

/** The counts a dealing of the run has. */
export function shapeOf(config: DkgConfig): {
  readonly threshold: number;
  readonly receivers: number;
} {
  return { threshold: config.threshold, receivers: config.receivers.length };
}
