import type { IngressPayloads } from '../ingress/payload-builder.ts';
import type { BatchPayload, PayloadBuilder } from '../interfaces/replica.ts';
import { MAX_SLICE_BYTES, MAX_XNET_PERCENT } from '../limits/xnet.ts';
import { sliceBytesOf } from '../types/block-codec.ts';
import type { XNetPayloads } from './xnet-payload.ts';
import { refusal } from './xnet-error.ts';

export interface BatchSections {
  readonly ingress: IngressPayloads;
  readonly xnet: Pick<XNetPayloads, 'build' | 'validate'>;
  /** Of all sections together. A block of more than twice that is invalid. */
  readonly maxBlockBytes: number;
}

function ingressBytesOf({ ingress }: BatchPayload): number {
  return ingress.reduce((sum, { length }) => sum + length, 0);
}

/**
 * Puts the sections of a block together. Calls and slices take turns to be first at the room there
 * is, so that neither starves the other.
 * @upstream rs/consensus/src/consensus/payload_builder.rs
 */
export function createBatchPayloadBuilder(sections: BatchSections): PayloadBuilder {
  const { ingress, xnet, maxBlockBytes } = sections;
  const maxXNetBytes = Math.min(
    MAX_SLICE_BYTES,
    Math.floor((maxBlockBytes * MAX_XNET_PERCENT) / 100),
  );
  return {
    build(context, past) {
      const isXNetFirst = (context.certifiedHeight + past.length) % 2 === 0;
      if (isXNetFirst) {
        const slices = xnet.build(context, past, maxXNetBytes);
        const room = maxBlockBytes - slices.reduce((sum, { slice }) => sum + slice.length, 0);
        const calls = ingress.build(context, past, room);
        return slices.length === 0 ? calls : { ...calls, xnet: slices };
      }
      const calls = ingress.build(context, past, maxBlockBytes);
      const room = Math.min(maxXNetBytes, maxBlockBytes - ingressBytesOf(calls));
      const slices = xnet.build(context, past, room);
      return slices.length === 0 ? calls : { ...calls, xnet: slices };
    },
    validate(payload, context, past) {
      const bytes = ingressBytesOf(payload) + sliceBytesOf(payload);
      if (bytes > 2 * maxBlockBytes) {
        const { code, message } = refusal('XNET_PAYLOAD_TOO_LARGE', `a block of ${bytes} bytes`);
        return { kind: 'invalid', code, message };
      }
      const calls = ingress.validate(payload, context, past);
      const { xnet: slices = [] } = payload;
      return calls.kind !== 'valid' || slices.length === 0
        ? calls
        : xnet.validate(slices, context, past);
    },
  };
}
