import type { CertifiedSlice } from '../xnet/slice-codec.ts';
import { sliceRange } from '../xnet/slice-witness.ts';
import type { Attack } from './attack.ts';
import { editEverySlice } from './edit-slices.ts';

function skipFirst(slice: CertifiedSlice): CertifiedSlice {
  const { messagesBegin, messages } = slice;
  return sliceRange(slice, messagesBegin + 1, messagesBegin + messages.length);
}

/**
 * Leaves out the first message of each slice; what is left is truly certified. Defence: a slice must go
 * on exactly where state and chain end.
 */
export function gapInSlices(): Attack {
  return editEverySlice(skipFirst);
}
