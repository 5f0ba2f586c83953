import { IDL } from '@icp-sdk/core/candid';
import type { Compilation, Compile } from '../../wire/compiler.ts';
import { parseDid } from '../candid/parse-did.ts';
import type { DidInterface, DidMethod } from '../candid/did-types.ts';
import type { DeployedCanister, DeployStep, WorkshopStore } from '../store/workshop-store.ts';
import type { InstallMode, WorkshopClient } from './client.ts';

export interface DeployTarget {
  readonly mode: InstallMode;
  /** null = a new canister. */
  readonly canisterId: string | null;
}

export interface Deployment {
  /** Ends the compiler; once the network has a call it can't be taken back. */
  cancel(): void;
}

/** Compiles the workshop's program and installs it; progress, findings and errors go to the store. */
export function startDeployment(
  workshop: WorkshopStore,
  compile: Compile,
  client: () => Promise<WorkshopClient>,
  target: DeployTarget,
): Deployment {
  const run = new DeploymentRun(workshop, client, target);
  const compilation = compile(workshop.getState().source, (stage) => run.enter(stage));
  run.follow(compilation).catch((reason: unknown) => {
    run.fail('The deployment stopped.', reason instanceof Error ? reason.message : String(reason));
  });
  return compilation;
}

class DeploymentRun {
  readonly #workshop: WorkshopStore;
  readonly #client: () => Promise<WorkshopClient>;
  readonly #target: DeployTarget;
  readonly #startedMs = performance.now();
  readonly #timings: (readonly [DeployStep, number])[] = [];
  #step: DeployStep = 'loadCompiler';
  #stepStartedMs = this.#startedMs;

  constructor(
    workshop: WorkshopStore,
    client: () => Promise<WorkshopClient>,
    target: DeployTarget,
  ) {
    this.#workshop = workshop;
    this.#client = client;
    this.#target = target;
    const progress = { step: this.#step, startedMs: this.#startedMs };
    workshop.setState({ progress, diagnostics: [], error: null, lastTimings: [] });
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
    this.#workshop.setState({ progress: null, error: { title, reason } });
  }

  async follow(compilation: Compilation): Promise<void> {
    const compiled = await compilation.result;
    if (!compiled.ok) {
      const { code, message, diagnostics } = compiled.error;
      this.#workshop.setState({ diagnostics });
      if (code === 'CANCELLED') {
        this.#workshop.setState({ progress: null });
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
    if (did.value.init.length > 0) {
      this.fail(
        'The actor takes arguments.',
        'The workshop installs actors without arguments only.',
      );
      return;
    }
    await this.#install(wasm, did.value);
  }

  async #install(wasm: Uint8Array, did: DidInterface): Promise<void> {
    let canisterId = this.#target.canisterId;
    if (canisterId === null) {
      this.enter('createCanister');
      canisterId = await (await this.#client()).createCanister();
    }
    this.enter('installCode');
    await (await this.#client()).installCode(
      canisterId,
      this.#target.mode,
      wasm,
      IDL.encode([], []),
    );
    this.#closeStep();
    const { source, canisters } = this.#workshop.getState();
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
      lastTimings: this.#timings,
      canisters: [deployed, ...canisters.filter((other) => other !== before)],
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

function actorName(source: string): string {
  return /\bactor\s+(?:class\s+)?([A-Za-z_]\w*)/u.exec(source)?.[1] ?? 'canister';
}

/** The compiler sorts methods by name; the author's order reads better. */
function inSourceOrder(methods: readonly DidMethod[], source: string): readonly DidMethod[] {
  const place = ({ name }: DidMethod): number =>
    source.search(new RegExp(`\\bfunc\\s+${name}\\b`, 'u'));
  return methods.toSorted((a, b) => place(a) - place(b));
}
