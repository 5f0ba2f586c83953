import type { XNetSlice } from '../interfaces/replica.ts';
import type { SubnetId } from '../types/ids.ts';
import type { CertifiedSlice } from '../xnet/slice-codec.ts';
import type { Attack } from './attack.ts';
import { editBlockSlices } from './edit-slices.ts';

/**
 * Repeats the first slice that it ever had: in every block of its own, and to whoever asks. Defence: a
 * slice must go on exactly where state and chain end, and signals never go back.
 */
export function staleSlices(): Attack {
  const inBlocks = new Map<SubnetId, XNetSlice>();
  const served = new Map<SubnetId, CertifiedSlice>();
  return {
    ...editBlockSlices((slices) => {
      for (const slice of slices) {
        if (!inBlocks.has(slice.from)) {
          inBlocks.set(slice.from, slice);
        }
      }
      return [...inBlocks.values()].toSorted(
        (a, b) => Number(a.from > b.from) - Number(a.from < b.from),
      );
    }),
    serve(slice, { receiver }) {
      const first = served.get(receiver);
      if (first === undefined && slice !== 'nothing' && slice !== 'silence') {
        served.set(receiver, slice);
      }
      return first ?? slice;
    },
  };
}
