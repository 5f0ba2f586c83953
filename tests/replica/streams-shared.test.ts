import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { principalToBytes } from '../../src/protocol/crypto/principal.ts';
import { CLASSROOM_EXECUTION_LIMITS } from '../../src/protocol/limits/execution.ts';
import { DEFAULT_PRIORITY } from '../../src/protocol/replicated-state/schedule.ts';
import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { TestNetwork } from '../support/test-network.ts';
import type { TestSubnet } from '../support/test-subnet.ts';
import { answer, call, op, program, type Code } from '../support/universal.ts';
import { universalWasm } from '../support/universal-module.ts';

/** Streams are shared fairly, and best-effort responses that came by one may still be dropped. */

const KIB = 1024;
const SECOND_NS = 1_000_000_000n;

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await universalWasm();
});

describe('a stream that several canisters fill', () => {
  /** Calls of two canisters to two of the other subnet, in the order in which the stream has them. */
  function sent(network: TestNetwork, counts: readonly (readonly [number, number])[]): string[] {
    const [here, there] = [network.subnet(0), network.subnet(1)];
    const senders = counts.map(() => here.createWith(wasm)).toSorted();
    const receivers = [there.createWith(wasm), there.createWith(wasm)];
    network.rounds(1);
    const arg = program(answer('')).bytes;
    const one = (at: number): Code =>
      call({ callee: principalToBytes(receivers[at] as CanisterId), arg });
    const messages = senders.map((sender, s) => {
      const calls = (counts[s] ?? []).flatMap((count, at) => Array<Code>(count).fill(one(at)));
      return here.ingress(sender, 'update', program(...calls, op('reply')).bytes);
    });
    network.round(0, messages);
    return network
      .stream(0, 1)
      .messages.map((message) =>
        message.kind === 'request'
          ? `${'abc'[senders.indexOf(message.sender as CanisterId)]}${receivers.indexOf(message.receiver as CanisterId)}`
          : 'response',
      );
  }

  it('takes a message of each canister in turn, and of each of its receivers', () => {
    const order = sent(new TestNetwork(), [
      [3, 3],
      [4, 0],
      [1, 0],
    ]);
    const turns = order.map(([sender]) => sender).join('');
    const ring = turns.slice(0, 3);
    expect(['abc', 'bca', 'cab']).toContain(ring);
    // c has one message, b four, a six.
    const inTurn = ring
      .repeat(6)
      .split('')
      .filter((sender, at) => {
        const turn = Math.floor(at / 3);
        return turn < { a: 6, b: 4, c: 1 }[sender as 'a' | 'b' | 'c'];
      });
    expect(turns).toBe(inTurn.join(''));
    const ofA = order.filter((one) => one.startsWith('a'));
    expect([ofA.slice(0, 2).toSorted(), ofA]).toEqual([
      ['a0', 'a1'],
      [0, 1, 2].flatMap(() => ofA.slice(0, 2)),
    ]);
  });

  it('begins with another canister each round', () => {
    const firsts = new Set<string>();
    for (const skipped of [0, 1, 2]) {
      const network = new TestNetwork();
      network.rounds(skipped);
      firsts.add(
        sent(network, [
          [2, 0],
          [2, 0],
          [2, 0],
        ])[0] ?? '',
      );
    }
    expect([...firsts].toSorted()).toEqual(['a0', 'b0', 'c0']);
  });
});

describe('best-effort responses from another subnet', () => {
  let network: TestNetwork;
  let here: TestSubnet;
  let a: CanisterId;
  let b: CanisterId;

  beforeEach(() => {
    network = new TestNetwork(['system', 'application'], {
      ...CLASSROOM_EXECUTION_LIMITS,
      bestEffortBytes: BigInt(100 * KIB),
    });
    here = network.subnet(0);
    a = here.createWith(wasm);
    b = network.subnet(1).createWith(wasm);
    network.rounds(1);
  });

  const rest = (isResting: boolean): void => {
    const { schedule } = here.state;
    const resting = { ...DEFAULT_PRIORITY, heapDeltaDebit: 10 ** 12 };
    const priorities = isResting
      ? schedule.priorities.set(a, resting)
      : schedule.priorities.delete(a);
    here.state = { ...here.state, schedule: { ...schedule, priorities } };
  };
  const heard = (): string => here.answerTo(a, 'query', program(answer(op('global'))).bytes);
  /** a asks b for so many KiB each; the answers are there, but a cannot run. */
  const askAndRest = (...kib: readonly number[]): void => {
    const calls = kib.map((size) =>
      call({
        callee: principalToBytes(b),
        arg: program(answer(op('bytes', 0x78, size * KIB))).bytes,
        cycles: 1000,
        timeout: 60,
        onReply: program(op('global_append', 'y')),
        onReject: program(
          op('global_append', op('bytes', op('add', op('reject_code'), 48), 1)),
          op('global_append', op('reject_message')),
        ),
      }),
    );
    network.round(0, [here.ingress(a, 'update', program(...calls, op('reply')).bytes)]);
    network.round(1);
    rest(true);
    network.round(0);
  };
  const isSettled = (): void => {
    expect(here.canister(a).calls.callbacks).toEqual([]);
    network.rounds(2);
    expect([network.imbalance(), network.inTransit()]).toEqual([0n, 0n]);
  };

  it('that find no room are dropped, the largest first: IC0602, and their cycles come back', () => {
    askAndRest(30, 80, 40);
    const waiting = here.canister(a).inputQueues.flatMap(({ messages }) => messages);
    expect(waiting.map((one) => one.kind === 'response' && one.payload.kind)).toEqual([
      'reply',
      'reject',
      'reply',
    ]);
    expect(network.imbalance()).toBe(0n);
    rest(false);
    network.round(0);
    expect(heard()).toBe('y6Response was dropped.y');
    network.round(0, [], { afterNs: 90n * SECOND_NS });
    expect(heard()).toBe('y6Response was dropped.y');
    isSettled();
  });

  it('that came in time are heard, however late the caller runs', () => {
    askAndRest(1, 2);
    network.round(0, [], { afterNs: 90n * SECOND_NS });
    rest(false);
    network.round(0);
    expect(heard()).toBe('yy');
    isSettled();
  });
});
