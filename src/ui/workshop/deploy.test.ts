import { readFileSync } from 'node:fs';
import { IDL } from '@icp-sdk/core/candid';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../base/hex.ts';
import { err, ok } from '../../base/result.ts';
import type { Compile, CompiledProgram, CompileFailure, Diagnostic } from '../../wire/compiler.ts';
import type { FormNode } from '../candid/form-model.ts';
import {
  createWorkshopStore,
  type PendingInstall,
  type WorkshopStore,
} from '../store/workshop-store.ts';
import type { DeployClient } from './client.ts';
import { type DeployTarget, startDeployment } from './deploy.ts';

const CANISTER = 'rwlgt-iiaaa-aaaaa-aaaaa-cai';
const NO_ARGUMENTS = IDL.encode([], []);
const NEW: DeployTarget = { mode: 'install', canisterId: null, subnet: 0 };
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
  /** Waits until nothing runs any more. */
  settled(): Promise<void>;
}

async function deploy(
  compile: Compile,
  target: DeployTarget = NEW,
  refusal?: string,
): Promise<Recorded> {
  const workshop = createWorkshopStore(SOURCE);
  const calls: string[] = [];
  const steps: (string | undefined)[] = [];
  const client: DeployClient = {
    createCanister: async () => {
      calls.push('create');
      return CANISTER;
    },
    installCode: async (canisterId, mode, wasm, arg) => {
      const withArg = arg.length === NO_ARGUMENTS.length ? '' : ` ${bytesToHex(arg)}`;
      calls.push(`${mode} ${canisterId} ${wasm.length}${withArg}`);
      if (refusal !== undefined) {
        throw new Error(refusal);
      }
    },
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
  const settled = (): Promise<void> =>
    new Promise((resolve) => {
      const stop = workshop.subscribe(({ running }) => {
        if (running === null) {
          stop();
          resolve();
        }
      });
    });
  return { workshop, calls, steps, settled };
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
    const { calls } = await deploy(succeeding(), {
      mode: 'upgrade',
      canisterId: CANISTER,
      subnet: 0,
    });
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

  it('asks for the arguments of an actor, says what is wrong with them, then installs with them', async () => {
    const candid = 'service : (nat, record { owner : text }) -> { get : () -> (nat) query }';
    const { workshop, calls, settled } = await deploy(succeeding({ candid }));
    expect(calls).toEqual([]);
    const { pending, running } = workshop.getState();
    expect(pending?.nodes).toEqual([
      { kind: 'text', text: '0' },
      { kind: 'record', fields: { owner: { kind: 'text', text: '' } } },
    ]);
    const fill = (start: string): void => {
      const nodes: readonly FormNode[] = [
        { kind: 'text', text: start },
        { kind: 'record', fields: { owner: { kind: 'text', text: 'Ada' } } },
      ];
      workshop.setState({ pending: { ...(pending as PendingInstall), nodes } });
    };
    fill('minus one');
    running?.install();
    expect(workshop.getState().pending?.problem).toMatch(/^argument 1 /u);
    expect(calls).toEqual([]);
    fill('41');
    running?.install();
    await settled();
    const arg = IDL.encode([IDL.Nat, IDL.Record({ owner: IDL.Text })], [41n, { owner: 'Ada' }]);
    expect(calls).toEqual(['create', `install ${CANISTER} 4 ${bytesToHex(arg)}`]);
    expect(workshop.getState()).toMatchObject({ pending: null, running: null, progress: null });
    running?.install();
    expect(calls.length, 'installed once only').toBe(2);
  });

  it('forgets a program that waits for arguments when the reader cancels', async () => {
    const candid = 'service : (nat) -> {}';
    const { workshop, calls } = await deploy(succeeding({ candid }));
    const { running } = workshop.getState();
    running?.cancel();
    running?.install();
    expect(workshop.getState()).toMatchObject({ pending: null, running: null, error: null });
    expect(calls).toEqual([]);
  });

  it('shows why the network refused the code', async () => {
    const { workshop } = await deploy(succeeding(), NEW, 'IC0502: the module is not valid');
    expect(workshop.getState()).toMatchObject({
      canisters: [],
      error: { reason: 'IC0502: the module is not valid' },
    });
  });
});
