import { describe, expect, it } from 'vitest';
import { MAX_WAKING_HOLD_NS, MAX_WAKING_REQUESTS, SLEEP_NS } from '../limits/interface.ts';
import type { HttpRequest } from './node-io.ts';
import { WakingReader } from './waking-reader.ts';

const to = (path: string): HttpRequest => ({ method: 'POST', path, body: new Uint8Array(0) });
const QUERY = to('/api/v3/canister/aaaaa-aa/query');
const READ = to('/api/v3/canister/aaaaa-aa/read_state');
const CALL = to('/api/v4/canister/aaaaa-aa/call');
const AT = 1_000_000_000_000n;
const HOUR = 3_600_000_000_000n;

const known = (certifiedNs: bigint | undefined, isReplaying = false) => ({
  certifiedNs,
  isReplaying,
});

/** A node that slept for an hour after `AT`. */
function woken(): WakingReader {
  const reader = new WakingReader();
  reader.observe(AT);
  expect(reader.holds(1, QUERY, known(AT))).toBe(false);
  reader.observe(AT + HOUR);
  return reader;
}

describe('reads of a node that slept', () => {
  it('wait for the first state of after the sleep, in order; calls do not', () => {
    const reader = woken();
    expect(reader.holds(2, QUERY, known(AT))).toBe(true);
    expect(reader.holds(3, READ, known(AT))).toBe(true);
    expect(reader.holds(4, CALL, known(AT))).toBe(false);
    expect(reader.holds(5, to('/api/v2/status'), known(AT))).toBe(false);
    reader.cancel(3);
    expect(reader.takeReady(known(AT + SLEEP_NS))).toEqual([]);
    expect(reader.takeReady(known(AT + HOUR)).map(({ requestId }) => requestId)).toEqual([2]);
    expect(reader.takeReady(known(AT + HOUR))).toEqual([]);
    expect(reader.nextTimeoutNs()).toBeNull();
    expect(reader.holds(6, QUERY, known(AT + HOUR))).toBe(false);
  });

  it('wait eight seconds at most: a subnet that stands still answers from what it has', () => {
    const reader = woken();
    expect(reader.holds(2, QUERY, known(AT))).toBe(true);
    expect(reader.nextTimeoutNs()).toBe(AT + HOUR + MAX_WAKING_HOLD_NS);
    reader.observe(AT + HOUR + MAX_WAKING_HOLD_NS - 1n);
    expect(reader.takeReady(known(AT))).toEqual([]);
    reader.observe(AT + HOUR + MAX_WAKING_HOLD_NS);
    expect(reader.takeReady(known(AT))).toHaveLength(1);
    expect(reader.holds(3, QUERY, known(AT))).toBe(false);
  });

  it('wait in a node that was just started with an old state, and are bounded', () => {
    const reader = new WakingReader();
    reader.observe(AT + HOUR);
    for (let id = 0; id < MAX_WAKING_REQUESTS; id += 1) {
      expect(reader.holds(id, QUERY, known(AT))).toBe(true);
    }
    expect(reader.holds(MAX_WAKING_REQUESTS, QUERY, known(AT))).toBe(false);
    expect(reader.takeReady(known(AT + HOUR))).toHaveLength(MAX_WAKING_REQUESTS);
  });

  it('never wait where no state is certified, nor while time goes its way', () => {
    const reader = new WakingReader();
    reader.observe(AT);
    expect(reader.holds(1, QUERY, known(undefined))).toBe(false);
    for (let passed = 0n; passed < HOUR; passed += SLEEP_NS - 1n) {
      reader.observe(AT + passed);
      // The subnet stands still meanwhile.
      expect(reader.holds(2, QUERY, known(AT))).toBe(false);
    }
  });

  it('wait with calls while a restarted node replays, eight seconds at most', () => {
    for (const certified of [AT, undefined]) {
      const reader = new WakingReader();
      reader.observe(AT);
      expect(reader.holds(1, CALL, known(certified, true))).toBe(true);
      expect(reader.holds(2, QUERY, known(certified, true))).toBe(true);
      expect(reader.holds(3, to('/api/v2/status'), known(certified, true))).toBe(false);
      expect(reader.takeReady(known(certified, true))).toEqual([]);
      const ready = reader.takeReady(known(certified));
      expect(ready.map(({ requestId }) => requestId)).toEqual([1, 2]);
      expect(reader.holds(4, CALL, known(certified))).toBe(false);
    }
    const stuck = new WakingReader();
    stuck.observe(AT);
    expect(stuck.holds(1, CALL, known(AT, true))).toBe(true);
    expect(stuck.nextTimeoutNs()).toBe(AT + MAX_WAKING_HOLD_NS);
    stuck.observe(AT + MAX_WAKING_HOLD_NS);
    expect(stuck.takeReady(known(AT, true))).toHaveLength(1);
    expect(stuck.holds(2, CALL, known(AT, true))).toBe(false);
  });

  it('go on waiting for a newer state when the replay has ended; calls do not', () => {
    const reader = new WakingReader();
    reader.observe(AT + HOUR);
    expect(reader.holds(1, CALL, known(AT, true))).toBe(true);
    expect(reader.holds(2, READ, known(AT, true))).toBe(true);
    expect(reader.takeReady(known(AT)).map(({ requestId }) => requestId)).toEqual([1]);
    expect(reader.takeReady(known(AT + HOUR)).map(({ requestId }) => requestId)).toEqual([2]);
  });
});
