import { describe, expect, it } from 'vitest';
import { principalToText } from '../../src/protocol/crypto/principal.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { CALLER_WAT, decodeForwarded, forwardTo } from '../support/caller-wat.ts';
import { TwoSubnets } from '../support/two-subnets.ts';
import { compileWat } from '../support/wat.ts';

/** Candid of an empty record: every field of the argument is optional. */
const NO_SETTINGS = Uint8Array.of(0x44, 0x49, 0x44, 0x4c, 1, 0x6c, 0, 1, 0);
const CYCLES = 2_000_000_000_000n;

describe('a canister on another subnet', () => {
  it('is made for canisters of the root, and refused to others with their cycles back', async () => {
    const scene = new TwoSubnets(await compileWat(CALLER_WAT));
    const { network, a, b } = scene;
    const management = (index: number): CanisterId =>
      network.subnet(index).env.subnetId as unknown as CanisterId;
    const create = (from: number, id: CanisterId, to: number) =>
      decodeForwarded(
        scene.call(
          from,
          id,
          'forward',
          forwardTo(management(to), 'create_canister', CYCLES, NO_SETTINGS),
        ),
      );
    const before = network.subnet(1).state.canisters.size;
    const made = create(0, a, 1);
    // Candid of a record with the first free id of the second range.
    expect('data' in made && made.data.subarray(-10).toString('hex')).toBe('00000000001000010101');
    expect(network.subnet(1).state.canisters.size).toBe(before + 1);
    const count = network.subnet(0).state.canisters.size;
    const sender = principalToText(network.subnet(1).env.subnetId);
    const text = `Incorrect sender subnet id: ${sender}. Sender should be on the same subnet or on the NNS subnet.`;
    expect(create(1, b, 0)).toEqual({ code: 5, text });
    expect(network.subnet(0).state.canisters.size).toBe(count);
    network.rounds(2);
    expect([network.inTransit(), network.imbalance()]).toEqual([0n, 0n]);
  });
});
