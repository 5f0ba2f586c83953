import { Principal } from '@icp-sdk/core/principal';
import { hexToBytes } from '../../base/hex.ts';

/** Making one costs a hundred times what a use of it does, and pictures are full of numbers. */
const COUNTS = new Intl.NumberFormat('en-US');

/** `1204` → `1,204`: one grouping for all readers, so that screenshots and scripts agree. */
export function formatCount(value: number | bigint): string {
  return COUNTS.format(value);
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < BYTE_UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

const CYCLE_UNITS = [
  [1_000_000_000_000n, 'T'],
  [1_000_000_000n, 'B'],
  [1_000_000n, 'M'],
] as const;

/** Cycles as people quote them: 3 decimals of trillions, billions or millions. */
export function formatCycles(cycles: bigint): string {
  for (const [unit, letter] of CYCLE_UNITS) {
    if (cycles >= unit) {
      return `${(Number((cycles * 1000n) / unit) / 1000).toFixed(3)} ${letter}`;
    }
  }
  return formatCount(cycles);
}

/** Milliseconds below ten seconds, then seconds. */
export function formatMs(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function formatRate(perSecond: number): string {
  return perSecond.toFixed(perSecond < 9.95 ? 1 : 0);
}

/** Network time of day, to the millisecond, UTC. */
export function formatTime(timeNs: bigint): string {
  return new Date(Number(timeNs / 1_000_000n)).toISOString().slice(11, 23);
}

/** First and last four characters, as everywhere in the product. */
export function shortHash(hash: string): string {
  return hash.length <= 10 ? hash : `${hash.slice(0, 4)}…${hash.slice(-4)}`;
}

/** Principals travel as hex; people know their text form. */
export function principalText(hex: string): string {
  const bytes = hexToBytes(hex);
  return bytes === undefined || bytes.length > 29 ? hex : Principal.fromUint8Array(bytes).toText();
}

export function shortPrincipal(hex: string): string {
  const groups = principalText(hex).split('-');
  const first = groups[0] ?? '';
  return groups.length <= 5 ? groups.join('-') : `${first}…${groups.at(-1) ?? ''}`;
}
