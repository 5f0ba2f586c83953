import { makeBlock } from '../consensus/block-maker.ts';
import type { Attack } from './attack.ts';
import type { BlockPayload } from '../types/artifacts.ts';
import { editProposals, proposalOf } from './own-block.ts';

/** No CBOR, so no envelope. */
const NO_ENVELOPE = Uint8Array.of(0xff, 0x00, 0xff);

function spoil(payload: BlockPayload): BlockPayload {
  if (payload.kind === 'summary') {
    const { summary } = payload;
    return { kind: 'summary', summary: { ...summary, intervalLength: summary.intervalLength + 1 } };
  }
  return { ...payload, batch: { ...payload.batch, ingress: [NO_ENVELOPE] } };
}

/**
 * Data blocks with an ingress message that is none, summary blocks with another interval length.
 * Defence: every notary checks the payload itself before it signs, and recomputes summaries.
 */
export function invalidPayload(): Attack {
  return {
    roles: new Map([
      [
        makeBlock,
        (context, honest) =>
          editProposals(honest(context), ({ block }) => [
            proposalOf(context, { ...block, payload: spoil(block.payload) }),
          ]),
      ],
    ]),
  };
}
