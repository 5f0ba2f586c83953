import type { NodeCore, NodeStatus } from '../../../protocol/node/node-io.ts';

/** Of a node that has done nothing yet. */
export const IDLE_STATUS: NodeStatus = {
  notarized: 0,
  finalized: 0,
  executed: 0,
  certified: 0,
  catchUpPackage: 0,
  stateRoot: null,
  hasDelegation: true,
  peersUp: [],
};

/** A core that does what `step` says, and knows no artifacts. */
export function createStubCore(
  step: NodeCore['step'],
  status: NodeCore['status'] = () => IDLE_STATUS,
): NodeCore {
  return {
    step,
    status,
    findArtifact: () => null,
    findBlockHeight: () => null,
    registrySince: () => [],
  };
}
