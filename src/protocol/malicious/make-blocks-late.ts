import { NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import { makeBlock } from '../consensus/block-maker.ts';
import { isDue } from '../consensus/role-context.ts';
import { NS_PER_MS } from '../limits/consensus.ts';
import type { Attack } from './attack.ts';

/**
 * Proposes only so long after the round began. Defence: as with silence; a block that comes when a
 * higher rank is notarized already changes nothing.
 */
export function makeBlocksLate(delayMs: number): Attack {
  return {
    roles: new Map([
      [
        makeBlock,
        (context, honest) => {
          const startNs = context.view.roundStartNs(context.view.notarizedHeight() + 1);
          const due =
            startNs !== undefined && isDue(context, startNs + BigInt(delayMs) * NS_PER_MS);
          return due ? honest(context) : NO_MUTATIONS;
        },
      ],
    ]),
  };
}
