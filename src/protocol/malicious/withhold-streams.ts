import type { Attack } from './attack.ts';
import { editBlockSlices } from './edit-slices.ts';

/**
 * Takes no messages of other subnets into its blocks and leaves who asks for its own without an answer.
 * Defence: other makers take them, and other nodes of the subnet are asked.
 */
export function withholdStreams(): Attack {
  return { ...editBlockSlices(() => []), serve: () => 'silence' };
}
