import { describe, expect, it } from 'vitest';
import { present } from '../../base/assert.ts';
import type { StorageWrite } from '../../protocol/node/node-io.ts';
import { encodeFrame } from './log-frames.ts';
import { openLogStorage, type SyncFile } from './log-storage.ts';
import type { StoragePort } from './storage-port.ts';
import { createMemoryFile } from './testing/memory-file.ts';

/** What a log reads ahead. */
const WINDOW_BYTES = 65_536;

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const put = (key: string, value: Uint8Array): StorageWrite => ({ op: 'put', key, value });
const remove = (key: string): StorageWrite => ({ op: 'delete', key });

describe('log storage', () => {
  const LARGE_BYTES = 1024;
  const keysOf = async (storage: StoragePort): Promise<readonly string[]> => {
    const all = await storage.readAll();
    return all.ok ? all.value.map(({ key }) => key) : ['unreadable'];
  };

  it('keeps whole batches and drops a torn one, wherever the last write was cut', async () => {
    const [file, spare] = [createMemoryFile(), createMemoryFile()];
    const storage = openLogStorage(file, spare);
    await storage.write({ writes: [put('a', bytes(1))] });
    const acknowledged = file.getSize();
    await storage.write({ writes: [put('b', bytes(2)), put('c', bytes(3)), remove('a')] });
    const whole = new Uint8Array(file.getSize());
    file.read(whole, { at: 0 });
    for (let size = acknowledged; size < whole.length; size += 1) {
      const torn = createMemoryFile();
      torn.write(whole.slice(0, size), { at: 0 });
      const reopened = openLogStorage(torn, createMemoryFile());
      expect(await keysOf(reopened), `cut to ${size}`).toEqual(['a']);
      await reopened.write({ writes: [put('d', bytes(4))] });
      expect(await keysOf(openLogStorage(torn, createMemoryFile()))).toEqual(['a', 'd']);
    }
    expect(await keysOf(openLogStorage(file, spare))).toEqual(['b', 'c']);
  });

  it('moves living records to the other file when most is dead, and finds them there', async () => {
    const [file, spare] = [createMemoryFile(), createMemoryFile()];
    const storage = openLogStorage(file, spare, 4 * LARGE_BYTES);
    const large = new Uint8Array(LARGE_BYTES).fill(5);
    await storage.write({ writes: [put('kept', bytes(7))] });
    for (let i = 0; i < 4; i += 1) {
      await storage.write({ writes: [put('large', large)] });
    }
    expect(file.getSize(), 'the old file was given back').toBe(0);
    await storage.write({ writes: [put('after', bytes(8)), remove('large')] });
    // Whichever order they are named in, the newer file counts.
    for (const reopened of [openLogStorage(file, spare), openLogStorage(spare, file)]) {
      expect(await reopened.readAll()).toEqual({
        ok: true,
        value: [
          { key: 'after', value: bytes(8) },
          { key: 'kept', value: bytes(7) },
        ],
      });
    }
  });

  it('stays bounded whatever is appended, as long as old records are purged', async () => {
    const [file, spare] = [createMemoryFile(), createMemoryFile()];
    const least = 16 * LARGE_BYTES;
    const storage = openLogStorage(file, spare, least);
    const living = 20;
    let largest = 0;
    for (let i = 0; i < 500; i += 1) {
      const writes = [
        put(`block/${i}`, new Uint8Array(LARGE_BYTES)),
        remove(`block/${i - living}`),
      ];
      await storage.write({ writes });
      largest = Math.max(largest, file.getSize() + spare.getSize());
    }
    const frame = LARGE_BYTES + 100;
    expect(largest).toBeLessThan(Math.max(least, 2 * living * frame) + frame);
    expect(await keysOf(storage)).toHaveLength(living);
  });

  it('gives the same records at the first reading, at later ones and after a write', async () => {
    const [file, spare] = [createMemoryFile(), createMemoryFile()];
    const records = [
      { key: 'a', value: bytes(1) },
      { key: 'large', value: new Uint8Array(LARGE_BYTES).fill(6) },
    ];
    const writes = records.map(({ key, value }) => put(key, value));
    await openLogStorage(file, spare).write({ writes });
    const reopened = openLogStorage(file, spare);
    const first = await reopened.readAll();
    expect(first).toEqual({ ok: true, value: records });
    expect(await reopened.readAll()).toEqual(first);
    const other = openLogStorage(file, spare);
    await other.write({ writes: [remove('large')] });
    expect(await keysOf(other)).toEqual(['a']);
  });

  it('passes over a damaged batch and tells of it, wherever a byte was changed', async () => {
    const [file, spare] = [createMemoryFile(), createMemoryFile()];
    const storage = openLogStorage(file, spare);
    await storage.write({ writes: [put('a', bytes(1))] });
    const start = file.getSize();
    await storage.write({ writes: [put('b', new Uint8Array(40).fill(2))] });
    const end = file.getSize();
    await storage.write({ writes: [put('c', bytes(3))] });
    const whole = new Uint8Array(file.getSize());
    file.read(whole, { at: 0 });
    for (let at = start; at < end; at += 1) {
      const damaged = createMemoryFile();
      const wrong = whole.slice();
      wrong[at] = (wrong[at] as number) ^ 0x55;
      damaged.write(wrong, { at: 0 });
      const reopened = openLogStorage(damaged, createMemoryFile());
      expect(await keysOf(reopened), `byte ${at}`).toEqual(['a', 'c']);
      expect(reopened.damage?.()).toHaveLength(1);
    }
  });

  const LARGE = 20_000;
  const large = (fill: number): Uint8Array => new Uint8Array(LARGE).fill(fill);
  const contentOf = (file: SyncFile): Uint8Array<ArrayBuffer> => {
    const content = new Uint8Array(file.getSize());
    file.read(content, { at: 0 });
    return content;
  };
  const fileOf = (content: Uint8Array<ArrayBuffer>): SyncFile => {
    const file = createMemoryFile();
    file.write(content, { at: 0 });
    return file;
  };
  const readSmall = async (storage: StoragePort) => {
    const read = await storage.readSmall?.();
    return present(read?.ok === true ? read.value : null, 'the log is read');
  };

  it('reads large values when they are asked for, as they are then', async () => {
    const [file, spare] = [createMemoryFile(), createMemoryFile()];
    const storage = openLogStorage(file, spare, 4 * LARGE);
    const before = 60;
    for (let i = 0; i < before; i += 1) {
      await storage.write({ writes: [put(`large/${i % 4}`, large(i)), put('small', bytes(i))] });
    }
    let bytesRead = 0;
    const [counted, other] = [file, spare].map(
      (one): SyncFile => ({
        ...one,
        read: (buffer, options) => {
          const count = one.read(buffer, options);
          bytesRead += count;
          return count;
        },
      }),
    ) as [SyncFile, SyncFile];
    const reopened = openLogStorage(counted, other, 4 * LARGE);
    const { records, large: lengths, read } = await readSmall(reopened);
    expect(records).toEqual([{ key: 'small', value: bytes(before - 1) }]);
    expect(lengths).toEqual(new Map([0, 1, 2, 3].map((i) => [`large/${i}`, LARGE])));
    expect(bytesRead).toBeLessThan(file.getSize() + spare.getSize() + WINDOW_BYTES);
    expect(read('large/3')).toEqual(large(before - 1));
    // They move to another file, are replaced and removed behind the reader's back.
    for (let i = 0; i < 10; i += 1) {
      await reopened.write({ writes: [put('large/0', large(i)), remove('large/1')] });
    }
    expect(read('large/0')).toEqual(large(9));
    expect(read('large/1')).toBeUndefined();
    expect(read('large/3')).toEqual(large(before - 1));
    expect(reopened.damage?.()).toEqual([]);
  });

  it('tells of a large value that is damaged when it is read, and keeps its neighbours', async () => {
    const [file, spare] = [createMemoryFile(), createMemoryFile()];
    const storage = openLogStorage(file, spare);
    await storage.write({ writes: [put('one', large(1)), put('small', bytes(1))] });
    await storage.write({ writes: [put('two', large(2))] });
    const content = contentOf(file);
    const at = content.indexOf(1, content.length - 2 * LARGE - 200 + 100);
    content[at + 5_000] = 9;
    const damaged = openLogStorage(fileOf(content), createMemoryFile());
    expect(damaged.damage?.()).toEqual([]);
    const { records, read } = await readSmall(damaged);
    expect(records).toEqual([{ key: 'small', value: bytes(1) }]);
    expect(read('one')).toBeUndefined();
    expect(read('two')).toEqual(large(2));
    expect(damaged.damage?.()).toEqual(['one is damaged']);
    expect(await keysOf(damaged)).toEqual(['small', 'two']);
    // A move does not give it a new checksum.
    await damaged.clear();
    expect(await keysOf(damaged)).toEqual([]);
    const moving = openLogStorage(fileOf(content), createMemoryFile(), 1);
    await moving.write({ writes: [remove('two'), put('three', bytes(3))] });
    await moving.write({ writes: [put('x', large(4)), put('x', large(5)), put('x', large(6))] });
    expect(await keysOf(moving)).toEqual(['small', 'three', 'x']);
    expect(moving.damage?.()).toContain('one is damaged');
  });

  it('drops a torn batch with a large value, wherever it was cut or not yet written', async () => {
    const file = createMemoryFile();
    const storage = openLogStorage(file, createMemoryFile());
    await storage.write({ writes: [put('a', large(1))] });
    const acknowledged = file.getSize();
    await storage.write({ writes: [put('b', large(2)), remove('a')] });
    const whole = contentOf(file);
    for (let size = acknowledged; size < whole.length; size += 997) {
      const cut = openLogStorage(fileOf(whole.slice(0, size)), createMemoryFile());
      expect(await keysOf(cut), `cut to ${size}`).toEqual(['a']);
      // The file has grown, its new blocks are not there yet.
      const hollow = openLogStorage(fileOf(whole.slice().fill(0, size)), createMemoryFile());
      expect(await keysOf(hollow), `zero from ${size}`).toEqual(['a']);
    }
    expect(await keysOf(openLogStorage(file, createMemoryFile()))).toEqual(['b']);
  });

  it('passes over a batch with large values whose head is damaged', async () => {
    const file = createMemoryFile();
    const storage = openLogStorage(file, createMemoryFile());
    await storage.write({ writes: [put('a', bytes(1))] });
    const start = file.getSize();
    await storage.write({ writes: [put('b', large(2)), put('b2', large(3))] });
    await storage.write({ writes: [put('c', large(4))] });
    for (let at = start; at < start + 30; at += 1) {
      const content = contentOf(file);
      content[at] = (content[at] as number) ^ 0x55;
      const reopened = openLogStorage(fileOf(content), createMemoryFile());
      expect(await keysOf(reopened), `byte ${at}`).toEqual(['a', 'c']);
      expect(reopened.damage?.()).toHaveLength(1);
    }
  });

  it('reads a log of version 1, which goes on in the new form', async () => {
    const frame = encodeFrame(1, [put('a', large(1)), put('b', bytes(2)), put('c', large(70))]);
    const more = encodeFrame(1, [put('d', new Uint8Array(100_000).fill(8)), remove('c')]);
    const header = Uint8Array.of(0x53, 0x42, 0x4e, 0x31, 0, 0, 0, 1);
    const content = Uint8Array.of(...header, ...frame, ...more);
    const [file, spare] = [fileOf(content), createMemoryFile()];
    const expected = [
      { key: 'a', value: large(1) },
      { key: 'b', value: bytes(2) },
      { key: 'd', value: new Uint8Array(100_000).fill(8) },
    ];
    expect(await openLogStorage(file, spare).readAll()).toEqual({ ok: true, value: expected });
    expect(file.getSize(), 'it moved').toBe(0);
    const { large: lengths } = await readSmall(openLogStorage(file, spare));
    expect(new Set(lengths.keys())).toEqual(new Set(['a', 'd']));
    // Without room to move it goes on as it is.
    const full = { ...createMemoryFile(), write: () => 0 };
    const old = fileOf(content);
    const stays = openLogStorage(old, full);
    await stays.write({ writes: [put('e', large(5))] });
    expect(await keysOf(openLogStorage(old, full))).toEqual(['a', 'b', 'd', 'e']);
  });

  it('goes on with the old file when it was killed in the middle of a move', async () => {
    const [file, spare] = [createMemoryFile(), createMemoryFile()];
    const storage = openLogStorage(file, spare);
    await storage.write({ writes: [put('a', bytes(1))] });
    // Records are there, the header, which is written last, is not.
    spare.write(new Uint8Array(100).fill(1), { at: 8 });
    expect(await keysOf(openLogStorage(file, spare))).toEqual(['a']);
  });

  it('answers STORAGE_FULL when the file does not take a write, and takes none afterwards', async () => {
    const [file, spare] = [createMemoryFile(), createMemoryFile()];
    const storage = openLogStorage(file, spare);
    const { write } = file;
    // Half of a write reaches the disk.
    file.write = (buffer, options) => write(buffer.slice(0, buffer.length / 2), options);
    const full = { ok: false, error: { code: 'STORAGE_FULL' } };
    expect(await storage.write({ writes: [put('a', bytes(1))] })).toMatchObject(full);
    file.write = write;
    expect(await storage.write({ writes: [put('b', bytes(2))] })).toMatchObject(full);
    const reopened = openLogStorage(file, spare);
    expect(await keysOf(reopened)).toEqual([]);
    expect(await reopened.write({ writes: [put('c', bytes(3))] })).toMatchObject({ ok: true });
    expect(await keysOf(openLogStorage(file, spare))).toEqual(['c']);
  });

  it.each([
    ['its records', 0],
    ['its header', 1],
  ])('loses nothing when there is no room to move to: %s', async (_, writesThatFit) => {
    const [file, spare] = [createMemoryFile(), createMemoryFile()];
    const storage = openLogStorage(file, spare, 4 * LARGE_BYTES);
    const { write } = spare;
    let taken = 0;
    spare.write = (buffer, options) => {
      taken += 1;
      // All of it arrives, but the answer is an error: the worst a disk can do.
      const written = write(buffer, options);
      return taken > writesThatFit ? 0 : written;
    };
    const large = new Uint8Array(LARGE_BYTES).fill(5);
    await storage.write({ writes: [put('kept', bytes(7))] });
    for (let i = 0; i < 5; i += 1) {
      expect(await storage.write({ writes: [put('large', large)] })).toMatchObject({ ok: true });
    }
    expect(taken).toBeGreaterThan(writesThatFit);
    expect(
      await storage.write({ writes: [put('after', bytes(8)), remove('large')] }),
    ).toMatchObject({ ok: true });
    spare.write = write;
    expect(await keysOf(openLogStorage(file, spare))).toEqual(['after', 'kept']);
  });
});
