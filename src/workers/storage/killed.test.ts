import { describe, expect, it } from 'vitest';
import { openLogStorage, type SyncFile } from './log-storage.ts';
import type { StorageBatch } from './storage-port.ts';
import { createMemoryFile } from './testing/memory-file.ts';

const MOVED_ABOVE = 300;

/** The process ends in the middle of the given change of the files; nothing it does afterwards counts. */
function mortal(changes: number, part: number) {
  let left = changes;
  const wrap = (file: SyncFile): SyncFile => ({
    ...file,
    write: (buffer, options) => {
      left -= 1;
      if (left === 0) {
        file.write(buffer.slice(0, Math.floor(buffer.length * part)), options);
      }
      if (left <= 0) {
        throw new TypeError('killed');
      }
      return file.write(buffer, options);
    },
    truncate: (size) => {
      left -= 1;
      if (left <= 0) {
        throw new TypeError('killed');
      }
      file.truncate(size);
    },
  });
  return { wrap, isAlive: () => left > 0 };
}

/** Writes, overwrites and deletes that make the log move its records several times. */
const SCRIPT: readonly StorageBatch[] = Array.from({ length: 14 }, (_, step) => ({
  writes: [
    { op: 'put', key: `k${step % 3}`, value: new Uint8Array(60).fill(step) },
    { op: 'put', key: 'last', value: Uint8Array.of(step) },
    ...(step % 4 === 3 ? [{ op: 'delete', key: `k${(step + 1) % 3}` } as const] : []),
  ],
}));

type Content = Readonly<Record<string, readonly number[]>>;

const CONTENTS: readonly Content[] = SCRIPT.reduce<Content[]>(
  (contents, { writes }) => {
    const next = { ...contents.at(-1) };
    for (const write of writes) {
      if (write.op === 'put') {
        next[write.key] = [...write.value];
      } else {
        delete next[write.key];
      }
    }
    return [...contents, next];
  },
  [{}],
);

async function contentOf(first: SyncFile, second: SyncFile): Promise<Content> {
  const read = await openLogStorage(first, second, MOVED_ABOVE).readAll();
  return read.ok ? Object.fromEntries(read.value.map(({ key, value }) => [key, [...value]])) : {};
}

describe('a log whose process is killed', () => {
  it.each([0, 0.5, 0.99])(
    'between any two changes of its files, or %f into one, has what it acknowledged',
    async (part) => {
      let changes = 1;
      for (let wasKilled = true; wasKilled; changes += 1) {
        const files = [createMemoryFile(), createMemoryFile()] as const;
        const { wrap, isAlive } = mortal(changes, part);
        let acknowledged = 0;
        try {
          const log = openLogStorage(wrap(files[0]), wrap(files[1]), MOVED_ABOVE);
          for (const batch of SCRIPT) {
            acknowledged += (await log.write(batch)).ok && isAlive() ? 1 : 0;
          }
        } catch {
          // Killed while it was opened.
        }
        wasKilled = !isAlive();
        const found = await contentOf(...files);
        const possible = CONTENTS.slice(acknowledged, acknowledged + 2);
        expect(possible, `killed in change ${changes}`).toContainEqual(found);
        // And it goes on from there.
        const again = openLogStorage(...files, MOVED_ABOVE);
        await again.write({ writes: [{ op: 'put', key: 'more', value: Uint8Array.of(1) }] });
        expect(await contentOf(...files)).toEqual({ ...found, more: [1] });
      }
      // Headers, batches and moves: three changes each.
      expect(changes).toBeGreaterThan(SCRIPT.length + 8);
    },
  );
});

describe('a log that is asked before it was read', () => {
  it('has what was written since it was opened', async () => {
    const files = [createMemoryFile(), createMemoryFile()] as const;
    const put = (key: string, fill: number): StorageBatch => ({
      writes: [{ op: 'put', key, value: new Uint8Array(500).fill(fill) }],
    });
    await openLogStorage(...files).write(put('a', 1));
    const log = openLogStorage(...files);
    await log.write(put('b', 2));
    const read = await log.readAll();
    expect(read.ok && read.value.map(({ key, value }) => [key, value.length, value[499]])).toEqual([
      ['a', 500, 1],
      ['b', 500, 2],
    ]);
  });
});

describe('a log whose disk is full', () => {
  it.each([
    ['a part of a write is taken', 'STORAGE_FULL', () => 3],
    ['the browser says so', 'STORAGE_FULL', () => quotaExceeded()],
    ['the file fails otherwise', 'STORAGE_FAILED', () => failed()],
  ])('because %s gives back what it took and names the reason', async (_, code, act) => {
    const file = createMemoryFile();
    let isFull = false;
    const filling: SyncFile = {
      ...file,
      write: (buffer, options) => {
        const taken = file.write(isFull ? buffer.slice(0, 3) : buffer, options);
        return isFull ? act() : taken;
      },
    };
    const log = openLogStorage(filling, createMemoryFile());
    await log.write(SCRIPT[0] as StorageBatch);
    const size = file.getSize();
    isFull = true;
    expect(await log.write(SCRIPT[1] as StorageBatch)).toMatchObject({ error: { code } });
    expect(file.getSize()).toBe(size);
  });
});

function quotaExceeded(): never {
  throw new DOMException('no room', 'QuotaExceededError');
}

function failed(): never {
  throw new DOMException('the disk is gone', 'InvalidStateError');
}
