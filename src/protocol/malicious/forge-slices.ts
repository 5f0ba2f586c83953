import type { CertifiedSlice } from '../xnet/slice-codec.ts';
import type { Attack } from './attack.ts';
import { editEverySlice } from './edit-slices.ts';

function flipLastBit(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const at = copy.length - 1;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

function forge(slice: CertifiedSlice): CertifiedSlice {
  const [first, ...rest] = slice.messages;
  return first === undefined
    ? { ...slice, header: flipLastBit(slice.header) }
    : { ...slice, messages: [flipLastBit(first), ...rest] };
}

/**
 * Changes a bit of a message between subnets, in its blocks and in what it serves. Defence: leaves and
 * witness must give the very root that the other subnet signed.
 */
export function forgeSlices(): Attack {
  return editEverySlice(forge);
}
