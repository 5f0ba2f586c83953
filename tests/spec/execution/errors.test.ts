import { beforeAll, describe, expect, it } from 'vitest';
import { RadixMap } from '../../../src/protocol/replicated-state/radix-map.ts';
import { answer, call, op, program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';
import { CALL_ERRORS } from './call-error-rows.ts';
import { bytes, endless, SECOND_NS } from './error-helpers.ts';
import { ErrorScene } from './error-scene.ts';
import { MANAGEMENT_ERRORS } from './management-error-rows.ts';

/**
 * Every error code of the IC (`rs/types/error_types`): a way to get it and its text, or the reason
 * why it cannot come here.
 */

const ALL_CODES = [
  101, 102, 201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 301, 305, 402, 403, 404, 405, 406,
  407, 408, 409, 410, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511, 512, 513, 514, 517, 520,
  521, 522, 524, 525, 526, 527, 528, 529, 530, 531, 532, 533, 534, 535, 536, 537, 538, 539, 540,
  541, 601, 602,
];

const EXCUSED: Readonly<Record<number, string>> = {
  102: 'a subnet here has no limit of canisters',
  204: 'needs 600,000 messages in five minutes: tested on a full history below',
  205: 'the replica answers 538 for an id that is taken',
  208: 'a node without a certified state answers 503 before it looks at the request',
  402: 'a memory allocation below what is used is allowed, as on the IC since interface spec 0.52',
  404: 'a network of one subnet has no other to name',
  407: 'unknown methods of the management canister are 536 for canisters and 406 for users',
  410: 'snapshots are immutable or uploaded; the newer state between both is not built',
  517: 'the IC allows loops since 2024; nothing raises it',
  521: 'the engine fails on no valid module: a failing host ends the node',
  524: 'needs 2 GiB of stable memory in one message: tested in src/sandbox',
  529: 'nothing in the call graph can fail so',
  535: 'a call whose message memory would freeze its canister is not sent: call_perform answers 2',
  541: 'snapshots are not transformed',
  602: 'needs more best-effort messages than there is room for: tested in best-effort.test.ts',
};

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await universalWasm();
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
      'IC0204: The ingress history holds its maximum of 600000 messages',
    );
  });

  it('are all produced here, or there is a reason', () => {
    const produced = new Set([...ROWS.map(({ code }) => code), 601]);
    for (const code of ALL_CODES) {
      expect([code, produced.has(code) !== (EXCUSED[code] !== undefined)]).toEqual([code, true]);
    }
    expect([...produced].filter((code) => !ALL_CODES.includes(code))).toEqual([]);
  });
});
