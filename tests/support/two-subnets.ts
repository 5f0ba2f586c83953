import type { CanisterId } from '../../src/protocol/types/ids.ts';
import { decodeForwarded, forwardTo, type Forwarded } from './caller-wat.ts';
import { TestNetwork } from './test-network.ts';

const MAX_ROUNDS = 20;

/** A root subnet with canister a, an application subnet with canister b. */
export class TwoSubnets {
  readonly network = new TestNetwork();
  readonly a: CanisterId;
  readonly b: CanisterId;

  constructor(wasm: Uint8Array) {
    this.a = this.network.subnet(0).createWith(wasm);
    this.b = this.network.subnet(1).createWith(wasm);
  }

  /** Nothing open, nothing waiting, nothing in a stream. */
  isQuiet(): boolean {
    return this.network.subnets.every(({ state, env }) =>
      [
        ...[...state.canisters.values()].map(
          ({ calls, inputQueues, outputQueues }) =>
            calls.contexts.length +
            calls.callbacks.length +
            inputQueues.length +
            outputQueues.length,
        ),
        ...[...state.streams].map(
          ([id, { messages, rejectSignals }]) =>
            (id === env.subnetId ? 0 : rejectSignals.length) + messages.length,
        ),
        state.refunds.length,
        state.subnetOutputs.length,
      ].every((open) => open === 0),
    );
  }

  /** Calls a canister of subnet `from` and runs both until the answer is there. */
  call(from: number, id: CanisterId, method: string, arg: Uint8Array): string {
    const { network } = this;
    const subnet = network.subnet(from);
    const message = subnet.ingress(id, method, arg);
    network.round(from, [message]);
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const answer = subnet.answerOf(message);
      if (answer !== 'processing' && answer !== 'received') {
        return answer;
      }
      network.round(1 - from);
      network.round(from);
      if (network.imbalance() !== 0n) {
        throw new Error(`cycles are out of balance by ${network.imbalance()}`);
      }
    }
    return subnet.answerOf(message);
  }

  /** Has a call a method, and gives what a heard. */
  forward(...request: Parameters<typeof forwardTo>): Forwarded {
    return decodeForwarded(this.call(0, this.a, 'forward', forwardTo(...request)));
  }
}
