import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { canisterIdFromU64 } from '../crypto/principal.ts';
import type { MessageId, PrincipalId } from '../types/ids.ts';
import type { CanisterRequest } from './canister-messages.ts';
import {
  createCanisterState,
  DEFAULT_SETTINGS,
  type CanisterState,
  type IngressMessage,
} from './canister-state.ts';
import { hasInput, popInput, pushInput } from './input-queues.ts';

const receiver = canisterIdFromU64(0n);
const EMPTY: CanisterState = createCanisterState({
  height: 1,
  canisterId: receiver,
  controllers: [],
  cycles: 0n,
  settings: DEFAULT_SETTINGS,
  timeNs: 0n,
  creator: { kind: 'user', userId: '04' as PrincipalId },
});

const request = (from: number, callbackId: number): CanisterRequest => ({
  kind: 'request',
  sender: canisterIdFromU64(BigInt(from)),
  receiver,
  callbackId,
  methodName: 'm',
  arg: new Uint8Array(0),
  cycles: 0n,
  deadlineNs: 0n,
  callTree: { depth: 1, startTimeNs: 0n },
});
const ingress = (n: number): IngressMessage => ({
  messageId: `u${n}` as MessageId,
  sender: '04' as PrincipalId,
  canisterId: receiver,
  effectiveCanisterId: receiver,
  methodName: 'm',
  arg: new Uint8Array(0),
  expiryNs: 0n,
});

function drain(start: CanisterState): string[] {
  const names: string[] = [];
  let canister = start;
  for (let next = popInput(canister); next !== undefined; next = popInput(canister)) {
    const { message } = next;
    canister = next.canister;
    names.push(
      'messageId' in message
        ? message.messageId
        : `${'sender' in message ? Number.parseInt(message.sender.slice(0, 16), 16) : '?'}:${message.callbackId}`,
    );
  }
  expect(hasInput(canister)).toBe(false);
  return names;
}

describe('the input of a canister', () => {
  it('takes turns between users and canisters, and among canisters', () => {
    let canister: CanisterState = { ...EMPTY, ingressQueue: [ingress(1), ingress(2), ingress(3)] };
    for (const [from, id] of [
      [7, 1],
      [7, 2],
      [7, 3],
      [8, 1],
      [9, 1],
      [9, 2],
    ] as const) {
      canister = pushInput(canister, canisterIdFromU64(BigInt(from)), request(from, id));
    }
    expect(drain(canister)).toEqual(['u1', '7:1', 'u2', '8:1', 'u3', '9:1', '7:2', '9:2', '7:3']);
  });

  it('takes turns among users, canisters of other subnets and canisters of this one', () => {
    let canister: CanisterState = { ...EMPTY, ingressQueue: [ingress(1), ingress(2)] };
    for (const [from, id] of [
      [7, 1],
      [7, 2],
      [8, 1],
      [1007, 1],
      [1008, 1],
      [1007, 2],
    ] as const) {
      const sender = canisterIdFromU64(BigInt(from));
      canister = pushInput(canister, sender, request(from, id), from > 1000);
    }
    expect(drain(canister)).toEqual([
      'u1',
      '1007:1',
      '7:1',
      'u2',
      '1008:1',
      '8:1',
      '1007:2',
      '7:2',
    ]);
  });

  test.prop([fc.array(fc.tuple(fc.nat(4), fc.boolean()), { maxLength: 60 })])(
    'loses nothing, keeps each sender in order and lets nobody wait longer than a turn',
    (steps) => {
      let canister = EMPTY;
      const sent = new Map<number, number>();
      let waitingSince: [number, number][] = [];
      let pops = 0;
      const taken = new Map<number, number>();
      for (const [from, pops1] of steps) {
        const id = (sent.get(from) ?? 0) + 1;
        sent.set(from, id);
        if (
          !canister.inputQueues.some(({ sender }) => sender === canisterIdFromU64(BigInt(from)))
        ) {
          waitingSince.push([from, pops]);
        }
        canister = pushInput(canister, canisterIdFromU64(BigInt(from)), request(from, id));
        const next = pops1 ? popInput(canister) : undefined;
        if (next !== undefined && 'callbackId' in next.message && 'sender' in next.message) {
          pops += 1;
          canister = next.canister;
          const sender = Number.parseInt(next.message.sender.slice(0, 16), 16);
          expect(next.message.callbackId).toBe((taken.get(sender) ?? 0) + 1);
          taken.set(sender, next.message.callbackId);
          const since = waitingSince.find(([who]) => who === sender)?.[1] ?? pops;
          expect(pops - since).toBeLessThanOrEqual(5);
          waitingSince = waitingSince.filter(([who]) => who !== sender);
          if (
            canister.inputQueues.some((queue) => queue.sender === canisterIdFromU64(BigInt(sender)))
          ) {
            waitingSince.push([sender, pops]);
          }
        }
      }
      const rest = drain(canister).length;
      const total = [...sent.values()].reduce((sum, n) => sum + n, 0);
      expect(pops + rest).toBe(total);
    },
  );
});
