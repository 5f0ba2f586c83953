import type { HostTimers } from './scheduler.ts';

/**
 * Timers of a worker. Delays below a millisecond go through a MessageChannel, because browsers
 * stretch nested timeouts to 4 ms.
 */
export function createHostTimers(): HostTimers {
  const channel = new MessageChannel();
  const soon = new Map<number, () => void>();
  let next = 0;
  channel.port1.onmessage = (event: MessageEvent<number>) => {
    const task = soon.get(event.data);
    soon.delete(event.data);
    task?.();
  };
  return {
    set: (delayMs, task) => {
      if (delayMs >= 1) {
        return { timeout: setTimeout(task, delayMs) };
      }
      next += 1;
      soon.set(next, task);
      channel.port2.postMessage(next);
      return { soon: next };
    },
    clear: (handle) => {
      const { timeout, soon: id } = handle as { timeout?: number; soon?: number };
      if (timeout !== undefined) {
        clearTimeout(timeout);
      }
      if (id !== undefined) {
        soon.delete(id);
      }
    },
  };
}
