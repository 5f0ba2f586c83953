import type { Action, CallAction, ManagementMethod, Outcome, Step } from './actions.ts';

/**
 * The abstract behaviour of interface spec 0.66 for one subnet, as far as scenarios use it: calls
 * and call contexts, replies, rejects, traps with rollback, cleanups, attached cycles, and the life of
 * canisters. Written from the specification and without the implementation: it knows no fees, no
 * queues and no order, and scenarios do not depend on any.
 */

interface Canister {
  status: 'running' | 'stopping' | 'stopped' | 'deleted';
  installed: boolean;
  /** In no order: contexts that run side by side note in any. */
  notes: number[];
  counter: number;
  contexts: Set<Context>;
  stops: { outcome: Outcome }[];
}

interface Context {
  readonly canister: number;
  /** Whom to answer. */
  readonly answer: (answer: Answer, refund: number) => void;
  responded: boolean;
  deleted: boolean;
  available: number;
  /** Calls that were not answered yet. */
  outstanding: number;
}

/** A reply, or an error code; `code` 4xx … of a canister's own reject is 406. */
type Answer = { readonly reply: number | null } | { readonly code: number };

/** Effects of one message before it is known whether it ends well. */
interface Run {
  readonly mode: 'update' | 'query' | 'callback' | 'cleanup';
  readonly notes: number[];
  counter: number;
  available: number;
  readonly refunded: number;
  readonly rejectCode: number;
  answer: Answer | null;
  readonly calls: CallAction[];
}

const CODE = { trapped: 502, calledTrap: 503, violation: 504 } as const;

export class ReferenceModel {
  readonly canisters: Canister[];
  readonly outcomes: { outcome: Outcome }[] = [];
  #ready: (() => void)[] = [];
  #nextRound: (() => void)[] = [];

  constructor(count: number) {
    this.canisters = Array.from({ length: count }, () => ({
      status: 'running' as const,
      installed: true,
      notes: [],
      counter: 0,
      contexts: new Set<Context>(),
      stops: [],
    }));
  }

  /** One round, until nothing is left to run. */
  step({ manage, calls }: Step): void {
    this.#ready = this.#nextRound;
    this.#nextRound = [];
    // Users' calls are let in at the start of the round, under the status of the round before.
    const admitted = calls.map((call) => ({ call, refusal: this.#refusal(call.to) }));
    if (manage !== null) {
      this.#manage(manage.of, manage.method);
    }
    for (const { call, refusal } of admitted) {
      const told: { outcome: Outcome } = { outcome: { open: true } };
      this.outcomes.push(told);
      const answer = (end: Answer): void => {
        told.outcome = end;
      };
      if (refusal === null) {
        this.#ready.push(() => this.#execute({ ...call, cycles: 0 }, answer));
      } else {
        answer({ code: refusal });
      }
    }
    for (let next = this.#ready.shift(); next !== undefined; next = this.#ready.shift()) {
      next();
    }
    this.canisters.forEach((canister) => {
      this.#finishStopping(canister);
    });
  }

  /** Whether callbacks of the canister's present code may still run. */
  awaits(at: number): boolean {
    return [...this.#at(at).contexts].some(({ deleted }) => !deleted);
  }

  #at(at: number): Canister {
    return this.canisters[at] as Canister;
  }

  /** Why a canister takes no calls. */
  #refusal(at: number): number | null {
    const refusals = { running: null, stopping: 509, stopped: 508, deleted: 301 };
    return refusals[this.#at(at).status];
  }

  #manage(at: number, method: ManagementMethod): void {
    const canister = this.#at(at);
    const told: { outcome: Outcome } = { outcome: { reply: null } };
    this.outcomes.push(told);
    if (canister.status === 'deleted') {
      told.outcome = { code: 301 };
      return;
    }
    switch (method) {
      case 'stop_canister':
        if (canister.status !== 'stopped') {
          canister.status = 'stopping';
          canister.stops.push(told);
          told.outcome = { open: true };
        }
        return;
      case 'start_canister':
        canister.status = 'running';
        for (const stop of canister.stops) {
          stop.outcome = { code: 511 };
        }
        canister.stops = [];
        return;
      case 'delete_canister':
        if (canister.status === 'stopped') {
          canister.status = 'deleted';
        } else {
          told.outcome = { code: 510 };
        }
        return;
      case 'uninstall_code':
        this.#uninstall(canister);
        return;
      case 'install':
        if (canister.installed) {
          told.outcome = { code: 514 };
        }
        canister.installed = true;
        return;
      case 'reinstall':
      case 'upgrade':
        if (method === 'upgrade' && !canister.installed) {
          told.outcome = { code: 537 };
          return;
        }
        canister.installed = true;
        canister.notes = [];
        canister.counter = method === 'upgrade' ? canister.counter : 0;
    }
  }

  #uninstall(canister: Canister): void {
    canister.installed = false;
    canister.notes = [];
    canister.counter = 0;
    for (const context of canister.contexts) {
      context.deleted = true;
      this.#respond(context, { code: 406 });
    }
  }

  #finishStopping(canister: Canister): void {
    if (canister.status === 'stopping' && canister.contexts.size === 0) {
      canister.status = 'stopped';
      for (const stop of canister.stops) {
        stop.outcome = { reply: null };
      }
      canister.stops = [];
    }
  }

