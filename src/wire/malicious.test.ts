import { describe, expect, it } from 'vitest';
import type { NodeId } from '../protocol/types/ids.ts';
import { ATTACKS, parseMaliciousBehaviours } from './malicious.ts';

const NODES = ['aa', 'bb'] as unknown as readonly NodeId[];

describe('the Byzantine switches as JSON', () => {
  it('takes every preset, and nothing as honest', () => {
    const presets = Object.values(ATTACKS).map(({ preset }) => preset);
    expect(presets.map(({ kind }) => kind)).toEqual(Object.keys(ATTACKS));
    for (const preset of presets) {
      const text = JSON.stringify([preset]);
      expect(parseMaliciousBehaviours(JSON.parse(text), NODES)).toEqual({
        ok: true,
        value: [preset],
      });
    }
    expect(parseMaliciousBehaviours([], NODES)).toEqual({ ok: true, value: [] });
  });

  it('copies what it takes', () => {
    const artifacts = ['blockProposal'];
    const parsed = parseMaliciousBehaviours([{ kind: 'withhold', artifacts, from: null }], NODES);
    artifacts.push('randomTape');
    expect(parsed).toMatchObject({ value: [{ artifacts: ['blockProposal'] }] });
  });

  it.each([
    ['no list', {}],
    ['null', null],
    ['too many', Array.from({ length: 17 }, () => ({ kind: 'replay' }))],
    ['no object', ['replay']],
    ['a list', [[]]],
    ['an unknown kind', [{ kind: 'misbehave' }]],
    ['a kind of every object', [{ kind: 'toString' }]],
    ['an unknown field', [{ kind: 'replay', often: true }]],
    ['a missing field', [{ kind: 'equivocate' }]],
    ['too few blocks', [{ kind: 'equivocate', blocks: 1 }]],
    ['a fraction', [{ kind: 'makeBlocksLate', delayMs: 0.5 }]],
    ['an unknown artifact', [{ kind: 'withhold', artifacts: ['block'], from: null }]],
    ['no artifact', [{ kind: 'withhold', artifacts: [], from: null }]],
    ['a stranger', [{ kind: 'withhold', artifacts: ['blockProposal'], from: ['cc'] }]],
    ['another garbage', [{ kind: 'garbage', what: 'coins' }]],
  ])('refuses %s', (_what, value) => {
    expect(parseMaliciousBehaviours(value, NODES)).toMatchObject({
      ok: false,
      error: { code: 'BEHAVIOURS_INVALID' },
    });
  });

  it('says which field is wrong', () => {
    const parsed = parseMaliciousBehaviours(
      [{ kind: 'replay' }, { kind: 'equivocate', blocks: 99 }],
      NODES,
    );
    expect(parsed).toMatchObject({
      error: { message: 'behaviours[1].blocks must be an integer from 2 to 8.' },
    });
  });
});
