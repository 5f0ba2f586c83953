import { useCallback, useEffect, useRef, useState } from 'react';
import type { SavedResult } from '../../wire/saved-networks.ts';

const REFRESH_MS = 3_000;

/** What a question about the disk answers, asked again every few seconds and after each action. */
export function useSaved<T>(ask: () => Promise<T>) {
  const [value, setValue] = useState<T>();
  const [problem, setProblem] = useState<string | null>(null);
  // The question is the same at every render; only its closure is new.
  const question = useRef(ask);
  const refresh = useCallback((): void => {
    question.current().then(setValue, (reason: unknown) => setProblem(String(reason)));
  }, []);
  useEffect(() => {
    refresh();
    const timer = setInterval(refresh, REFRESH_MS);
    return () => clearInterval(timer);
  }, [refresh]);
  const act = useCallback(
    (action: SavedResult<unknown>): void => {
      action.then(
        (result) => {
          setProblem(result.ok ? null : result.error.message);
          refresh();
        },
        (reason: unknown) => setProblem(String(reason)),
      );
    },
    [refresh],
  );
  return { value, problem, act };
}

const STEPS = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
] as const;

/** "just now", "5 minutes ago". */
export function formatAge(ageMs: number): string {
  for (const [ms, unit] of STEPS) {
    const count = Math.floor(ageMs / ms);
    if (count > 0) {
      return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
    }
  }
  return 'just now';
}
