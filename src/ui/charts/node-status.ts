import type { NodeView, SyncView } from '../../wire/projection.ts';

export interface NodeStatus {
  readonly word: string;
  readonly tone: 'good' | 'warning' | 'error' | 'info';
}

export function nodeStatus(node: NodeView): NodeStatus {
  if (!node.isMember && node.condition === 'stopped') {
    return { word: 'spare', tone: 'info' };
  }
  if (node.sync !== null) {
    return { word: syncWord(node.sync), tone: 'info' };
  }
  if (node.world.paused && node.condition !== 'stopped' && node.condition !== 'crashed') {
    return { word: 'hangs', tone: 'warning' };
  }
  switch (node.condition) {
    case 'running':
      return { word: 'running', tone: node.behaviours.length > 0 ? 'warning' : 'good' };
    case 'starting':
      return { word: 'starting', tone: 'info' };
    case 'catchingUp':
      return { word: 'catching up', tone: 'warning' };
    case 'stopped':
      return { word: 'stopped', tone: 'warning' };
    case 'crashed':
      return { word: 'crashed', tone: 'error' };
  }
}

function syncWord({ chunksDone, chunksTotal }: SyncView): string {
  return chunksTotal === 0
    ? 'joining'
    : `joining ${Math.floor((100 * chunksDone) / chunksTotal)} %`;
}

const HUES = 8;

/** A node keeps its hue everywhere; beyond eight, hues repeat with a dashed outline. */
export function nodeColour(index: number): string {
  return `var(--node-${(index % HUES) + 1})`;
}

export function nodeDash(index: number): string | undefined {
  return index < HUES ? undefined : `${2 + 2 * Math.floor(index / HUES)} 3`;
}
