import type { LinkConditions } from './network-spec.ts';
import type { NodeConditions } from './node-conditions.ts';

/** What the world does, in plain words: the text after the name of the node or link. */

export function nodeInWords(conditions: NodeConditions): string {
  const { paused, cpuSlowdown, diskDelayMs, failWrites, clockOffsetMs } = conditions;
  const side = clockOffsetMs > 0 ? 'ahead' : 'behind';
  return join(
    [
      paused && 'it hangs',
      cpuSlowdown !== 1 && `its CPU is ${cpuSlowdown} times slower`,
      diskDelayMs > 0 && `its disk takes ${diskDelayMs} ms longer`,
      failWrites && 'its disk refuses every write',
      clockOffsetMs !== 0 && `its clock is ${Math.abs(clockOffsetMs)} ms ${side}`,
    ],
    'all is well again',
  );
}

const SPREAD: Readonly<Record<LinkConditions['distribution'], string>> = {
  uniform: 'evenly spread',
  normal: 'normally spread',
  heavyTail: 'at times far more',
};

export function linkInWords(conditions: LinkConditions): string {
  if (conditions.cut) {
    return 'cut';
  }
  const { delayMs, jitterMs, distribution, bandwidthKbps } = conditions;
  const { lossPercent, duplicatePercent, reorderPercent } = conditions;
  return join(
    [
      delayMs > 0 && `${delayMs} ms one way`,
      jitterMs > 0 && `${jitterMs} ms jitter, ${SPREAD[distribution]}`,
      bandwidthKbps > 0 && `${bandwidthKbps} kbit/s`,
      lossPercent > 0 && `${lossPercent} % lost`,
      duplicatePercent > 0 && `${duplicatePercent} % doubled`,
      reorderPercent > 0 && `${reorderPercent} % out of order`,
    ],
    'no delay, nothing lost',
  );
}

function join(parts: readonly (string | false)[], otherwise: string): string {
  const said = parts.filter((part) => part !== false);
  return said.length === 0 ? otherwise : said.join('; ');
}
