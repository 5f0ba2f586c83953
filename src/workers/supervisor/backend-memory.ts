import type { BackendTimes } from '../../wire/network.ts';

/** What this browser measured before: later starts of the page pay nothing for it. */
export interface BackendMemory {
  recall(): BackendTimes | undefined;
  keep(times: BackendTimes): void;
}

/** The part of the page's `localStorage` that is needed. */
export interface TextStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const KEY = 'subnetarium:signature-backend-times';

/**
 * @param storage null where the browser gives none; then nothing is remembered.
 * @param subject what the times are true of: versions of the libraries, the browser.
 */
export function createBackendMemory(storage: TextStore | null, subject: string): BackendMemory {
  return {
    recall: () => {
      try {
        return timesOf(JSON.parse(storage?.getItem(KEY) ?? 'null'), subject);
      } catch {
        // Not ours, or the browser refuses: measure again.
        return undefined;
      }
    },
    keep: ({ mclMs, nobleMs }) => {
      try {
        storage?.setItem(KEY, JSON.stringify({ subject, mclMs, nobleMs }));
      } catch {
        // A full or forbidden storage costs the next start its measurement, nothing else.
      }
    },
  };
}

/** What the page keeps for later visits; null where the browser refuses even to name it. */
export function pageStore(): TextStore | null {
  try {
    return (globalThis as { readonly localStorage?: TextStore }).localStorage ?? null;
  } catch {
    return null;
  }
}

function timesOf(stored: unknown, subject: string): BackendTimes | undefined {
  const fields = Object(stored) as Readonly<Record<string, unknown>>;
  const { mclMs, nobleMs } = fields as { readonly mclMs: unknown; readonly nobleMs: unknown };
  return fields['subject'] === subject && isTime(nobleMs) && isTime(mclMs)
    ? { mclMs, nobleMs }
    : undefined;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value < 60_000;
}
