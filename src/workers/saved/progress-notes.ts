import type { TelemetryBatch } from '../../wire/telemetry.ts';
import type { Catalogue, CatalogueEntry } from './catalogue.ts';

export interface ProgressNotes {
  observe(batch: TelemetryBatch): void;
  /** Writes what is known by now, and nothing later. */
  close(): Promise<void>;
}

/** The list shows figures of some seconds ago; what matters is on the nodes' disks. */
const EVERY_MS = 3_000;

type Progress = Pick<
  CatalogueEntry,
  'height' | 'canisters' | 'networkTimeNs' | 'pace' | 'lastSeenMs'
>;

/** Keeps the figures of an open network's entry: height, time, pace, number of canisters. */
export function createProgressNotes(
  entry: CatalogueEntry,
  catalogue: Pick<Catalogue, 'change'>,
): ProgressNotes {
  const { height, networkTimeNs, pace } = entry;
  const known = { height, networkTimeNs, pace };
  const canisters = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  const progress = (): Progress => ({
    ...known,
    canisters: Math.max(entry.canisters, canisters.size),
    lastSeenMs: Date.now(),
  });
  const write = async (): Promise<void> => {
    timer = undefined;
    // A list that cannot be written costs its figures; the page says so where it shows the list.
    await catalogue.change(entry.id, progress());
  };
  return {
    observe: ({ atNs, events }) => {
      known.networkTimeNs = atNs > known.networkTimeNs ? atNs : known.networkTimeNs;
      for (const event of events) {
        if (event.kind === 'nodeHeights') {
          known.height = Math.max(known.height, event.heights.finalized);
        } else if (event.kind === 'clockChanged') {
          known.pace = event.pace;
        } else if (event.kind === 'canisterChanged') {
          canisters.add(event.canister.canisterId);
        }
      }
      if (!closed) {
        timer ??= setTimeout(() => void write(), EVERY_MS);
      }
    },
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await write();
    },
  };
}
