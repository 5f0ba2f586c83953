import { present } from '../../src/base/assert.ts';
import {
  decodeStreamHeader,
  decodeStreamMessage,
} from '../../src/protocol/canonical-state/decode-stream.ts';
import {
  encodeStreamHeader,
  encodeStreamMessage,
} from '../../src/protocol/canonical-state/encode-stream.ts';
import { countCycles } from '../../src/protocol/execution/count-cycles.ts';
import type { InductedSlice, SignedIngress } from '../../src/protocol/interfaces/replica.ts';
import type { TraceEvent } from '../../src/protocol/interfaces/trace.ts';
import {
  CLASSROOM_EXECUTION_LIMITS,
  type ExecutionLimits,
} from '../../src/protocol/limits/execution.ts';
import { genesisTopology } from '../../src/protocol/registry/network-topology.ts';
import {
  EMPTY_STREAM,
  streamHeader,
  type Stream,
  type StreamMessage,
  type StreamSlice,
} from '../../src/protocol/replicated-state/streams.ts';
import type { SubnetType } from '../../src/protocol/types/genesis.ts';
import { TestSubnet, type RoundOptions } from './test-subnet.ts';

/** What a slice shows of the other subnet: how many heights old a state, at most how many messages. */
export interface SliceChoice {
  readonly age: number;
  readonly messages: number;
}

export const ALL_OF_IT: SliceChoice = { age: 0, messages: 10_000 };

/** Several subnets that exchange slices of their streams directly: message routing without XNet. */
export class TestNetwork {
  readonly subnets: readonly TestSubnet[];
  /** Streams by height, of each subnet. */
  readonly #history: TestSubnet['state']['streams'][][];
  /** Height of the newest state of `from` that `to` has seen. */
  readonly #seen = new Map<string, number>();

  constructor(
    types: readonly SubnetType[] = ['system', 'application'],
    limits: ExecutionLimits = CLASSROOM_EXECUTION_LIMITS,
  ) {
    this.subnets = types.map(
      (subnetType, index) => new TestSubnet(limits, 1, { index, subnetType }),
    );
    const topology = genesisTopology(this.subnets.map(({ genesis }) => genesis));
    this.#history = this.subnets.map(({ state }) => [state.streams]);
    for (const subnet of this.subnets) {
      subnet.topology = topology;
    }
  }

  subnet(index: number): TestSubnet {
    return present(this.subnets[index], 'the network has so many subnets');
  }

  /** The stream of one subnet to another. */
  stream(from: number, to: number): Stream {
    return this.subnet(from).state.streams.get(this.subnet(to).env.subnetId) ?? EMPTY_STREAM;
  }

  /** A round of one subnet, with slices of all others. */
  round(
    index: number,
    messages: readonly SignedIngress[] = [],
    options: RoundOptions & { readonly slice?: SliceChoice } = {},
  ): readonly TraceEvent[] {
    const subnet = this.subnet(index);
    const told = subnet.trace.length;
    const { slice = ALL_OF_IT, ...rest } = options;
    const xnet = this.subnets.flatMap((_, from) =>
      from === index ? [] : this.#slice(from, index, slice),
    );
    subnet.round(messages, { xnet, ...rest });
    this.#history[index]?.push(subnet.state.streams);
    return subnet.trace.slice(told);
  }

  /** A round of each, so many times. */
  rounds(count: number, options: RoundOptions = {}): void {
    for (let round = 0; round < count; round += 1) {
      this.subnets.forEach((_, index) => this.round(index, [], options));
    }
  }

  /** Created on all subnets, less what they hold, have under way or consumed, or have in streams not yet taken in. */
  imbalance(): bigint {
    let created = 0n;
    let found = 0n;
    let sent = 0n;
    for (const { state } of this.subnets) {
      const cycles = countCycles(state);
      created += cycles.created;
      found += cycles.held + cycles.inFlight + cycles.consumed;
      sent += cycles.sent - cycles.received;
    }
    return created - found - sent;
  }

  /** Cycles in streams that their receivers have not taken in yet, or that come back; counted from the streams. */
  inTransit(): bigint {
    let cycles = 0n;
    this.subnets.forEach((_, from) => {
      this.subnets.forEach((_other, to) => {
        if (from !== to) {
          const { begin, messages } = this.stream(from, to);
          const { signalsEnd, rejectSignals } = this.stream(to, from);
          const rejected = new Set(rejectSignals.map(({ index }) => index));
          messages.forEach((message, at) => {
            const isOpen = begin + at >= signalsEnd || rejected.has(begin + at);
            const carried = message.kind === 'response' ? message.refund : message.cycles;
            cycles += isOpen ? carried : 0n;
          });
        }
      });
    });
    return cycles;
  }

  #slice(from: number, to: number, { age, messages }: SliceChoice): readonly InductedSlice[] {
    const { subnetId } = this.subnet(from).env;
    const history = present(this.#history[from], 'every subnet has a history');
    const pair = `${from} ${to}`;
    const height = Math.max(this.#seen.get(pair) ?? 0, history.length - 1 - age);
    this.#seen.set(pair, height);
    const stream = history[height]?.get(this.subnet(to).env.subnetId);
    const expected = this.stream(to, from).signalsEnd;
    return stream === undefined
      ? []
      : [
          {
            from: subnetId,
            certifiedHeight: height,
            slice: sliceOf(stream, expected, messages),
          },
        ];
  }
}

/** As it comes out of the certified tree. */
export function sliceOf(stream: Stream, messagesBegin: number, count: number): StreamSlice {
  const first = messagesBegin - stream.begin;
  const messages = stream.messages.slice(first, first + count).map(travelled);
  const header = decodeStreamHeader(encodeStreamHeader(streamHeader(stream)));
  if (!header.ok) {
    throw new Error(header.error.message);
  }
  return { header: header.value, messagesBegin, messages };
}

function travelled(message: StreamMessage): StreamMessage {
  const decoded = decodeStreamMessage(encodeStreamMessage(message));
  if (!decoded.ok) {
    throw new Error(decoded.error.message);
  }
  return decoded.value;
}
