import { makeBlock } from '../consensus/block-maker.ts';
import type { Attack } from './attack.ts';

/**
 * Proposes in every round as rank 0, or as rank 1 where it is rank 0. Defence: everybody draws the
 * makers from the same beacon, so the signer is checked against the rank it claims.
 */
export function makeBlocksOutOfRank(): Attack {
  return {
    roles: new Map([
      [
        makeBlock,
        (context, honest) => {
          const { nodeId, membership } = context;
          return honest({
            ...context,
            membership: {
              ...membership,
              blockMakers: (height) => {
                const makers = membership.blockMakers(height);
                const others = (makers ?? []).filter((maker) => maker !== nodeId);
                return makers?.[0] === nodeId
                  ? [...others.slice(0, 1), nodeId]
                  : makers && [nodeId, ...others];
              },
            },
          });
        },
      ],
    ]),
  };
}
