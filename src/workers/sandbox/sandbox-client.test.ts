import { describe, expect, it } from 'vitest';
import type {
  RunRequest,
  SandboxReply,
  SandboxRequest,
} from '../../protocol/interfaces/wasm-host.ts';
import type { CanisterId, HashHex } from '../../protocol/types/ids.ts';
import type { SandboxCall } from './messages.ts';
import { createSandboxClient, type SandboxEvents } from './sandbox-client.ts';

const request = (name: string): SandboxRequest => ({
  kind: 'compile',
  moduleHash: name as HashHex,
  wasm: new Uint8Array(),
});
const FORGOTTEN: SandboxReply = { kind: 'forgotten' };
const NOTHING = { heapWasmPages: 0, heap: [], stableWasmPages: 0, stable: [], globals: [] };

/** A run of a canister's version, on a memory that the sandbox has or is given. */
const run = (canister: string, more: Partial<RunRequest> = {}): RunRequest => ({
  kind: 'run',
  canisterId: canister as CanisterId,
  moduleHash: 'module' as HashHex,
  base: { from: 'version', version: 1 },
  steps: [],
  instructionLimit: 1n,
  commitAs: null,
  oldestVersionInUse: 1,
  ...more,
});

interface FakeProcess {
  readonly events: SandboxEvents;
  readonly calls: SandboxCall[];
  readonly afterFault: boolean;
  terminated: boolean;
}

function createSubject() {
  const processes: FakeProcess[] = [];
  const fatal: string[] = [];
  let tasks: { readonly delayMs: number; readonly task: () => void }[] = [];
  const client = createSandboxClient({
    start: (events, afterFault) => {
      const process: FakeProcess = { events, calls: [], afterFault, terminated: false };
      processes.push(process);
      return {
        post: (call) => process.calls.push(call),
        terminate: () => {
          process.terminated = true;
        },
      };
    },
    timers: {
      set: (delayMs, task) => {
        const entry = { delayMs, task };
        tasks.push(entry);
        return entry;
      },
      clear: (handle) => {
        tasks = tasks.filter((entry) => entry !== handle);
      },
    },
    onFatal: (reason) => fatal.push(reason),
  });
  const replies: string[] = [];
  const send = (name: string, asked: SandboxRequest): void => {
    client.request(asked, (reply) => replies.push(`${name} ${reply.kind}`));
  };
  const ask = (name: string): void => send(name, request(name));
  const answer = (process: number, call: number): void => {
    const target = processes[process];
    const id = target?.calls[call]?.id ?? -1;
    target?.events.onAnswer({ id, reply: FORGOTTEN });
  };
  const fireTimers = (): void => {
    for (const { task } of [...tasks]) {
      task();
    }
  };
  return { client, processes, fatal, replies, send, ask, answer, fireTimers, timers: () => tasks };
}

