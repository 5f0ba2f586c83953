import { NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import { makeBlock } from '../consensus/block-maker.ts';
import type { Attack } from './attack.ts';

/** Never proposes. Defence: after its unit delay the next rank does, and the silence is counted. */
export function makeNoBlocks(): Attack {
  return { roles: new Map([[makeBlock, () => NO_MUTATIONS]]) };
}
