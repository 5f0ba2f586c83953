import { beforeAll, describe, expect, it } from 'vitest';
import type {
  EntryContext,
  SystemApiInput,
} from '../../../../src/protocol/interfaces/wasm-host.ts';
import { SYSTEM_API_SIGNATURES } from '../../../../src/protocol/execution/system-api/signatures.ts';
import { createSandbox } from '../../../../src/sandbox/sandbox.ts';
import { apiInput, replyOf, TestCanister } from '../../../support/test-canister.ts';
import { compileWat } from '../../../support/wat.ts';
import {
  CONTEXTS,
  forbiddenText,
  ONLY_32_BIT,
  specFunctions,
  watCall,
  watImport,
  type SpecFunction,
} from './spec-table.ts';

/** What a call with zeros ends in where it is allowed; the others end well. */
const ENDS: Readonly<Record<string, string>> = {
  trap: "IC0503: Canister called `ic0.trap` with message: ''",
  mint_cycles128:
    'IC0504: Canister violated contract: ic0.mint_cycles128 cannot be executed on non Cycles Minting Canister: aaaaa-aa != rkp4c-7iaaa-aaaaa-aaaca-cai',
  ...Object.fromEntries(
    ['call_on_cleanup', 'call_data_append', 'call_with_best_effort_response', 'call_perform'].map(
      (name) => [
        name,
        `IC0504: Canister violated contract: ic0.${name} called when no call is under construction.`,
      ],
    ),
  ),
  ...Object.fromEntries(
    ['call_cycles_add', 'call_cycles_add128'].map((name) => [
      name,
      `IC0504: Canister violated contract: ic0_${name} called when no call is under construction.`,
    ]),
  ),
};

function moduleOf(functions: readonly SpecFunction[], memory64: boolean): string {
  return `(module
    ${functions.map((one) => watImport(one, memory64)).join('\n')}
    (memory ${memory64 ? 'i64' : ''} 1)
    ${functions.map((one) => `(func (export "canister_update ${one.name}") ${watCall(one, memory64)})`).join('\n')})`;
}

function inputOf(context: EntryContext): SystemApiInput {
  const { call, ...input } = apiInput(context);
  return {
    ...input,
    canisterId: '' as never,
    // A variable whose name is what zeros point to.
    environment: [['', 'value']],
    dataCertificate: /^(nonReplicated|composite)Query$/.test(context) ? Uint8Array.of(1) : null,
    call: { ...call, rejectCode: 4, rejectMessage: 'no' },
  };
}

describe.each([false, true])('from each entry point, 64-bit memory: %s,', (memory64) => {
  const functions = specFunctions(memory64);
  const sandbox = createSandbox();
  let canister: TestCanister;
  beforeAll(async () => {
    canister = new TestCanister(sandbox, await compileWat(moduleOf(functions, memory64)));
    canister.install();
  });

  it.each(Object.keys(CONTEXTS) as EntryContext[])('%s may call what the spec says', (context) => {
    const [letter, mode] = CONTEXTS[context];
    const input = inputOf(context);
    for (const { name, contexts } of functions) {
      const entry = `canister_update ${name}`;
      const base = { from: 'version', version: canister.version } as const;
      const run = canister.run(base, [{ entry, input, optional: false }], false);
      const outcome = replyOf(run);
      const told = typeof outcome === 'string' ? outcome : 'reply';
      if (!contexts.has(letter)) {
        expect(told, name).toBe(`IC0504: ${forbiddenText(name, mode)}`);
      } else if (ENDS[name] !== undefined) {
        expect(told, name).toBe(ENDS[name]);
      } else {
        expect(run.outcome, name).toEqual({ ok: true });
      }
    }
  });
});

describe('the table', () => {
  it('lists the functions that there are', () => {
    const listed = specFunctions(false).map(({ name }) => name);
    expect(listed.toSorted()).toEqual(Object.keys(SYSTEM_API_SIGNATURES).toSorted());
  });

  it('tells a 64-bit module that the old functions are not there for it', async () => {
    for (const one of ONLY_32_BIT) {
      const wasm = await compileWat(`(module ${watImport(one, true)} (memory i64 1))`);
      expect(new TestCanister(createSandbox(), wasm).compile(), one.name).toMatchObject({
        kind: 'invalidModule',
        error: {
          message: expect.stringContaining(
            `Wasm module has an invalid import section. Module imports function '${one.name}' from 'ic0' that is not exported by the runtime.`,
          ),
        },
      });
    }
  });
});