describe('sandbox client', () => {
  it('starts one process with the first request and matches answers to requests', () => {
    const { client, processes, replies, ask, answer } = createSubject();
    expect(client.running()).toBe(0);
    ask('a');
    ask('b');
    expect(processes.length).toBe(1);
    answer(0, 1);
    answer(0, 0);
    expect(replies).toEqual(['b forgotten', 'a forgotten']);
  });

  it('ends the process when it was idle and starts a fresh one for the next request', () => {
    const { client, processes, ask, answer, fireTimers } = createSubject();
    ask('a');
    answer(0, 0);
    fireTimers();
    expect(processes[0]?.terminated).toBe(true);
    expect(client.running()).toBe(0);
    ask('b');
    expect(processes.length).toBe(2);
  });

  it('gives open requests to a fresh process when the first one dies', () => {
    const { processes, fatal, replies, ask, answer } = createSubject();
    ask('a');
    ask('b');
    processes[0]?.events.onExit('out of memory');
    expect(processes[0]?.terminated).toBe(true);
    expect(processes[1]?.calls.map((call) => call.request)).toEqual([request('a'), request('b')]);
    answer(1, 0);
    answer(1, 1);
    expect(replies).toEqual(['a forgotten', 'b forgotten']);
    expect(fatal).toEqual([]);
  });

  it('tells a process whether the one before failed, and only the next one', () => {
    const { processes, ask, answer, fireTimers } = createSubject();
    ask('a');
    processes[0]?.events.onExit('the native stack ended');
    answer(1, 0);
    fireTimers();
    ask('b');
    expect(processes.map(({ afterFault }) => afterFault)).toEqual([false, true, false]);
  });

  it('gives up with the reason when a request fails on a fresh process too', () => {
    const { processes, fatal, replies, ask } = createSubject();
    ask('a');
    const fault = (process: number): void => {
      const target = processes[process];
      const id = target?.calls[0]?.id ?? -1;
      target?.events.onAnswer({ id, fault: 'HostFault: no memory left' });
    };
    fault(0);
    expect(fatal).toEqual([]);
    fault(1);
    expect(fatal.length).toBe(1);
    expect(fatal[0]).toContain('HostFault: no memory left');
    expect(replies).toEqual([]);
  });

  it('replaces a process that is stuck', () => {
    const { processes, ask, fireTimers } = createSubject();
    ask('a');
    fireTimers();
    expect(processes[0]?.terminated).toBe(true);
    expect(processes[1]?.calls.length).toBe(1);
  });

  it('leaves a process alone that says it is at work', () => {
    const { processes, replies, ask, answer, timers } = createSubject();
    ask('a');
    const [first] = timers();
    processes[0]?.events.onAnswer({ alive: true });
    expect(timers().length).toBe(1);
    expect(timers()[0]).not.toBe(first);
    expect(timers()[0]?.delayMs).toBe(first?.delayMs);
    answer(0, 0);
    expect(replies).toEqual(['a forgotten']);
  });

  it('ignores what a replaced process still says', () => {
    const { processes, replies, ask, answer } = createSubject();
    ask('a');
    processes[0]?.events.onExit('gone');
    answer(0, 0);
    processes[0]?.events.onExit('gone again');
    expect(replies).toEqual([]);
    expect(processes.length).toBe(2);
  });

  it('leaves nothing running and no timer after close', () => {
    const { client, processes, ask, timers } = createSubject();
    ask('a');
    client.close();
    ask('b');
    expect(processes.map((process) => process.terminated)).toEqual([true]);
    expect(timers()).toEqual([]);
  });

  it('asks for the memory that a new process lacks while it starts', () => {
    const { processes, replies, send, answer } = createSubject();
    send('run', run('a'));
    expect(processes.length).toBe(1);
    expect(replies).toEqual(['run missing']);
    expect(processes[0]?.calls).toEqual([]);
    send('complete', run('a', { image: NOTHING }));
    send('next', run('a'));
    expect(processes[0]?.calls.length).toBe(2);
    answer(0, 0);
    answer(0, 1);
    expect(replies).toEqual(['run missing', 'complete forgotten', 'next forgotten']);
  });

  it('knows what a process holds: not what is forgotten, nor of another canister or process', () => {
    const { processes, replies, send, answer, fireTimers } = createSubject();
    send('install', run('a', { base: { from: 'fresh' } }));
    send('run', run('a'));
    send('other', run('b'));
    expect(replies).toEqual(['other missing']);
    send('forget', { kind: 'forget', canisterId: 'a' as CanisterId });
    send('late', run('a'));
    expect(replies).toEqual(['other missing', 'late missing']);
    send('install', run('a', { base: { from: 'fresh' } }));
    for (const call of [0, 1, 2, 3]) {
      answer(0, call);
    }
    fireTimers();
    send('idle', run('a'));
    expect(processes.length).toBe(2);
    expect(replies.at(-1)).toBe('idle missing');
    expect(processes[1]?.calls).toEqual([]);
  });

  it('lets open runs begin anew at once when their process dies', () => {
    const { processes, fatal, replies, send, answer } = createSubject();
    const resume: SandboxRequest = { kind: 'resume', canisterId: 'b' as CanisterId, commitAs: 2 };
    send('a', run('a', { image: NOTHING }));
    send('look', run('a'));
    send('b', run('b', { base: { from: 'fresh' } }));
    send('resume', resume);
    processes[0]?.events.onExit('killed');
    // What was given with its request is given again, and is there for those behind it.
    expect(processes[1]?.calls.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(replies).toEqual([]);
    for (const call of [0, 1, 2, 3]) {
      answer(1, call);
    }
    send('look', run('a'));
    send('resume', resume);
    processes[1]?.events.onExit('killed again');
    expect(replies.slice(4)).toEqual(['look missing', 'resume notPaused']);
    expect(fatal).toEqual([]);
    expect(processes[2]?.calls).toEqual([]);
    send('look', run('a', { image: NOTHING }));
    answer(2, 0);
    expect(replies.at(-1)).toBe('look forgotten');
  });
});
