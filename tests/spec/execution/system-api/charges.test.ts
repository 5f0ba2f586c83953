import { beforeAll, describe, expect, it } from 'vitest';
import type { EntryContext } from '../../../../src/protocol/interfaces/wasm-host.ts';
import { createSandbox } from '../../../../src/sandbox/sandbox.ts';
import { apiInput, TestCanister } from '../../../support/test-canister.ts';
import { compileWat } from '../../../support/wat.ts';
import { CONTEXTS, specFunctions, watImport, watType, type SpecFunction } from './spec-table.ts';

/** Instructions that the host charges for the call alone, where it is not 500. */
const FIXED: Readonly<Record<string, number>> = {
  call_new: 1500,
  call_perform: 5000,
  debug_print: 100,
  is_controller: 1000,
  mint_cycles128: 0,
  performance_counter: 200,
  stable_size: 20,
  stable_read: 20,
  stable_write: 20,
  stable_grow: 100,
  stable64_size: 20,
  stable64_read: 20,
  stable64_write: 20,
  stable64_grow: 100,
};

/** Which arguments are numbers of bytes, and what each byte costs. */
const PER_BYTE: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  msg_reply_data_append: { 1: 50 },
  msg_reject: { 1: 50 },
  call_data_append: { 1: 50 },
  call_new: { 1: 1, 3: 1 },
  certified_data_set: { 1: 1 },
  is_controller: { 1: 1 },
  cost_sign_with_ecdsa: { 1: 1 },
  cost_sign_with_schnorr: { 1: 1 },
  cost_vetkd_derive_key: { 1: 1 },
  env_var_name_copy: { 3: 1 },
  env_var_value_copy: { 4: 1 },
  stable_read: { 2: 1 },
  stable_write: { 2: 1 },
  stable64_read: { 2: 1 },
  stable64_write: { 2: 1 },
  // To the log: two for keeping the byte, 50 for sending it; a trap's text is sent once more.
  debug_print: { 1: 52 },
  trap: { 1: 53 },
};
const COPY = { 2: 1 };

/** Constants 1 each, the call 5, a result that is dropped 1, the function itself 1. */
function wasmCost({ params, result }: SpecFunction): number {
  return 1 + params.length + 5 + (result === undefined ? 0 : 1);
}

const BYTES = 7;

function body(one: SpecFunction, memory64: boolean, sized: number | undefined): string {
  const args = one.params.map(
    (type, i) => `(${watType(type, memory64)}.const ${i === sized ? BYTES : 0})`,
  );
  const call = `(call $${one.name} ${args.join(' ')})`;
  return one.result === undefined ? call : `(drop ${call})`;
}

function perByte({ name }: SpecFunction): Readonly<Record<number, number>> {
  return PER_BYTE[name] ?? (name.endsWith('_copy') ? COPY : {});
}

describe.each([false, true])(
  'instructions charged for a system call, 64-bit memory: %s,',
  (memory64) => {
    const functions = specFunctions(memory64);
    let canister: TestCanister;
    beforeAll(async () => {
      const exports = functions.flatMap((one) =>
        [undefined, ...Object.keys(perByte(one)).map(Number)].map(
          (sized) =>
            `(func (export "canister_update ${one.name} ${sized ?? '-'}") ${body(one, memory64, sized)})`,
        ),
      );
      canister = new TestCanister(
        createSandbox(),
        await compileWat(`(module ${functions.map((one) => watImport(one, memory64)).join('\n')}
        (memory ${memory64 ? 'i64' : ''} 1) ${exports.join('\n')})`),
      );
      canister.install();
    });

    const used = (one: SpecFunction, sized: number | '-'): bigint => {
      const context = (Object.keys(CONTEXTS) as EntryContext[]).find((candidate) =>
        one.contexts.has(CONTEXTS[candidate][0]),
      );
      const input = apiInput(context ?? 'update', { dataCertificate: new Uint8Array(9) });
      return canister.run(
        { from: 'version', version: canister.version },
        [{ entry: `canister_update ${one.name} ${sized}`, input, optional: false }],
        false,
      ).instructionsUsed;
    };

    it('has a fixed part', () => {
      for (const one of functions) {
        const expected = wasmCost(one) + (FIXED[one.name] ?? 500);
        expect(Number(used(one, '-')), one.name).toBe(expected);
      }
    });

    it('grows with the bytes handled, whether the call succeeds or not', () => {
      for (const one of functions) {
        for (const [argument, cost] of Object.entries(perByte(one))) {
          const more = used(one, Number(argument)) - used(one, '-');
          expect(Number(more), one.name).toBe(BYTES * cost);
        }
      }
    });
  },
);

describe('pages of the heap that a message changes', () => {
  const WRITER = `(module (memory 4)
    (func (export "canister_update one") (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1))))
    (func (export "canister_update two") (i32.store (i32.const 4094) (i32.const -1)))
    (func (export "canister_update trap") (i32.store (i32.const 8) (i32.const 1)) (unreachable)))`;
  let canister: TestCanister;
  beforeAll(async () => {
    canister = new TestCanister(createSandbox(), await compileWat(WRITER));
    canister.install();
  });
  const used = (method: string): number => Number(canister.update(method).instructionsUsed);

  it('cost 1000 each at its end, where it ends well', () => {
    expect(used('one')).toBe(1 + 6 + 1000);
    expect(used('two')).toBe(1 + 3 + 2000);
    expect(used('trap')).toBe(1 + 4);
  });

  it('never make it fail', () => {
    canister.limit = 100n;
    expect(canister.update('one')).toMatchObject({ outcome: { ok: true }, instructionsUsed: 100n });
  });
});
