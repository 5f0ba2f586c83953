import { present } from '../../base/assert.ts';
import { MemoryBudget } from '../../sandbox/memory-budget.ts';
import { ModuleCache } from '../../sandbox/module-cache.ts';
import { createPausableSandbox, createSandbox, type PausableHost } from '../../sandbox/sandbox.ts';
import { engineSuspends } from '../../sandbox/suspending-engine.ts';
import { createHostTimers } from '../clock/host-timers.ts';
import { portLike } from '../gateway/messages.ts';
import type { ModuleAnswer, ModuleAsk } from '../modules/messages.ts';
import { createSharedModules, type SharedModules } from '../modules/shared-modules.ts';
import type { SandboxAnswer, SandboxCall, SandboxMessage } from './messages.ts';
import { unpackRequest } from './pack-image.ts';

/** How often a worker at work says so. */
const ALIVE_EVERY_MS = 1000;

let sandbox: PausableHost | undefined;
let shared: SharedModules | undefined;
let aliveMs = 0;

self.onmessage = ({ data }: MessageEvent<SandboxMessage>) => {
  if (data.kind === 'configure') {
    const moduleCache = new ModuleCache();
    const memoryBudget = new MemoryBudget(data.maxMemories);
    const stack = data.stack === undefined ? {} : { stack: data.stack };
    const options = { memoryBudget, moduleCache, onProgress: sayAlive, ...stack };
    shared = data.modules && shareModules(moduleCache, data.modules);
    sandbox = engineSuspends() ? createPausableSandbox(options) : createSandbox(options);
    return;
  }
  const call: SandboxCall = { id: data.id, request: unpackRequest(data.request) };
  const supplied = shared?.supply(call.request);
  if (supplied === undefined) {
    handle(call);
  } else {
    void supplied.then(() => handle(call));
  }
};

function sayAlive(): void {
  const nowMs = performance.now();
  if (nowMs - aliveMs >= ALIVE_EVERY_MS) {
    aliveMs = nowMs;
    const alive: SandboxAnswer = { alive: true };
    self.postMessage(alive);
  }
}

function shareModules(cache: ModuleCache, port: MessagePort): SharedModules {
  const broker = portLike<ModuleAnswer, ModuleAsk>(port);
  const modules = createSharedModules({ cache, broker, timers: createHostTimers() });
  port.onmessageerror = modules.abandon;
  // The worker at its other end is gone; browsers that do not tell leave it to the patience.
  port.addEventListener('close', modules.abandon);
  return modules;
}

function handle({ id, request }: SandboxCall): void {
  const post = (answer: SandboxAnswer): void => self.postMessage(answer);
  const fail = (error: unknown): void => post({ id, fault: String(error) });
  try {
    const reply = present(sandbox, 'configured before its first call').handle(request);
    if (reply instanceof Promise) {
      reply.then((late) => post({ id, reply: late }), fail);
    } else {
      post({ id, reply });
    }
  } catch (error) {
    fail(error);
  }
}
