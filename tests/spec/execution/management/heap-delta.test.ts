import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CLASSROOM_EXECUTION_LIMITS } from '../../../../src/protocol/limits/execution.ts';
import { priorityOf } from '../../../../src/protocol/replicated-state/schedule.ts';
import { makeCheckpoint } from '../../../../src/protocol/state-manager/checkpoint.ts';
import { restoreCheckpoint } from '../../../../src/protocol/state-manager/restore-checkpoint.ts';
import type { CanisterId } from '../../../../src/protocol/types/ids.ts';
import { manage } from '../../../support/management-interface.ts';
import { TestSubnet } from '../../../support/test-subnet.ts';
import { op, program } from '../../../support/universal.ts';
import { universalWasm } from '../../../support/universal-module.ts';

/** Management calls that change memory use up a canister's rate, as its messages do. */

const MIB = 1024 * 1024;
const PAGE = 4096;
/** A debit shrinks so slowly that a test sees all of it. */
const LIMITS = { ...CLASSROOM_EXECUTION_LIMITS, heapDeltaBytesPerRound: 1 };
/** Large enough that nothing is refused. */
const WIDE = { ...CLASSROOM_EXECUTION_LIMITS, heapDeltaBytesPerRound: 1000 * MIB };

interface Taken {
  readonly id: Uint8Array;
}

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await universalWasm();
});

