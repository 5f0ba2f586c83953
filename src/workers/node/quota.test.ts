import { describe, expect, it } from 'vitest';
import type { NodeCore, NodeEffect, NodeOutput } from '../../protocol/node/node-io.ts';
import type { NodeId } from '../../protocol/types/ids.ts';
import { HEALTHY_NODE } from '../../wire/node-conditions.ts';
import { createNetworkClock, liveClockSetting } from '../clock/network-clock.ts';
import { createScheduler } from '../clock/scheduler.ts';
import { createFaultyStorage } from '../storage/faulty-storage.ts';
import { openLogStorage, type SyncFile } from '../storage/log-storage.ts';
import { createMemoryFile } from '../storage/testing/memory-file.ts';
import { createNodeHost } from './node-host.ts';
import { createTelemetryOutbox } from './telemetry-outbox.ts';
import { createStubCore } from './testing/stub-core.ts';

/** Nodes of one page share what the browser gives it: who asks for more is refused, others go on. */

const PEER = 'bb' as NodeId;

/** Stores each packet under a number of its own. */
function createKeeper(stored: string[]): NodeCore {
  let count = 0;
  return createStubCore((_, inputs): NodeOutput => {
    const effects: NodeEffect[] = [];
    for (const input of inputs) {
      if (input.kind === 'packet') {
        count += 1;
        const put = { op: 'put', key: `k${count}`, value: input.bytes } as const;
        effects.push({ kind: 'persist', operationId: count, writes: [put] });
      } else if (input.kind === 'persisted') {
        stored.push(`k${input.operationId}`);
      }
    }
    return { transmits: [], effects, trace: [], nextWakeNs: null };
  });
}

/** What all files of a page may take together. */
function createQuota(limit: { bytes: number }) {
  const files: SyncFile[] = [];
  const used = (): number => files.reduce((sum, file) => sum + file.getSize(), 0);
  const createFile = (): SyncFile => {
    const file = createMemoryFile();
    const { write } = file;
    files.push(file);
    file.write = (buffer, { at }) => {
      const more = Math.max(0, at + buffer.length - file.getSize());
      if (used() + more > limit.bytes) {
        // What fits is written, as a real disk does, and then it is over.
        write(buffer.slice(0, Math.max(0, limit.bytes - used())), { at });
        throw new DOMException('no room', 'QuotaExceededError');
      }
      return write(buffer, { at });
    };
    return file;
  };
  return { createFile };
}

function createNode(files: readonly [SyncFile, SyncFile]) {
  const stored: string[] = [];
  const fatal: string[] = [];
  const events: unknown[] = [];
  const timers = {
    set: (_: number, task: () => void) => queueMicrotask(task),
    clear: () => undefined,
  };
  const clock = createNetworkClock(liveClockSetting(0), () => 0);
  const disk = openLogStorage(...files);
  const telemetry = createTelemetryOutbox({
    nodeId: 'aa' as NodeId,
    timers,
    nowNs: clock.nowNs,
    post: (batch) => events.push(...batch.events),
  });
  const host = createNodeHost({
    conditions: HEALTHY_NODE,
    core: createKeeper(stored),
    transport: { send: () => undefined, flush: () => undefined },
    clock,
    scheduler: createScheduler(clock, timers),
    timers,
    storage: createFaultyStorage(disk, () => HEALTHY_NODE, { timers, nowMs: () => 0 }),
    sandbox: { request: () => undefined, running: () => 0, close: () => undefined },
    fetch: () => undefined,
    telemetry,
    stopwatchMs: () => 0,
    onFatal: (reason) => fatal.push(reason),
    onStep: () => undefined,
  });
  const take = async (bytes: number): Promise<void> => {
    host.packet(PEER, new Uint8Array(bytes).fill(7));
    for (let i = 0; i < 20; i += 1) {
      await Promise.resolve();
    }
  };
  return { take, stored, fatal, events, telemetry, disk };
}

describe('the quota of the page is used up', () => {
  it('ends the node that asks for more with that reason; others go on, and it comes back', async () => {
    const limit = { bytes: 1_000 };
    const { createFile } = createQuota(limit);
    const files = [createFile(), createFile()] as const;
    const [first, second] = [createNode(files), createNode([createFile(), createFile()])];
    await first.take(300);
    await second.take(100);
    await first.take(900);
    expect(first.fatal).toEqual([
      "the disk failed: the browser's quota for this page is used up: no room",
    ]);
    first.telemetry.flush();
    expect(first.events).toContainEqual(
      expect.objectContaining({ kind: 'criticalError', code: 'STORAGE_FULL' }),
    );
    await first.take(1);
    expect(first.stored, 'what was not stored is never acknowledged').toEqual(['k1']);

    // What its last write took of the room was given back.
    await second.take(400);
    expect([second.fatal, second.stored]).toEqual([[], ['k1', 'k2']]);

    first.disk.close();
    limit.bytes += 2_000;
    const again = createNode(files);
    const records = await again.disk.readAll();
    expect(records.ok && records.value.map(({ key, value }) => [key, value.length])).toEqual([
      ['k1', 300],
    ]);
    expect(again.disk.damage?.()).toEqual([]);
    await again.take(900);
    expect([again.fatal, again.stored]).toEqual([[], ['k1']]);
  });
});
