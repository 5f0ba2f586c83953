import type { TimeNs } from '../types/ids.ts';

/** The earliest of the times that are set; null when none is. */
export function earliestOf(times: readonly (TimeNs | null)[]): TimeNs | null {
  let earliest: TimeNs | null = null;
  for (const time of times) {
    earliest = time !== null && (earliest === null || time < earliest) ? time : earliest;
  }
  return earliest;
}
