import { describe, expect, it } from 'vitest';
import type { HashHex } from '../../protocol/types/ids.ts';
import type { SandboxReply, SandboxRequest } from '../../protocol/interfaces/wasm-host.ts';
import type { SandboxCall } from './messages.ts';
import { createSandboxClient, type SandboxEvents } from './sandbox-client.ts';

const request = (name: string): SandboxRequest => ({
  kind: 'compile',
  moduleHash: name as HashHex,
  wasm: new Uint8Array(),
});
const FORGOTTEN: SandboxReply = { kind: 'forgotten' };

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
  const ask = (name: string): void => {
    client.request(request(name), (reply) => replies.push(`${name} ${reply.kind}`));
  };
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
  return { client, processes, fatal, replies, ask, answer, fireTimers, timers: () => tasks };
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
});
