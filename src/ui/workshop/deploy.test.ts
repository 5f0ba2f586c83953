import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { err, ok } from '../../base/result.ts';
import type { Compile, CompiledProgram, CompileFailure, Diagnostic } from '../../wire/compiler.ts';
import { createWorkshopStore, type WorkshopStore } from '../store/workshop-store.ts';
import type { WorkshopClient } from './client.ts';
import { type DeployTarget, startDeployment } from './deploy.ts';

const CANISTER = 'rwlgt-iiaaa-aaaaa-aaaaa-cai';
const NEW: DeployTarget = { mode: 'install', canisterId: null };
const SOURCE = readFileSync('canisters/counter/main.mo', 'utf8');
const COUNTER: CompiledProgram = {
  wasm: new Uint8Array([0, 97, 115, 109]),
  candid: readFileSync('canisters/counter/counter.did', 'utf8'),
  diagnostics: [],
};
const MISTAKE: Diagnostic = {
  severity: 'error',
  code: 'M0057',
  message: 'unbound variable',
  startLine: 1,
  startColumn: 1,
  endLine: 1,
  endColumn: 2,
};

function failing(code: CompileFailure['code'], diagnostics: readonly Diagnostic[]): Compile {
  const failure: CompileFailure = { kind: 'input', code, message: `because ${code}`, diagnostics };
  return () => ({ result: Promise.resolve(err(failure)), cancel: () => undefined });
}

function succeeding(program: Partial<CompiledProgram> = {}): Compile {
  return (_source, onStage) => {
    onStage('loadCompiler');
    onStage('compile');
    return { result: Promise.resolve(ok({ ...COUNTER, ...program })), cancel: () => undefined };
  };
}

interface Recorded {
  readonly workshop: WorkshopStore;
  readonly calls: readonly string[];
  readonly steps: readonly (string | undefined)[];
}

async function deploy(
  compile: Compile,
  target: DeployTarget = NEW,
  refusal?: string,
): Promise<Recorded> {
  const workshop = createWorkshopStore(SOURCE);
  const calls: string[] = [];
  const steps: (string | undefined)[] = [];
  const client: WorkshopClient = {
    createCanister: async () => {
      calls.push('create');
      return CANISTER;
    },
    installCode: async (canisterId, mode, wasm) => {
      calls.push(`${mode} ${canisterId} ${wasm.length}`);
      if (refusal !== undefined) {
        throw new Error(refusal);
      }
    },
    call: () => Promise.reject(new Error('nothing is called while deploying')),
  };
  const finished = new Promise<void>((resolve) => {
    workshop.subscribe((state) => {
      steps.push(state.progress?.step);
      if (state.progress === null) {
        resolve();
      }
    });
  });
  startDeployment(workshop, compile, async () => client, target);
  await finished;
  return { workshop, calls, steps };
}

describe('startDeployment', () => {
  it('compiles, creates, installs, and lists the methods in the order of the source', async () => {
    const { workshop, calls, steps } = await deploy(succeeding());
    const [canister] = workshop.getState().canisters;
    expect(calls).toEqual(['create', `install ${CANISTER} 4`]);
    expect([...new Set(steps)]).toEqual([
      'loadCompiler',
      'compile',
      'createCanister',
      'installCode',
      undefined,
    ]);
    expect(canister).toMatchObject({ canisterId: CANISTER, name: 'Counter', wasmBytes: 4 });
    expect(canister?.did.methods.map((method) => method.name)).toEqual([
      'increment',
      'get',
      'set',
      'fail',
    ]);
  });

  it('upgrades in place without creating anything', async () => {
    const { calls } = await deploy(succeeding(), { mode: 'upgrade', canisterId: CANISTER });
    expect(calls).toEqual([`upgrade ${CANISTER} 4`]);
  });

  it('shows the findings of a rejected program and touches no canister', async () => {
    const { workshop, calls } = await deploy(failing('PROGRAM_REJECTED', [MISTAKE]));
    expect(calls).toEqual([]);
    expect(workshop.getState()).toMatchObject({
      diagnostics: [MISTAKE],
      error: { title: 'The program was not compiled.', reason: 'because PROGRAM_REJECTED' },
    });
  });

  it('ends silently when the reader cancels', async () => {
    const { workshop } = await deploy(failing('CANCELLED', []));
    expect(workshop.getState()).toMatchObject({ progress: null, error: null });
  });

  it('refuses actors with arguments before it creates a canister', async () => {
    const candid = 'service : (nat) -> { get : () -> (nat) query }';
    const { workshop, calls } = await deploy(succeeding({ candid }));
    expect(calls).toEqual([]);
    expect(workshop.getState().error?.title).toBe('The actor takes arguments.');
  });

  it('shows why the network refused the code', async () => {
    const { workshop } = await deploy(succeeding(), NEW, 'IC0502: the module is not valid');
    expect(workshop.getState()).toMatchObject({
      canisters: [],
      error: { reason: 'IC0502: the module is not valid' },
    });
  });
});