  /** Runs the method that a call names. */
  #execute(
    call: Pick<CallAction, 'method' | 'body' | 'cycles'> & { readonly to: number },
    answer: Context['answer'],
  ): void {
    const canister = this.#at(call.to);
    const refusal = this.#refusal(call.to) ?? methodError(canister, call.method);
    if (refusal !== null) {
      answer({ code: refusal }, call.cycles);
      return;
    }
    const context: Context = {
      canister: call.to,
      answer,
      responded: false,
      deleted: false,
      available: call.cycles,
      outstanding: 0,
    };
    canister.contexts.add(context);
    const run = newRun(call.method === 'query' ? 'query' : 'update', canister, context, 0, 0);
    const error = interpret(call.body, run, context);
    if (error === null) {
      this.#commit(context, run);
    }
    this.#settle(context, error ?? run.answer);
  }

  #commit(context: Context, run: Run): void {
    const canister = this.#at(context.canister);
    context.available = run.available;
    if (run.mode === 'query') {
      return;
    }
    canister.notes.push(...run.notes);
    canister.counter = run.counter;
    for (const call of run.calls) {
      context.outstanding += 1;
      this.#send(context, call);
    }
  }

  #send(context: Context, call: CallAction): void {
    const { to } = call;
    if (to === 'nextRound') {
      this.#nextRound.push(() => this.#respondTo(context, call, { reply: null }, call.cycles));
      return;
    }
    this.#ready.push(() => {
      this.#execute({ ...call, to }, (end, refund) => {
        this.#ready.push(() => this.#respondTo(context, call, end, refund));
      });
    });
  }

  /** Runs the callback of a call. */
  #respondTo(context: Context, call: CallAction, end: Answer, refund: number): void {
    context.outstanding -= 1;
    const canister = this.#at(context.canister);
    if (context.deleted || !canister.installed) {
      this.#settle(context, null);
      return;
    }
    const code = 'code' in end ? Math.floor(end.code / 100) : 0;
    const run = newRun('callback', canister, context, refund, code);
    const error = interpret(code === 0 ? call.onReply : call.onReject, run, context);
    if (error === null) {
      this.#commit(context, run);
    } else if (call.onCleanup !== null) {
      const cleanup = newRun('cleanup', canister, context, 0, 0);
      if (interpret(call.onCleanup, cleanup, context) === null) {
        this.#commit(context, { ...cleanup, available: context.available });
      }
    }
    this.#settle(context, error ?? run.answer);
  }

  /** After a message of a call: answers when there is an answer, or when none can come any more. */
  #settle(context: Context, end: Answer | null): void {
    const failed = end !== null && 'code' in end && end.code !== 406;
    if (end !== null && !failed) {
      this.#respond(context, end);
    }
    if (context.outstanding === 0) {
      this.#respond(context, end ?? { code: 506 });
      this.#at(context.canister).contexts.delete(context);
    }
  }

  #respond(context: Context, end: Answer): void {
    if (!context.responded) {
      context.responded = true;
      const refund = context.available;
      context.available = 0;
      context.answer(end, refund);
    }
  }
}

function methodError(canister: Canister, method: CallAction['method']): number | null {
  if (!canister.installed) {
    return 537;
  }
  const errors = { update: null, query: null, missing: 536, composite_query: 527 };
  return errors[method];
}

function newRun(
  mode: Run['mode'],
  canister: Canister,
  context: Context,
  refunded: number,
  rejectCode: number,
): Run {
  const { counter } = canister;
  const { available } = context;
  return { mode, notes: [], counter, available, refunded, rejectCode, answer: null, calls: [] };
}

/** @returns how the message failed, if it did */
function interpret(actions: readonly Action[], run: Run, context: Context): Answer | null {
  for (const action of actions) {
    const error = perform(action, run, context);
    if (error !== null) {
      return { code: error };
    }
  }
  return null;
}

function perform(action: Action, run: Run, context: Context): number | null {
  switch (action.kind) {
    case 'note':
      run.notes.push(action.value);
      return null;
    case 'count':
      run.counter += action.by;
      return null;
    case 'trap':
      return CODE.calledTrap;
    case 'unreachable':
      return CODE.trapped;
    case 'reply':
    case 'reject':
      if (run.mode === 'cleanup' || run.answer !== null || context.responded) {
        return CODE.violation;
      }
      run.answer = action.kind === 'reply' ? { reply: action.value } : { code: 406 };
      return null;
    case 'accept': {
      if (run.mode === 'cleanup') {
        return CODE.violation;
      }
      const accepted = Math.min(action.cycles, run.available);
      run.available -= accepted;
      run.notes.push(accepted);
      return null;
    }
    case 'refunded':
    case 'rejectCode':
      return noteOfResponse(action.kind, run);
    case 'call':
      if (run.mode === 'query' || run.mode === 'cleanup') {
        return CODE.violation;
      }
      run.calls.push(action);
      return null;
  }
}

function noteOfResponse(kind: 'refunded' | 'rejectCode', run: Run): number | null {
  if (run.mode !== 'callback') {
    return CODE.violation;
  }
  run.notes.push(kind === 'refunded' ? run.refunded : run.rejectCode);
  return null;
}
