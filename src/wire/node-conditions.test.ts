import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HEALTHY_NODE, parseNodeConditions } from './node-conditions.ts';

describe('node conditions', () => {
  it('are those of the base where nothing is said', () => {
    expect(parseNodeConditions({})).toEqual({ ok: true, value: HEALTHY_NODE });
    const slow = { ...HEALTHY_NODE, cpuSlowdown: 2.5, clockOffsetMs: -5000 };
    expect(parseNodeConditions({ cpuSlowdown: 2.5, clockOffsetMs: -5000 })).toEqual({
      ok: true,
      value: slow,
    });
    expect(parseNodeConditions({ paused: true }, slow)).toEqual({
      ok: true,
      value: { ...slow, paused: true },
    });
  });

  it.each([
    [null, 'an object'],
    [[], 'an object'],
    [{ slow: true }, 'conditions.slow'],
    [{ paused: 'yes' }, 'conditions.paused'],
    [{ cpuSlowdown: 0.5 }, 'conditions.cpuSlowdown'],
    [{ cpuSlowdown: Number.NaN }, 'conditions.cpuSlowdown'],
    [{ diskDelayMs: -1 }, 'conditions.diskDelayMs'],
    [{ diskDelayMs: 60_001 }, 'conditions.diskDelayMs'],
    [{ failWrites: 1 }, 'conditions.failWrites'],
    [{ clockOffsetMs: 0.5 }, 'conditions.clockOffsetMs'],
  ])('%j is refused', (value, text) => {
    const parsed = parseNodeConditions(value);
    expect(parsed).toMatchObject({ ok: false, error: { code: 'NODE_CONDITIONS_INVALID' } });
    expect(parsed.ok ? '' : parsed.error.message).toContain(text);
  });

  it('never throws, and what it accepts it accepts again unchanged', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const parsed = parseNodeConditions(value);
        if (parsed.ok) {
          expect(parseNodeConditions(parsed.value)).toEqual(parsed);
        }
      }),
    );
  });
});
