import { decodeStreamHeader } from '../canonical-state/decode-stream.ts';
import { encodeStreamHeader } from '../canonical-state/encode-stream.ts';
import type { CertifiedSlice } from '../xnet/slice-codec.ts';
import type { Attack } from './attack.ts';
import { editEverySlice } from './edit-slices.ts';

function claimMore(slice: CertifiedSlice): CertifiedSlice {
  const header = decodeStreamHeader(slice.header);
  if (!header.ok) {
    return slice;
  }
  const signalsEnd = header.value.signalsEnd + 1;
  return { ...slice, header: encodeStreamHeader({ ...header.value, signalsEnd }) };
}

/**
 * Claims that the other subnet has taken one message more than it has, so that the message would be
 * dropped unread. Defence: signals stand in the certified header, and the root would not fit.
 */
export function wrongSignals(): Attack {
  return editEverySlice(claimMore);
}
