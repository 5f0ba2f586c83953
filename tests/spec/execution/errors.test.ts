import { beforeAll, describe, expect, it } from 'vitest';
import { RadixMap } from '../../../src/protocol/replicated-state/radix-map.ts';
import { answer, call, op, program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';
import { compileWat } from '../../support/wat.ts';
import { CALL_ERRORS } from './call-error-rows.ts';
import { bytes, endless, SECOND_NS } from './error-helpers.ts';
import { ErrorScene } from './error-scene.ts';
import { ELSEWHERE, ERROR_NAMES, errorsPage, EXCUSED } from './errors-page.ts';
import { MANAGEMENT_ERRORS } from './management-error-rows.ts';

/** Every error code of the IC: a way to get it and its text, or the reason why it cannot come here. */

/** Reads a byte of each page of the first GiB of stable memory, and one beyond. */
const STABLE_READER = `(module
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
  (memory 16)
  (func (export "canister_query read") (local $at i64)
    (drop (call $grow (i64.const 16400)))
    (loop $next
      (call $read (i64.const 0) (local.get $at) (i64.const 0x10_0000))
      (local.set $at (i64.add (local.get $at) (i64.const 0x10_0000)))
      (br_if $next (i64.le_u (local.get $at) (i64.const 0x4000_0000))))))`;

let reader: Uint8Array;
let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await universalWasm();
  reader = await compileWat(STABLE_READER);
});

const ROWS = [...CALL_ERRORS, ...MANAGEMENT_ERRORS];

describe('error codes', () => {
  it.each(ROWS.map((row) => [row.code, String(row.text).slice(0, 60), row] as const))(
    'IC0%i: %s',
    (code, _title, { text, make, limits }) => {
      const scene = new ErrorScene(wasm, limits);
      const said = scene.named(make(scene));
      const prefix = `IC0${code}: `;
      expect(said).toContain(prefix);
      const message = said.slice(said.lastIndexOf(prefix) + prefix.length);
      if (typeof text === 'string') {
        expect(message).toBe(text);
      } else {
        expect(message).toMatch(text);
      }
    },
  );

  it('IC0601: a best-effort call that nobody answered in time is reject 6 to its caller', () => {
    const scene = new ErrorScene(wasm);
    endless(scene);
    const noted = program(
      op(
        'global_set',
        op('concat', op('bytes', op('add', op('reject_code'), 48), 1), op('reject_message')),
      ),
    );
    const callee = bytes(scene.a);
    const arg = program(op('eval', op('global'))).bytes;
    const ask = program(op('reply'), call({ callee, arg, timeout: 5, onReject: noted }));
    expect(scene.subnet.call(scene.b, 'update', ask.bytes).answer).toBe('');
    scene.subnet.round([], { afterNs: 10n * SECOND_NS });
    scene.subnet.round();
    expect(scene.subnet.answerTo(scene.b, 'query', program(answer(op('global'))).bytes)).toBe(
      '6Call deadline has expired.',
    );
  });

  it('IC0204: a full history takes no more', () => {
    const scene = new ErrorScene(wasm);
    const { state } = scene.subnet;
    const entries = state.ingressHistory.entries;
    const full = new Proxy(entries, {
      get: (target, key) => {
        const value: unknown = key === 'size' ? 600_000 : Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    expect(full).toBeInstanceOf(RadixMap);
    scene.subnet.state = { ...state, ingressHistory: { ...state.ingressHistory, entries: full } };
    expect(scene.update(op('reply'))).toBe(
      'IC0204: Maximum ingress history capacity 600000 reached',
    );
  });

  it('IC0524: a query may not touch more than 1 GiB of stable memory', () => {
    const scene = new ErrorScene(wasm, { queryInstructions: 5_000_000_000n });
    expect(scene.install('reinstall', reader)).toBe('4449444c0000');
    expect(scene.named(scene.subnet.answerTo(scene.a, 'read'))).toBe(
      "IC0524: Error from Canister {a}: Canister exceeded memory access limits: Exceeded the limit for the number of accessed pages in the stable memory in a single message execution: limit 2097152 KB for regular messages and 1048576 KB for queries..\nTry optimizing the use of stable memory so that individual messages don't need to access as much stable memory. See documentation: https://internetcomputer.org/docs/current/references/execution-errors#memory-access-limit-exceeded",
    );
  });

  it('are all produced here, or there is a reason', () => {
    const produced = new Set([
      ...ROWS.map(({ code }) => code),
      ...Object.keys(ELSEWHERE).map(Number),
    ]);
    for (const code of Object.keys(ERROR_NAMES).map(Number)) {
      expect([code, produced.has(code) !== (EXCUSED[code] !== undefined)]).toEqual([code, true]);
    }
    expect([...produced].filter((code) => ERROR_NAMES[code] === undefined)).toEqual([]);
  });

  it('are what the documentation lists', async () => {
    await expect(errorsPage(ROWS)).toMatchFileSnapshot('../../../docs/spec/errors.md');
  });
});
