import type { Attack } from './attack.ts';
import { voteForEverything } from './vote-for-everything.ts';

/**
 * Signs a finalization share for every block it hears of, notarized or not, also two at one height.
 * Defence: 2f + 1 shares are needed, and an honest node finalizes at most one block per height.
 */
export function finalizeEverything(): Attack {
  return { produce: (context) => voteForEverything(context, 'finalizationShare') };
}
