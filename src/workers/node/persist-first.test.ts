import 'fake-indexeddb/auto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import type { NodeCore, NodeEffect, NodeOutput } from '../../protocol/node/node-io.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import { HEALTHY_NODE, type NodeConditions } from '../../wire/node-conditions.ts';
import { createNetworkClock, liveClockSetting } from '../clock/network-clock.ts';
import { createScheduler } from '../clock/scheduler.ts';
import { createFaultyStorage } from '../storage/faulty-storage.ts';
import { openIdbStorage } from '../storage/idb-storage.ts';
import { openLogStorage } from '../storage/log-storage.ts';
import { createMemoryStorage } from '../storage/memory-storage.ts';
import type { StoragePort } from '../storage/storage-port.ts';
import { createMemoryFile } from '../storage/testing/memory-file.ts';
import { createNodeHost } from './node-host.ts';
import { createTelemetryOutbox } from './telemetry-outbox.ts';
import { createStubCore } from './testing/stub-core.ts';

/**
 * Persist before you sign out loud, through the node host and each storage: whatever a node said is
 * on its disk after a kill at any moment, however slow the disk is and whichever write fails.
 */

const PEER = 'bb' as NodeId;

/** Signs one share per packet and says it when its write, or a later one, is acknowledged. */
function createSigner(): NodeCore {
  let signed = 0;
  let said = 0;
  return createStubCore((_, inputs): NodeOutput => {
    const effects: NodeEffect[] = [];
    let stored = said;
    for (const input of inputs) {
      if (input.kind === 'packet') {
        signed += 1;
        const put = { op: 'put', key: `share/${signed}`, value: Uint8Array.of(signed) } as const;
        effects.push({ kind: 'persist', operationId: signed, writes: [put] });
      } else if (input.kind === 'persisted') {
        stored = Math.max(stored, input.operationId);
      }
    }
    const transmits = Array.from({ length: stored - said }, (__, i) => ({
      to: 'all' as const,
      bytes: Uint8Array.of(said + i + 1),
      contents: [],
    }));
    said = stored;
    return { transmits, effects, trace: [], nextWakeNs: null };
  });
}

interface TestDisk {
  open(): Promise<StoragePort>;
  /** The next write of the real disk fails half-way. */
  fail(): void;
}

function createFileDisk(): TestDisk {
  const [file, spare] = [createMemoryFile(), createMemoryFile()];
  const { write } = file;
  return {
    open: async () => {
      file.write = write;
      return openLogStorage(file, spare);
    },
    fail: () => {
      file.write = (buffer, options) => write(buffer.slice(0, buffer.length / 2), options);
    },
  };
}

let databases = 0;
function createIdbDisk(): TestDisk {
  databases += 1;
  const name = `persist-first-${databases}`;
  let failing = false;
  return {
    open: async () => {
      failing = false;
      const opened = await openIdbStorage(name);
      const storage = present(opened.ok ? opened.value : null, 'the database opens');
      const unstorable = { op: 'put', key: Number.NaN as unknown as string } as const;
      return {
        ...storage,
        write: ({ writes }) =>
          storage.write({
            writes: failing ? [...writes, { ...unstorable, value: new Uint8Array() }] : writes,
          }),
      };
    },
    fail: () => {
      failing = true;
    },
  };
}

function createMemoryDisk(): TestDisk {
  const disk = new Map<string, Uint8Array>();
  return { open: async () => createMemoryStorage(disk), fail: () => undefined };
}

type Happening =
  | { readonly kind: 'packets'; readonly count: number }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'conditions'; readonly conditions: Partial<NodeConditions> }
  | { readonly kind: 'diskFails' };

const happenings: fc.Arbitrary<readonly Happening[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('packets'), count: fc.nat(3) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('time'), ms: fc.nat(40) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('conditions'),
        conditions: fc.constantFrom<Partial<NodeConditions>>(
          { diskDelayMs: 30 },
          { diskDelayMs: 5, cpuSlowdown: 3 },
          { failWrites: true },
          { failWrites: true, diskDelayMs: 10 },
          { paused: true },
          {},
        ),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('diskFails') }) },
  ) as fc.Arbitrary<Happening>,
  { minLength: 1, maxLength: 15 },
);

