import { expose, type Remote, transfer, wrap } from 'comlink';
import { type CodedError, codedError, err, ok, type Result } from '../../base/result.ts';

/**
 * The one file that knows comlink: calls from the page to its workers. Comlink leaves a call
 * pending for ever when its worker dies, so each one races a deadline and the worker's exit.
 */

export type ControlErrorCode = 'CONTROL_TIMEOUT' | 'WORKER_EXITED' | 'CONTROL_FAILED';
export type ControlError = CodedError<ControlErrorCode>;

/** Methods a worker offers; all arguments and results are structured-cloneable. */
export type ControlApi<T> = { readonly [K in keyof T]: (...args: never[]) => unknown };

type Method<T, K extends keyof T> = Extract<T[K], (...args: never[]) => unknown>;

export interface ControlOptions {
  readonly deadlineMs: number;
  /** Objects in the arguments that move to the worker. */
  readonly transfer?: readonly Transferable[];
}

export interface RemoteControl<T extends ControlApi<T>> {
  call<K extends keyof T & string>(
    options: ControlOptions,
    method: K,
    ...args: Parameters<Method<T, K>>
  ): Promise<Result<Awaited<ReturnType<Method<T, K>>>, ControlError>>;
  /** Tells that the worker ended; every open and later call answers WORKER_EXITED. */
  exited(reason: string): void;
}

/** In the worker: offers `api` to whoever created it. */
export function exposeControl<T extends ControlApi<T>>(api: T): void {
  expose(api);
}

/** On the page: calls into a worker that exposes `T`. */
export function createRemoteControl<T extends ControlApi<T>>(worker: Worker): RemoteControl<T> {
  const remote = wrap<T>(worker) as Remote<Record<string, (...args: unknown[]) => unknown>>;
  const waiting = new Set<(error: ControlError) => void>();
  let exitError: ControlError | undefined;

  return {
    call: async (options, method, ...args) => {
      if (exitError !== undefined) {
        return err(exitError);
      }
      type Outcome = Result<Awaited<ReturnType<Method<T, typeof method>>>, ControlError>;
      return new Promise<Outcome>((resolve) => {
        const settle = (outcome: Outcome): void => {
          clearTimeout(timer);
          waiting.delete(fail);
          resolve(outcome);
        };
        const fail = (error: ControlError): void => settle(err(error));
        const timer = setTimeout(() => {
          const message = `no answer to ${method} within ${options.deadlineMs} ms`;
          fail(codedError('transport', 'CONTROL_TIMEOUT', message));
        }, options.deadlineMs);
        waiting.add(fail);
        const moved = withTransfers(args, options.transfer ?? []);
        const called = (remote[method] as (...all: unknown[]) => Promise<unknown>)(...moved);
        called.then(
          (value) => settle(ok(value as Awaited<ReturnType<Method<T, typeof method>>>)),
          (error: unknown) => fail(codedError('protocol', 'CONTROL_FAILED', String(error))),
        );
      });
    },
    exited: (reason) => {
      const error = codedError('transport', 'WORKER_EXITED', reason);
      exitError ??= error;
      for (const fail of [...waiting]) {
        fail(exitError);
      }
    },
  };
}

/** Comlink takes the transfer list with one argument; the first carries all. */
function withTransfers(args: readonly unknown[], moved: readonly Transferable[]): unknown[] {
  const [first, ...rest] = args;
  return moved.length === 0 || typeof first !== 'object' || first === null
    ? [...args]
    : [transfer(first, [...moved]), ...rest];
}
