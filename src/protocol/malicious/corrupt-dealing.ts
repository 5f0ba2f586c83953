import { makeDealing } from '../dkg/dealing-maker.ts';
import type { NodeId } from '../types/ids.ts';
import type { Attack } from './attack.ts';

/**
 * Deals in key generations so that one receiver is cheated: its piece is encrypted to the wrong key.
 * All else is right, so nobody but that receiver can see it. Defence: it complains with a proof that
 * everybody checks, and the dealing does not count.
 */
export function corruptDealing(): Attack {
  return {
    roles: new Map([
      [
        makeDealing,
        (context, honest) => {
          const { registry, nodeId } = context;
          const own = registry.nodes.get(nodeId);
          const victim = [...registry.nodes.keys()].find((id: NodeId) => id !== nodeId);
          const record = victim === undefined ? undefined : registry.nodes.get(victim);
          if (own === undefined || victim === undefined || record === undefined) {
            return honest(context);
          }
          const cheated = { ...record, dkgPublicKey: own.dkgPublicKey };
          const nodes = new Map([...registry.nodes, [victim, cheated]]);
          return honest({ ...context, registry: { ...registry, nodes } });
        },
      ],
    ]),
  };
}
