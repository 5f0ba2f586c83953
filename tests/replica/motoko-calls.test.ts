import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { beforeAll, describe, expect, it } from 'vitest';
import { principalToBytes } from '../../src/protocol/crypto/principal.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { compileMotoko } from '../support/motoko.ts';
import { TestSubnet } from '../support/test-subnet.ts';

/** Two of these call each other, with cycles, deadlines and timers. */
const SOURCE = `
import Cycles "mo:core/Cycles";
import Error "mo:core/Error";
import Principal "mo:core/Principal";
import Timer "mo:core/Timer";
persistent actor class Peer(other : Principal) = self {
  type Other = actor { take : Nat -> async Nat; tick : () -> async () };
  var ticks = 0;
  func peer() : Other = actor (Principal.toText(other));
  public func take(n : Nat) : async Nat { Cycles.accept<system>(n) };
  public func tick() : async () { ticks += 1 };
  public func pay(n : Nat) : async (Nat, Nat) {
    let taken = await (with cycles = n) peer().take(n / 4);
    (taken, Cycles.refunded())
  };
  public func hurry() : async Text {
    try { ignore await (with timeout = 5) peer().take(0); "in time" } catch (e) { Error.message(e) }
  };
  public func alarm() : async () {
    ignore Timer.setTimer<system>(#seconds 3, func() : async () { ticks += 100; await peer().tick() })
  };
  public func count() : async Nat { ticks };
}`;

const noArgs = Uint8Array.from(IDL.encode([], []));

describe('Motoko actors that call each other', () => {
  const subnet = new TestSubnet();
  let a: CanisterId;
  let b: CanisterId;
  beforeAll(async () => {
    const { wasm } = await compileMotoko(SOURCE);
    [a, b] = [subnet.create(), subnet.create()];
    const told = (id: CanisterId): Uint8Array =>
      Uint8Array.from(
        IDL.encode([IDL.Principal], [Principal.fromUint8Array(principalToBytes(id))]),
      );
    subnet.install(a, wasm, told(b));
    subnet.install(b, wasm, told(a));
  }, 120_000);

  const call = (types: IDL.Type[], method: string, arg = noArgs): unknown[] => {
    const { answer } = subnet.call(a, method, arg);
    if (!/^[0-9a-f]*$/.test(answer)) {
      throw new Error(answer);
    }
    return IDL.decode(types, Uint8Array.from(Buffer.from(answer, 'hex')));
  };
  const ticks = (id: CanisterId): number => {
    const { answer } = subnet.call(id, 'count', noArgs);
    return Number(IDL.decode([IDL.Nat], Uint8Array.from(Buffer.from(answer, 'hex')))[0]);
  };

  it('send cycles and get back what was not accepted', () => {
    const before = subnet.totalCycles();
    const balance = subnet.canister(b).cycles;
    const arg = Uint8Array.from(IDL.encode([IDL.Nat], [8_000_000_000n]));
    expect(call([IDL.Nat, IDL.Nat], 'pay', arg)).toEqual([2_000_000_000n, 6_000_000_000n]);
    expect(subnet.canister(b).cycles).toBeGreaterThan(balance + 1_900_000_000n);
    expect(subnet.totalCycles()).toBe(before);
  });

  it('call with a timeout', () => {
    expect(call([IDL.Text], 'hurry')).toEqual(['in time']);
  });

  it('call from a timer', () => {
    call([], 'alarm');
    for (let second = 0; second < 6; second += 1) {
      subnet.round();
    }
    expect([ticks(a), ticks(b)]).toEqual([100, 1]);
  });

  it('fire a timer that was due during an hour of sleep, once', () => {
    call([], 'alarm');
    subnet.round([], { afterNs: 3_600_000_000_000n });
    for (let second = 0; second < 6; second += 1) {
      subnet.round();
    }
    expect([ticks(a), ticks(b)]).toEqual([200, 2]);
  });
});
