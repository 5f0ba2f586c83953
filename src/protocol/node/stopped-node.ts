import { errorReply, httpError } from '../http/http-error.ts';
import type { NodeInput, NodeOutput } from './node-io.ts';

/**
 * What a node answers that stopped for good because two blocks of one height are finalized: more
 * than f nodes lied, so nothing it could still sign or certify would mean anything. On the IC the
 * replica process panics; here the node falls silent and its clients are told.
 */
export function answerWhileStopped(inputs: readonly NodeInput[]): NodeOutput {
  const reply = errorReply(
    httpError('NOT_READY', 'This node stopped: the finalized chain forked.'),
  );
  return {
    transmits: [],
    effects: inputs.flatMap((input) =>
      input.kind === 'httpRequest'
        ? [{ kind: 'httpReply' as const, requestId: input.requestId, reply }]
        : [],
    ),
    trace: [],
    nextWakeNs: null,
  };
}
