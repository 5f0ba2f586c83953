import type { NodeId } from '../../protocol/types/ids.ts';
import type { NodeProcess } from './node-process.ts';

/**
 * Makes the ports of a node that starts: one end of each for itself, the other for every node that
 * runs or starts already. Whoever starts later does the same, so that each pair shares one port.
 */
export function brokerMesh(
  starting: NodeProcess,
  all: readonly NodeProcess[],
): readonly (readonly [peerId: NodeId, port: MessagePort])[] {
  return all.flatMap((peer) => {
    const state = peer.state();
    if (peer === starting || (state !== 'running' && state !== 'starting')) {
      return [];
    }
    const { port1, port2 } = new MessageChannel();
    peer.connect(starting.nodeId, port2);
    return [[peer.nodeId, port1] as const];
  });
}
