import type { Attack } from './attack.ts';
import { voteForEverything } from './vote-for-everything.ts';

/**
 * Signs a notarization share for every proposal at once: unchecked, of any rank. Defence: a block
 * needs 2f + 1 shares, so at least f + 1 honest notaries checked it.
 */
export function notarizeEverything(): Attack {
  return { produce: (context) => voteForEverything(context, 'notarizationShare') };
}
