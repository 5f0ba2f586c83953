import type { SandboxAnswer, SandboxConfiguration } from './messages.ts';
import { SEGMENT_BYTES, SMALL_SEGMENT_BYTES } from '../../sandbox/stack-segments.ts';
import type { SandboxShare } from '../node/control.ts';
import { postCall } from './pack-image.ts';
import type { SandboxEvents, SandboxProcess } from './sandbox-client.ts';

/**
 * A real sandbox worker, a child of the node's worker: it ends when its node ends.
 * @param modules brings a port to the tab's compiler of modules
 * @param afterFault its predecessor failed
 */
export function startSandboxWorker(
  { memoriesPerWorker, stackBytes }: SandboxShare,
  modules: Pick<MessagePort, 'postMessage'>,
  events: SandboxEvents,
  afterFault: boolean,
): SandboxProcess {
  const worker = new Worker(new URL('./sandbox.worker.ts', import.meta.url), {
    type: 'module',
    name: 'sandbox',
  });
  worker.onmessage = (event: MessageEvent<SandboxAnswer>) => events.onAnswer(event.data);
  worker.onmessageerror = () => events.onExit('an answer could not be read');
  worker.onerror = (event) => {
    event.preventDefault();
    events.onExit(event.message === '' ? 'the sandbox worker could not start' : event.message);
  };
  const { port1, port2 } = new MessageChannel();
  modules.postMessage(null, [port2]);
  const configuration: SandboxConfiguration = {
    kind: 'configure',
    maxMemories: memoriesPerWorker,
    stack: { bytes: stackBytes, segmentBytes: segmentBytes(afterFault) },
    modules: port1,
  };
  worker.postMessage(configuration, [port1]);
  return {
    post: (call) => postCall(worker, call),
    terminate: () => worker.terminate(),
  };
}

/**
 * Code that uses far more native stack than the rewriter counts, or that calls to and fro over the end
 * of a segment, finds another one at the next try, and at another place with each node.
 */
function segmentBytes(afterFault: boolean): number {
  if (afterFault) {
    return SMALL_SEGMENT_BYTES;
  }
  const [random = 0] = crypto.getRandomValues(new Uint16Array(1));
  return SEGMENT_BYTES - (random & 0xff_ff) * 2;
}
