import { describe, expect, it } from 'vitest';
import { compileWat } from '../../../tests/support/wat.ts';
import { TestSubnet } from '../../../tests/support/test-subnet.ts';
import type { CanisterState } from '../replicated-state/canister-state.ts';
import { memoryUsage, usedBytes } from './cycles-account-manager.ts';

describe('what a canister stores', () => {
  it('is the sum of its kinds, each counted', async () => {
    const subnet = new TestSubnet();
    const plain = await compileWat('(module (memory 3) (global (mut i64) (i64.const 1)))');
    const name = Buffer.from('icp:public note');
    const section = Buffer.concat([Buffer.of(name.length), name, Buffer.from('twelve bytes')]);
    const wasm = Uint8Array.from(Buffer.concat([plain, Buffer.of(0, section.length), section]));
    const canisterId = subnet.createWith(wasm);
    subnet.round([subnet.manage(canisterId, 'take_canister_snapshot')]);
    const taken = subnet.canister(canisterId);
    const chunk = { hash: 'ab', bytes: Uint8Array.of(1) };
    const canister = { ...taken, chunkStore: { chunks: [chunk] } } as unknown as CanisterState;
    const { totalBytes, ...kinds } = memoryUsage(canister);
    const sizes: Readonly<Record<string, bigint>> = { ...kinds };
    expect(kinds.snapshotBytes).toBeGreaterThan(3n * 65_536n);
    expect(kinds.chunkStoreBytes).toBe(1_048_576n);
    expect(kinds.heapBytes).toBe(3n * 65_536n);
    expect(kinds.customSectionBytes).toBe(BigInt('note'.length + 'twelve bytes'.length));
    expect(Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0n)).toBe(totalBytes);
    expect(usedBytes(canister)).toBe(totalBytes);
  });
});
