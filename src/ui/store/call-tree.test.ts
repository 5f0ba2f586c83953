import { describe, expect, it } from 'vitest';
import type { Topology } from '../../wire/network.ts';
import {
  type CallView,
  type CanisterView,
  initialProjection,
  type NetworkProjection,
  type StreamView,
} from '../../wire/projection.ts';
import { callTrees } from './call-tree.ts';

const id = (index: number): string => `${String(index).padStart(16, '0')}0101`;
const TOPOLOGY = {
  subnets: [0, 1].map((index) => ({
    subnetId: `subnet-${index}`,
    nodes: [],
    spareNodes: [],
    canisterRanges: [[id(index * 100), id(index * 100 + 99)]],
  })),
} as unknown as Topology;

function call(from: number, to: number, parent: string | null, answered = true): CallView {
  return {
    call: `${id(from)}#1`,
    parent,
    parentMethod: null,
    caller: id(from),
    canisterId: id(to),
    method: 'inc',
    height: 5,
    timeNs: 5_000_000_000n,
    answer: answered ? { height: 11, timeNs: 11_500_000_000n, outcome: 'replied' } : null,
  };
}

describe('trees of calls', () => {
  it('go on through subnets, below the call of the user', () => {
    const request = { messageId: 'r', canisterId: id(1), method: 'ask', height: 5 };
    const ended = { ...request, outcome: 'replied', instructions: 1n };
    const root = {
      ...initialProjection(TOPOLOGY, 0),
      messages: [ended],
      calls: [call(1, 101, 'r')],
    };
    const other = {
      ...initialProjection(TOPOLOGY, 1),
      calls: [call(101, 2, `${id(1)}#1`, false)],
    };
    expect(callTrees([root, other])).toMatchObject([
      {
        method: 'ask',
        subnet: 0,
        state: 'replied',
        callerSubnet: null,
        children: [
          {
            subnet: 1,
            callerSubnet: 0,
            blocks: 6,
            tookMs: 6500,
            children: [
              { subnet: 0, callerSubnet: 1, canisterId: id(2), state: 'open', blocks: null },
            ],
          },
        ],
      },
    ]);
  });

  it('say how far each call is: on its way, at work, answered, and how it ended', () => {
    const ended = (from: number, outcome: string) => ({
      messageId: `${id(from)}#1@9`,
      canisterId: id(101),
      method: 'inc',
      height: 9,
      instructions: 1n,
      outcome,
    });
    const stateAfter = (answer: string | null, other: Partial<NetworkProjection>) => {
      const made = call(1, 101, 'r');
      const asked = {
        ...made,
        parentMethod: 'ask',
        answer: answer === null ? null : { height: 11, timeNs: 11n, outcome: answer },
      };
      const [tree] = callTrees([
        { ...initialProjection(TOPOLOGY, 0), calls: [asked] },
        { ...initialProjection(TOPOLOGY, 1), ...other },
      ]);
      expect(tree).toMatchObject({ method: 'ask', state: 'calling' });
      return tree?.children[0]?.state;
    };
    expect(stateAfter(null, {})).toBe('open');
    expect(stateAfter(null, { calls: [call(101, 2, `${id(1)}#1`)] })).toBe('calling');
    expect(stateAfter(null, { messages: [ended(1, 'replied')] })).toBe('answered');
    expect(stateAfter('replied', { messages: [ended(1, 'replied')] })).toBe('replied');
    expect(stateAfter('IC0301: not found', {})).toBe('rejected');
    expect(stateAfter('IC0503: called `ic0.trap`', {})).toBe('trapped');
    // A canister that passes on the text of a trap has not trapped itself.
    const passed = { messages: [ended(1, 'IC0406: IC0503: called `ic0.trap`')] };
    expect(stateAfter('IC0503: called `ic0.trap`', passed)).toBe('rejected');
  });

  it('say whether a request arrived by what both streams and the queues say', () => {
    const canister = (index: number, inputs: number, outputs: number) =>
      ({
        facts: { canisterId: id(index), queues: { inputs, outputs, openCalls: 0 } },
      }) as CanisterView;
    const move = (height: number, enqueued: number) => ({
      height,
      enqueued,
      inducted: 0,
      rejected: 0,
      collected: 0,
    });
    const stream = (to: number, facts: { end: number; signalsEnd: number }) =>
      ({
        facts: { subnetId: `subnet-${to}`, begin: 0, ...facts },
        height: 8,
        // One message was sent along with the call, at height 5, and two after it.
        moves: [move(4, 3), move(5, 1), move(7, 2)],
      }) as unknown as StreamView;
    interface Facts {
      readonly taken: number;
      readonly outputs?: number;
      readonly inputs?: number;
    }
    const stateWhere = ({ taken, outputs = 0, inputs }: Facts) => {
      const [tree] = callTrees([
        {
          ...initialProjection(TOPOLOGY, 0),
          calls: [call(1, 101, 'r', false)],
          canisters: [canister(1, 0, outputs)],
          streams: [stream(1, { end: 16, signalsEnd: 0 })],
        },
        {
          ...initialProjection(TOPOLOGY, 1),
          canisters: inputs === undefined ? [] : [canister(101, inputs, 0)],
          streams: [stream(0, { end: 0, signalsEnd: taken })],
        },
      ]);
      return tree?.children[0]?.state;
    };
    // The call is message 13: the fourteenth, before the two of height 7.
    expect(stateWhere({ taken: 13 })).toBe('open');
    expect(stateWhere({ taken: 14 })).toBe('arrived');
    expect(stateWhere({ taken: 14, outputs: 1 })).toBe('open');
    expect(stateWhere({ taken: 14, inputs: 2 })).toBe('arrived');
    expect(stateWhere({ taken: 14, inputs: 0 })).toBe('calling');
    expect(stateWhere({ taken: 13, inputs: 0 })).toBe('open');
  });

  it('of one subnet arrive at once', () => {
    const subnet = { ...initialProjection(TOPOLOGY, 0), calls: [call(1, 2, 'r', false)] };
    expect(callTrees([subnet])[0]?.children[0]?.state).toBe('arrived');
  });

  it('begin with the first call that is known, and end even where reports lie', () => {
    const root = {
      ...initialProjection(TOPOLOGY, 0),
      calls: [
        call(1, 101, 'unknown'),
        { ...call(2, 102, null), timeNs: 6_000_000_000n },
        { ...call(3, 3, `${id(3)}#1`) },
      ],
    };
    const [timer, user, ...others] = callTrees([root]);
    expect(others).toEqual([]);
    expect(timer).toMatchObject({ method: 'inc', canisterId: id(102) });
    expect(user).toMatchObject({ method: null, canisterId: id(1), children: [{ method: 'inc' }] });
  });
});
