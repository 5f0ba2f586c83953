import { IDL } from '@icp-sdk/core/candid';
import { err, ok, type Result } from '../../base/result.ts';
import type { Compilation, Compile } from '../../wire/compiler.ts';
import { parseDid } from '../candid/parse-did.ts';
import type { DidInterface, DidMethod } from '../candid/did-types.ts';
import { emptyArguments, type FormError, readArguments } from '../candid/form-model.ts';
import { toIdlInit } from '../candid/to-idl.ts';
import type {
  DeployedCanister,
  DeployStep,
  MethodState,
  PendingInstall,
  WorkshopStore,
} from '../store/workshop-store.ts';
import type { DeployClient, InstallMode } from './client.ts';

export interface DeployTarget {
  readonly mode: InstallMode;
  /** null = a new canister. */
  readonly canisterId: string | null;
  /** Where a new one is made, by its place in the topology. */
  readonly subnet: number;
}

/**
 * Compiles the workshop's program and installs it; progress, findings and errors go to the store.
 * An actor with arguments waits in `pending` for `running.install()`.
 */
export function startDeployment(
  workshop: WorkshopStore,
  compile: Compile,
  client: () => Promise<DeployClient>,
  target: DeployTarget,
): void {
  const run = new DeploymentRun(workshop, client, target);
  const compilation = compile(workshop.getState().source, (stage) => run.enter(stage));
  const stopped = (reason: unknown): void =>
    run.fail('The deployment stopped.', reason instanceof Error ? reason.message : String(reason));
  workshop.setState({
    running: {
      cancel: () => {
        compilation.cancel();
        run.giveUp();
      },
      install: () => {
        run.installPending().catch(stopped);
      },
    },
  });
  run.follow(compilation).catch(stopped);
}

class DeploymentRun {
  readonly #workshop: WorkshopStore;
  readonly #client: () => Promise<DeployClient>;
  readonly #target: DeployTarget;
  readonly #startedMs = performance.now();
  readonly #timings: (readonly [DeployStep, number])[] = [];
  #step: DeployStep = 'loadCompiler';
  #stepStartedMs = this.#startedMs;
  #wasm: Uint8Array | null = null;

  constructor(workshop: WorkshopStore, client: () => Promise<DeployClient>, target: DeployTarget) {
    this.#workshop = workshop;
    this.#client = client;
    this.#target = target;
    const progress = { step: this.#step, startedMs: this.#startedMs };
    workshop.setState({
      progress,
      diagnostics: [],
      error: null,
      lastTimings: [],
      pending: null,
    });
  }

  enter(step: DeployStep): void {
    if (step === this.#step) {
      return;
    }
    this.#closeStep();
    this.#step = step;
    this.#workshop.setState({ progress: { step, startedMs: this.#startedMs } });
  }

  fail(title: string, reason: string): void {
    this.#workshop.setState({ progress: null, running: null, error: { title, reason } });
  }

  async follow(compilation: Compilation): Promise<void> {
    const compiled = await compilation.result;
    if (!compiled.ok) {
      const { code, message, diagnostics } = compiled.error;
      this.#workshop.setState({ diagnostics });
      if (code === 'CANCELLED') {
        this.#workshop.setState({ progress: null, running: null });
      } else {
        this.fail('The program was not compiled.', message);
      }
      return;
    }
    const { wasm, candid, diagnostics } = compiled.value;
    this.#workshop.setState({ diagnostics });
    const did = parseDid(candid);
    if (!did.ok) {
      this.fail('The interface of the program cannot be read.', did.error.message);
      return;
    }
    if (did.value.init.length === 0) {
      await this.#install(wasm, did.value, IDL.encode([], []));
      return;
    }
    this.#closeStep();
    this.#wasm = wasm;
    const nodes = emptyArguments(did.value.init, did.value.types);
    const pending = { did: did.value, nodes, problem: null };
    this.#workshop.setState({ progress: null, pending });
  }

  /** Ends the wait for arguments. */
  giveUp(): void {
    if (this.#wasm !== null) {
      this.#wasm = null;
      this.#workshop.setState({ pending: null, running: null });
    }
  }

  async installPending(): Promise<void> {
    const { pending } = this.#workshop.getState();
    const wasm = this.#wasm;
    if (pending === null || wasm === null) {
      return;
    }
    const arg = encodeInit(pending);
    if (!arg.ok) {
      const problem = `${arg.error.path} ${arg.error.message}.`;
      this.#workshop.setState({ pending: { ...pending, problem } });
      return;
    }
    this.#wasm = null;
    this.#stepStartedMs = performance.now();
    this.#workshop.setState({ pending: null });
    await this.#install(wasm, pending.did, arg.value);
  }

  async #install(wasm: Uint8Array, did: DidInterface, arg: Uint8Array): Promise<void> {
    let canisterId = this.#target.canisterId;
    if (canisterId === null) {
      this.enter('createCanister');
      canisterId = await (await this.#client()).createCanister(this.#target.subnet);
    }
    this.enter('installCode');
    await (await this.#client()).installCode(canisterId, this.#target.mode, wasm, arg);
    this.#closeStep();
    const { source, canisters, methods } = this.#workshop.getState();
    const before = canisters.find((other) => other.canisterId === canisterId);
    const deployed: DeployedCanister = {
      canisterId,
      name: actorName(source),
      did: { ...did, methods: inSourceOrder(did.methods, source) },
      wasmBytes: wasm.length,
      revision: (before?.revision ?? 0) + 1,
    };
    this.#workshop.setState({
      progress: null,
      running: null,
      lastTimings: this.#timings,
      canisters: [deployed, ...canisters.filter((other) => other !== before)],
      methods: withoutCanister(methods, canisterId),
    });
  }

  #closeStep(): void {
    const nowMs = performance.now();
    if (nowMs - this.#stepStartedMs >= 1) {
      this.#timings.push([this.#step, nowMs - this.#stepStartedMs]);
    }
    this.#stepStartedMs = nowMs;
  }
}

/** Forms and answers of the code before are of no use for the new one. */
function withoutCanister(
  methods: Readonly<Record<string, MethodState>>,
  canisterId: string,
): Readonly<Record<string, MethodState>> {
  const others = Object.entries(methods).filter(([key]) => !key.startsWith(`${canisterId}/`));
  return Object.fromEntries(others);
}

function encodeInit({ did, nodes }: PendingInstall): Result<Uint8Array, FormError> {
  const values = readArguments(nodes, did.init, did.types);
  if (!values.ok) {
    return values;
  }
  try {
    return ok(IDL.encode([...toIdlInit(did)], [...values.value]));
  } catch (reason) {
    return err({ path: 'The arguments', message: `do not encode: ${String(reason)}` });
  }
}

function actorName(source: string): string {
  return /\bactor\s+(?:class\s+)?([A-Za-z_]\w*)/u.exec(source)?.[1] ?? 'canister';
}

/** The compiler sorts methods by name; the author's order reads better. */
function inSourceOrder(methods: readonly DidMethod[], source: string): readonly DidMethod[] {
  const place = ({ name }: DidMethod): number =>
    source.search(new RegExp(`\\bfunc\\s+${name}\\b`, 'u'));
  return methods.toSorted((a, b) => place(a) - place(b));
}
