import type { SandboxReply, SandboxRequest } from '../../protocol/interfaces/wasm-host.ts';
import type { CanisterId } from '../../protocol/types/ids.ts';
import type { HostTimers } from '../clock/scheduler.ts';
import type { SandboxAnswer, SandboxCall } from './messages.ts';

/** A sandbox worker as its node sees it. */
export interface SandboxProcess {
  post(call: SandboxCall): void;
  terminate(): void;
}

export interface SandboxEvents {
  onAnswer(answer: SandboxAnswer): void;
  /** The process is gone: it threw outside any request, or could not be started. */
  onExit(reason: string): void;
}

/** @param afterFault the process before died or failed at a request */
export type StartSandbox = (events: SandboxEvents, afterFault: boolean) => SandboxProcess;

export interface SandboxClient {
  request(request: SandboxRequest, onReply: (reply: SandboxReply) => void): void;
  /** Sandbox processes running now. */
  running(): number;
  close(): void;
}

export interface SandboxClientDeps {
  readonly start: StartSandbox;
  readonly timers: HostTimers;
  /** A request failed on a fresh sandbox too: the node cannot go on. */
  onFatal(reason: string): void;
}

interface OpenCall {
  readonly request: SandboxRequest;
  readonly onReply: (reply: SandboxReply) => void;
  attempts: number;
}

/**
 * Without an answer or a sign of life. A run that is metered gives one every second and ends at its
 * limit; only an engine that is stuck, in compiled code or in compiling it, is silent so long.
 */
const STUCK_AFTER_MS = 120_000;
/** An unused sandbox gives its Wasm memories back; a tab has only about 124. */
const IDLE_AFTER_MS = 60_000;
const MAX_ATTEMPTS = 2;

/**
 * What a process would say that was given nothing of the canister yet. The node gets its memory ready
 * while the process starts.
 */
function replyOfUnprepared(request: SandboxRequest): SandboxReply | undefined {
  switch (request.kind) {
    case 'run':
      return request.base.from === 'fresh' || request.image !== undefined
        ? undefined
        : { kind: 'missing', module: false, image: true };
    case 'resume':
      return { kind: 'notPaused' };
    default:
      return undefined;
  }
}

/**
 * Starts the sandbox with the first request and ends it when idle. When it dies, a fresh one gets
 * the open requests again: a run is a pure function of its request, and a fresh sandbox asks for
 * the module and memory it lacks.
 */
export function createSandboxClient(deps: SandboxClientDeps): SandboxClient {
  const open = new Map<number, OpenCall>();
  let process: SandboxProcess | undefined;
  /** Canisters of which the process was given memory. */
  const held = new Set<CanisterId>();
  let nextId = 0;
  let watchdog: unknown;
  let afterFault = false;
  let closed = false;

  const stop = (): void => {
    process?.terminate();
    process = undefined;
    held.clear();
  };
  const watch = (): void => {
    if (watchdog !== undefined) {
      deps.timers.clear(watchdog);
    }
    watchdog =
      open.size > 0
        ? deps.timers.set(STUCK_AFTER_MS, () => restart(`no sign of life for ${STUCK_AFTER_MS} ms`))
        : deps.timers.set(IDLE_AFTER_MS, stop);
  };
  const running = (): SandboxProcess => {
    if (process !== undefined) {
      return process;
    }
    const started: SandboxProcess = deps.start(
      {
        onAnswer: (answer) => {
          if (process === started) {
            take(answer);
          }
        },
        onExit: (reason) => {
          if (process === started) {
            restart(reason);
          }
        },
      },
      afterFault,
    );
    afterFault = false;
    process = started;
    return started;
  };
  const send = (id: number, { request, onReply }: OpenCall): void => {
    const target = running();
    if (request.kind !== 'compile' && !held.has(request.canisterId)) {
      const reply = replyOfUnprepared(request);
      if (reply !== undefined) {
        open.delete(id);
        onReply(reply);
        return;
      }
    }
    if (request.kind === 'run') {
      held.add(request.canisterId);
    } else if (request.kind === 'forget') {
      held.delete(request.canisterId);
    }
    target.post({ id, request });
  };
  const restart = (reason: string): void => {
    stop();
    afterFault = true;
    for (const [id, call] of [...open]) {
      if (call.attempts >= MAX_ATTEMPTS) {
        deps.onFatal(`the sandbox failed twice on one request: ${reason}`);
        return;
      }
      call.attempts += 1;
      send(id, call);
    }
    watch();
  };
  const take = (answer: SandboxAnswer): void => {
    if ('alive' in answer) {
      watch();
      return;
    }
    const call = open.get(answer.id);
    if (call === undefined) {
      return;
    }
    if ('fault' in answer) {
      restart(answer.fault);
      return;
    }
    open.delete(answer.id);
    watch();
    call.onReply(answer.reply);
  };

  return {
    request: (request, onReply) => {
      if (closed) {
        return;
      }
      nextId += 1;
      const call: OpenCall = { request, onReply, attempts: 1 };
      open.set(nextId, call);
      send(nextId, call);
      watch();
    },
    running: () => (process === undefined ? 0 : 1),
    close: () => {
      closed = true;
      open.clear();
      stop();
      if (watchdog !== undefined) {
        deps.timers.clear(watchdog);
      }
    },
  };
}