describe('memory changed by management calls', () => {
  let subnet: TestSubnet;
  let id: CanisterId;

  const start = (limits = WIDE): void => {
    subnet = new TestSubnet(limits);
    id = subnet.createWith(wasm);
  };
  beforeEach(() => {
    start();
  });
  const debit = (): number => priorityOf(subnet.state.schedule, id).heapDeltaDebit;
  /** Of the subnet since the last checkpoint: unlike the debit it does not shrink. */
  const delta = (): number => subnet.state.schedule.heapDeltaBytes;
  const added = (change: () => unknown): number => {
    const before = delta();
    expect(change()).not.toMatch(/^IC0/);
    return delta() - before;
  };
  const upload = (chunk: Uint8Array): unknown =>
    JSON.stringify(manage(subnet, id, 'upload_chunk', { chunk }) ?? null);
  const take = (): Taken =>
    manage<Taken>(subnet, id, 'take_canister_snapshot', {
      replace_snapshot: [],
      uninstall_code: [],
    }) as Taken;
  const load = (snapshot: Taken): string =>
    manage(subnet, id, 'load_canister_snapshot', { snapshot_id: snapshot.id }) ?? '';
  /** Changes so many pages, and the one that the program is read into. */
  const touch = (pages: number): void => {
    subnet.call(id, 'update', program(op('touch', pages), op('reply')).bytes);
  };

  it('comes with instructions besides, but not where the system’s canisters are', () => {
    const usedBy = (change: () => unknown): bigint => {
      change();
      const last = subnet.executed.at(-1);
      return last?.kind === 'executed' ? last.instructions : 0n;
    };
    expect(usedBy(() => upload(Uint8Array.of(1)))).toBe(200_000_000n);
    const bytes = usedBy(take) - 2_000_000_000n;
    subnet = new TestSubnet(WIDE, 4, { index: 0, subnetType: 'system' });
    id = subnet.createWith(wasm);
    expect(usedBy(() => upload(Uint8Array.of(1)))).toBe(0n);
    expect(usedBy(take)).toBe(bytes);
  });

  it('is a full slot for a new chunk, nothing for a known one', () => {
    expect(added(() => upload(Uint8Array.of(1)))).toBe(MIB);
    expect(added(() => upload(Uint8Array.of(1)))).toBe(0);
  });

  it('makes the next chunk wait, until enough rounds have passed', () => {
    start(LIMITS);
    const { schedule } = subnet.state;
    const priorities = schedule.priorities.delete(id);
    subnet.state = { ...subnet.state, schedule: { ...schedule, priorities } };
    expect(upload(Uint8Array.of(1))).not.toMatch(/IC0/);
    expect(debit()).toBe(MIB - 1);
    expect(upload(Uint8Array.of(2))).toMatch(
      /IC0504: Error from Wasm chunk store: Canister is heap delta rate limited\. Current delta debit: 1048575, limit: 1\./,
    );
    start({ ...LIMITS, heapDeltaBytesPerRound: MIB });
    for (const byte of [1, 2, 3]) {
      expect(upload(Uint8Array.of(byte))).not.toMatch(/IC0/);
    }
  });

  it('is what a snapshot holds beyond the last checkpoint', () => {
    subnet.round([], { isCheckpoint: true });
    expect(added(() => JSON.stringify(take().id))).toBe(0);
    touch(7);
    expect(added(() => JSON.stringify(take().id))).toBe(8 * PAGE);
    // The same pages once more, for another snapshot of them.
    expect(added(() => JSON.stringify(take().id))).toBe(8 * PAGE);
    subnet.round([], { isCheckpoint: true });
    expect(delta()).toBe(0);
    expect(added(() => JSON.stringify(take().id))).toBe(0);
  });

  it('is what loading a snapshot brings that the last checkpoint does not hold', () => {
    touch(7);
    const young = take();
    expect(added(() => load(young))).toBe(8 * PAGE);
    subnet.round([], { isCheckpoint: true });
    touch(20);
    expect(added(() => load(young))).toBe(0);
  });

  it('is every byte of an upload', () => {
    subnet.round([], { isCheckpoint: true });
    const facts = {
      wasm_module_size: 10n,
      globals: [],
      wasm_memory_size: 65_536n,
      stable_memory_size: 0n,
      certified_data: new Uint8Array(0),
      global_timer: [],
      on_low_wasm_memory_hook_status: [],
      replace_snapshot: [],
    };
    let made = new Uint8Array(0);
    expect(
      added(() => {
        const { snapshot_id } = manage<{ snapshot_id: Uint8Array<ArrayBuffer> }>(
          subnet,
          id,
          'upload_canister_snapshot_metadata',
          facts,
        ) as { snapshot_id: Uint8Array<ArrayBuffer> };
        made = snapshot_id;
        return '';
      }),
    ).toBe(0);
    const send = (kind: object, chunk: Uint8Array): string =>
      manage(subnet, id, 'upload_canister_snapshot_data', { snapshot_id: made, kind, chunk }) ?? '';
    expect(added(() => send({ wasm_module: { offset: 3n } }, Uint8Array.of(1, 2, 3)))).toBe(3);
    expect(added(() => send({ wasm_memory: { offset: 0n } }, new Uint8Array(5000)))).toBe(5000);
    expect(added(() => send({ wasm_chunk: null }, Uint8Array.of(9)))).toBe(MIB);
    expect(added(() => send({ wasm_chunk: null }, Uint8Array.of(9)))).toBe(0);
  });

  it('is the same on a node that began with the checkpoint’s files', () => {
    touch(5);
    upload(Uint8Array.of(4));
    const old = take();
    touch(9);
    subnet.round([], { isCheckpoint: true });
    const checkpoint = makeCheckpoint(subnet.state);
    const restored = restoreCheckpoint(checkpoint.hash, checkpoint.encodedManifest, {
      chunk: (hash) => checkpoint.chunk(hash),
      isVerified: false,
    });
    if (!restored.ok) {
      throw new Error(restored.error.message);
    }
    const other = new TestSubnet(WIDE);
    other.state = restored.value.state;
    other.adoptMessageCounter(subnet);
    const nodes = [subnet, other].map((node) => {
      subnet = node;
      load(old);
      const afterLoad = delta();
      touch(3);
      take();
      return [afterLoad, delta(), debit()];
    });
    expect(nodes[1]).toEqual(nodes[0]);
    expect(nodes[0]?.[1]).toBeGreaterThan(0);
  });
});
