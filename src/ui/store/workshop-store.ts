import { createStore, type StoreApi } from 'zustand/vanilla';
import type { CompileStage, Diagnostic } from '../../wire/compiler.ts';
import type { DidInterface } from '../candid/did-types.ts';
import type { FormNode } from '../candid/form-model.ts';
import type { CallOutcome } from '../workshop/client.ts';

/** A canister that this page deployed and can call. */
export interface DeployedCanister {
  /** Principal as text. */
  readonly canisterId: string;
  readonly name: string;
  readonly did: DidInterface;
  readonly wasmBytes: number;
  /** Grows with each installation into it: forms and answers of older code are gone. */
  readonly revision: number;
}

export type DeployStep = CompileStage | 'createCanister' | 'installCode';

export interface Progress {
  readonly step: DeployStep;
  /** `performance.now()` when the whole run began. */
  readonly startedMs: number;
}

export interface WorkshopError {
  readonly title: string;
  readonly reason: string;
}

/** What a person typed for a method, and its last answer. */
export interface MethodState {
  readonly nodes: readonly FormNode[];
  readonly problem: string | null;
  readonly outcome: CallOutcome | null;
  readonly busy: boolean;
}

/** A compiled actor that waits for its arguments. */
export interface PendingInstall {
  readonly did: DidInterface;
  readonly nodes: readonly FormNode[];
  readonly problem: string | null;
}

/** A deployment that was started; a reader may come back to it through another door. */
export interface Deployment {
  /** Ends the compiler or the wait for arguments; a call to the network can't be taken back. */
  cancel(): void;
  /** Goes on with the arguments that `pending` holds. */
  install(): void;
}

export interface WorkshopState {
  readonly source: string;
  /** The program that the editor shows. */
  readonly program: string;
  /** Texts of the programs by name, as they were when the editor left them. */
  readonly programs: Readonly<Record<string, string>>;
  readonly progress: Progress | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly error: WorkshopError | null;
  readonly canisters: readonly DeployedCanister[];
  /** Steps of the last finished deployment with their durations in ms. */
  readonly lastTimings: readonly (readonly [DeployStep, number])[];
  readonly pending: PendingInstall | null;
  readonly running: Deployment | null;
  /** Where the next deployment goes, as the select names it. */
  readonly target: string;
  /** By `methodKey`. Kept here, so that forms and answers are there when the door opens again. */
  readonly methods: Readonly<Record<string, MethodState>>;
}

/** New code in a canister means new forms. */
export function methodKey({ canisterId, revision }: DeployedCanister, method: string): string {
  return `${canisterId}/${revision}/${method}`;
}

export type WorkshopStore = StoreApi<WorkshopState>;

const FIRST_PROGRAM = 'Counter';

/** @param others programs to choose from beside the counter, by name */
export function createWorkshopStore(
  source: string,
  others: Readonly<Record<string, string>> = {},
): WorkshopStore {
  return createStore<WorkshopState>(() => ({
    source,
    program: FIRST_PROGRAM,
    programs: { [FIRST_PROGRAM]: source, ...others },
    progress: null,
    diagnostics: [],
    error: null,
    canisters: [],
    lastTimings: [],
    pending: null,
    running: null,
    target: 'new',
    methods: {},
  }));
}

/** Shows another program; what was typed into this one is there when the reader comes back to it. */
export function openProgram(workshop: WorkshopStore, name: string): void {
  workshop.setState(({ program, programs, source }) => {
    const kept = { ...programs, [program]: source };
    return { program: name, programs: kept, source: kept[name] ?? source, diagnostics: [] };
  });
}
