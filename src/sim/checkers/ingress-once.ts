import type { Height } from '../../protocol/types/ids.ts';
import type { Checker } from './checker.ts';

/** A message is executed at one height, the same on all nodes. */
export interface IngressChecker extends Checker {
  /** Where the message was executed; undefined = nowhere yet. */
  heightOf(messageId: string): Height | undefined;
}

export function ingressOnce(): IngressChecker {
  const heights = new Map<string, Height>();
  return {
    rule: 'ingressOnce',
    heightOf: (messageId) => heights.get(messageId),
    fact(nodeId, event) {
      if (event.kind !== 'messageExecuted') {
        return undefined;
      }
      const { messageId, height } = event;
      const first = heights.get(messageId);
      if (first === undefined) {
        heights.set(messageId, height);
      }
      return first === undefined || first === height
        ? undefined
        : `node ${nodeId} executed message ${messageId} at height ${height}, before at ${first}`;
    },
  };
}
