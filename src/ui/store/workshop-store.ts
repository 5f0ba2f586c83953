import { createStore, type StoreApi } from 'zustand/vanilla';
import type { CompileStage, Diagnostic } from '../../wire/compiler.ts';
import type { DidInterface } from '../candid/did-types.ts';

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

export interface WorkshopState {
  readonly source: string;
  readonly progress: Progress | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly error: WorkshopError | null;
  readonly canisters: readonly DeployedCanister[];
  /** Steps of the last finished deployment with their durations in ms. */
  readonly lastTimings: readonly (readonly [DeployStep, number])[];
}

export type WorkshopStore = StoreApi<WorkshopState>;

export function createWorkshopStore(source: string): WorkshopStore {
  return createStore<WorkshopState>(() => ({
    source,
    progress: null,
    diagnostics: [],
    error: null,
    canisters: [],
    lastTimings: [],
  }));
}
