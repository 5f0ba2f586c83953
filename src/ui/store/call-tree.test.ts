import { describe, expect, it } from 'vitest';
import type { Topology } from '../../wire/network.ts';
import { initialProjection, type CallView } from '../../wire/projection.ts';
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
    caller: id(from),
    canisterId: id(to),
    method: 'inc',
    height: 5,
    answer: answered ? { height: 11, outcome: 'replied' } : null,
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
        outcome: 'replied',
        children: [
          {
            subnet: 1,
            blocks: 6,
            children: [{ subnet: 0, canisterId: id(2), outcome: null, blocks: null }],
          },
        ],
      },
    ]);
  });

  it('begin with the first call that is known, and end even where reports lie', () => {
    const root = {
      ...initialProjection(TOPOLOGY, 0),
      calls: [call(1, 101, 'unknown'), call(2, 102, null), { ...call(3, 3, `${id(3)}#1`) }],
    };
    const [timer, user, ...others] = callTrees([root]);
    expect(others).toEqual([]);
    expect(timer).toMatchObject({ method: 'inc', canisterId: id(102) });
    expect(user).toMatchObject({ method: null, canisterId: id(1), children: [{ method: 'inc' }] });
  });
});