/** Lets other tasks of the event loop run: IndexedDB answers in its own. */
async function breathe(): Promise<void> {
  for (let i = 0; i < 4; i += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function livesUntilKilled(disk: TestDisk, life: readonly Happening[]) {
  let nowMs = 1_700_000_000_000;
  let tasks: { readonly dueMs: number; readonly task: () => void }[] = [];
  const timers = {
    set: (delayMs: number, task: () => void) => {
      const entry = { dueMs: nowMs + delayMs, task };
      tasks.push(entry);
      return entry;
    },
    clear: (handle: unknown) => {
      tasks = tasks.filter((entry) => entry !== handle);
    },
  };
  let conditions: NodeConditions = HEALTHY_NODE;
  const said: number[] = [];
  const fatal: string[] = [];
  const clock = createNetworkClock(liveClockSetting(nowMs), () => nowMs);
  const storage = createFaultyStorage(await disk.open(), () => conditions, {
    timers,
    nowMs: () => nowMs,
  });
  const host = createNodeHost({
    core: createSigner(),
    conditions,
    transport: { send: (_, bytes) => said.push(bytes[0] ?? 0), flush: () => undefined },
    clock,
    scheduler: createScheduler(clock, timers),
    timers,
    storage,
    sandbox: { request: () => undefined, running: () => 1, close: () => undefined },
    fetch: () => undefined,
    telemetry: createTelemetryOutbox({
      nodeId: 'aa' as NodeId,
      timers,
      nowNs: clock.nowNs,
      post: () => undefined,
    }),
    stopwatchMs: () => nowMs,
    onFatal: (reason) => fatal.push(reason),
    onStep: () => undefined,
  });
  const settle = async (): Promise<void> => {
    await breathe();
    for (let round = 0; round < 5; round += 1) {
      const due = tasks.filter((entry) => entry.dueMs <= nowMs);
      tasks = tasks.filter((entry) => entry.dueMs > nowMs);
      for (const { task } of due) {
        task();
      }
      await breathe();
    }
  };
  for (const happening of life) {
    switch (happening.kind) {
      case 'packets':
        for (let i = 0; i < happening.count; i += 1) {
          host.packet(PEER, Uint8Array.of(1));
        }
        break;
      case 'time':
        nowMs += happening.ms;
        break;
      case 'conditions':
        conditions = { ...HEALTHY_NODE, ...happening.conditions };
        host.setConditions(conditions);
        break;
      case 'diskFails':
        disk.fail();
    }
    await settle();
  }
  host.close();
  storage.close();
  return { said, fatal };
}

const DISKS: readonly [string, () => TestDisk, number][] = [
  ['memory', createMemoryDisk, 100],
  ['log files', createFileDisk, 100],
  ['IndexedDB', createIdbDisk, 40],
];

describe.each(DISKS)('persist before speaking: %s', (_, createDisk, numRuns) => {
  it('has everything on the disk that it said, whenever it is killed', async () => {
    let spoke = 0;
    let died = 0;
    await fc.assert(
      fc.asyncProperty(happenings, async (life) => {
        const disk = createDisk();
        const { said, fatal } = await livesUntilKilled(disk, life);
        const reopened = await disk.open();
        const stored = await reopened.readAll();
        const keys = new Set(stored.ok ? stored.value.map(({ key }) => key) : []);
        reopened.close();
        expect(stored.ok).toBe(true);
        for (const share of said) {
          expect(keys, `share ${share} was said`).toContain(`share/${share}`);
        }
        expect(fatal.length).toBeLessThanOrEqual(1);
        spoke += said.length;
        died += fatal.length;
      }),
      { numRuns, seed: 20_261 },
    );
    expect(spoke, 'the runs say something').toBeGreaterThan(numRuns);
    expect(died, 'and some end by their disk').toBeGreaterThan(0);
  });

  it('says why it ends, says nothing more, and works again when it is restarted', async () => {
    const disk = createDisk();
    const failing: readonly Happening[] = [
      { kind: 'packets', count: 1 },
      { kind: 'conditions', conditions: { failWrites: true } },
      { kind: 'packets', count: 2 },
      { kind: 'conditions', conditions: {} },
      { kind: 'packets', count: 2 },
    ];
    const first = await livesUntilKilled(disk, failing);
    expect(first).toEqual({ said: [1], fatal: ['the disk failed: the write was refused'] });
    const second = await livesUntilKilled(disk, [{ kind: 'packets', count: 2 }]);
    expect(second).toEqual({ said: [1, 2], fatal: [] });
  });
});
