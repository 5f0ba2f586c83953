import { principalToText } from '../../../src/protocol/crypto/principal.ts';
import { answer, call, op, program, type Code } from '../../support/universal.ts';
import { LITTLE_MEMORY, type ErrorScene } from './error-scene.ts';
import { QueryHandler } from '../../../src/protocol/execution/query/execute-query.ts';
import {
  bytes,
  endless,
  FOREIGN,
  forward,
  HELP,
  SECOND_NS,
  unwrap,
  type Row,
  unwrapManagement,
} from './error-helpers.ts';

const TRAP_HELP =
  '.\nConsider gracefully handling failures from this canister or altering the canister to handle exceptions. See documentation: https://internetcomputer.org/docs/current/references/execution-errors#trapped';

function nested(scene: ErrorScene, depth: number): Code {
  const callee = bytes(depth % 2 === 0 ? scene.a : scene.b);
  const arg = depth === 1 ? program(answer('')).bytes : program(nested(scene, depth - 1)).bytes;
  return call({ callee, method: depth === 1 ? 'query' : 'composite_query', arg });
}

/** Errors of calls and queries. */
export const CALL_ERRORS: readonly Row[] = [
  {
    code: 201,
    text: 'Canister {a} input queue is full',
    make: ({ subnet, a }) => {
      const messages = Array.from({ length: 501 }, () =>
        subnet.ingress(a, 'update', new Uint8Array(0)),
      );
      subnet.round(messages);
      return subnet.answerOf(messages[500] as (typeof messages)[0]);
    },
  },
  {
    code: 202,
    text: /^Ingress message [0-9a-f]{64} timed out waiting to start executing\.$/,
    limits: { roundInstructions: 1n },
    make: ({ subnet, a }) => {
      const messages = [1, 2, 3].map(() => subnet.ingress(a, 'update', program(op('reply')).bytes));
      subnet.round(messages);
      subnet.round([], { afterNs: 400n * SECOND_NS });
      return subnet.answerOf(messages[2] as (typeof messages)[0]);
    },
  },
  {
    code: 203,
    text: 'Canister {a} has messages in its queues and cannot be deleted now. Please retry after some time.\nWait until the queues have been cleared to delete the canister and in the meantime stop the canister. See documentation: https://internetcomputer.org/docs/current/references/execution-errors#delete-canister-queue-not-empty',
    limits: { roundInstructions: 1n },
    make: (scene) => {
      const { subnet, a } = scene;
      const spin = program(op('spin', 1000), op('reply')).bytes;
      const waiting = Array.from({ length: 9 }, () => subnet.ingress(a, 'update', spin));
      subnet.round([scene.message('stop_canister'), ...waiting]);
      return scene.manage('delete_canister');
    },
  },
  {
    code: 207,
    text: 'Canister {a} is out of cycles',
    make: (scene) => {
      scene.edit({ cycles: 0n, controllers: [] });
      return scene.update(op('reply'));
    },
  },
  {
    code: 207,
    text: "Canister {a} is unable to process query calls because it's frozen. Please top up the canister with cycles and try again.",
    make: (scene) => {
      scene.edit({ cycles: 0n });
      return scene.query('query', op('reply'));
    },
  },
  {
    code: 301,
    text: `Canister ${principalToText(FOREIGN)} not found`,
    make: (scene) => scene.subnet.call(FOREIGN, 'update').answer,
  },
  { code: 406, text: 'no, thanks', make: (scene) => scene.update(op('reject', 'no, thanks')) },
  {
    code: 406,
    text: 'Only canisters can call ic00 method raw_rand',
    make: (scene) => scene.manage('raw_rand'),
  },
  {
    code: 406,
    text: 'Canister has been uninstalled.',
    make: (scene) => {
      endless(scene);
      const [message] = [...scene.subnet.state.ingressHistory.entries.entries()]
        .filter(([, { status }]) => status.kind === 'processing')
        .map(([messageId]) => ({ messageId }));
      scene.manage('uninstall_code');
      return scene.subnet.answerOf(message as never);
    },
  },
  {
    code: 502,
    text: `Error from Canister {a}: Canister trapped: unreachable${TRAP_HELP}`,
    make: (scene) => scene.update(op('unreachable')),
  },
  {
    code: 502,
    text: `Error from Canister {a}: Canister trapped: stack overflow${TRAP_HELP}`,
    make: (scene) => scene.update(op('recurse')),
  },
  {
    code: 502,
    text: `Error from Canister {a}: Canister trapped: heap out of bounds${TRAP_HELP}`,
    make: (scene) => scene.update(op('peek', 1 << 30, 8), op('reply')),
  },
  {
    code: 503,
    text: `Error from Canister {a}: Canister called \`ic0.trap\` with message: 'why not'${TRAP_HELP}-explicitly`,
    make: (scene) => scene.update(op('trap', 'why not')),
  },
  {
    code: 504,
    text: /^Error from Canister {a}: Canister violated contract: ic0\.msg_reply: the call is already replied/,
    make: (scene) => scene.update(op('reply'), op('reply')),
  },
  {
    code: 505,
    text: /^Error from Canister {a}: Canister's Wasm module is not valid: /,
    make: (scene) => scene.install('reinstall', Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 1)),
  },
  { code: 506, text: 'Canister {a} did not reply to the call', make: (scene) => scene.update() },
  {
    code: 506,
    text: 'Canister {a} did not produce a response',
    make: (scene) => scene.query('query'),
  },
  {
    code: 507,
    text: /^Error from Canister {a}: Canister cannot grow its memory usage\..*\nCheck the canister's memory usage against its allocation and the system wide limits/s,
    limits: LITTLE_MEMORY,
    make: (scene) => scene.update(op('drop_int', op('memory_grow', 1000)), op('reply')),
  },
  {
    code: 508,
    text: 'Canister {a} is stopped',
    make: (scene) => {
      scene.manage('stop_canister');
      return scene.update(op('reply'));
    },
  },
  {
    code: 508,
    text: 'Canister {a} is stopped and therefore does not have a CallContextManager',
    make: (scene) => {
      scene.manage('stop_canister');
      return scene.query('query', op('reply'));
    },
  },
  {
    code: 509,
    text: 'Canister {a} is stopping',
    make: (scene) => {
      endless(scene);
      scene.subnet.round([scene.message('stop_canister')]);
      return scene.update(op('reply'));
    },
  },
  {
    code: 509,
    text: 'Canister {a} is not running',
    make: (scene) => {
      endless(scene);
      scene.subnet.round([scene.message('stop_canister')]);
      return scene.query('query', op('reply'));
    },
  },
  {
    code: 513,
    text: /^Error from Canister {a}: Canister requested to invoke a non-existent Wasm function 4000 from table 0/,
    make: (scene) =>
      scene.update(op('call_raw', bytes(scene.b), 'query', 4000), op('drop_int', op('perform'))),
  },
  {
    code: 520,
    text: /^Canister {a} asks for at least 1000 cycles with each call, 999 were attached$/,
    make: (scene) => {
      scene.set('minimum_incoming_canister_call_cycles', 1000n);
      const ask = program(forward(bytes(scene.a), 'update', new Uint8Array(0), 999)).bytes;
      const { answer: said } = scene.subnet.call(scene.b, 'update', ask);
      return unwrap(5, said);
    },
  },
  {
    code: 522,
    text: /^Error from Canister {a}: Canister exceeded the limit of 20000000 instructions for single message execution\.\.?\nTry optimizing this method/,
    make: (scene) => scene.update(op('forever')),
  },
  {
    code: 525,
    text: 'Composite query calls exceeded the maximum call depth.',
    make: (scene) => scene.query('composite_query', nested(scene, 7)),
  },
  {
    code: 526,
    text: 'Composite query calls exceeded the instruction limit.',
    make: (scene) => {
      const quick = program(answer('')).bytes;
      const onReply = program();
      const callee = bytes(scene.b);
      const calls = Array.from({ length: 7 }, () =>
        call({ callee, method: 'query', arg: quick, onReply }),
      );
      return scene.query('composite_query', ...calls);
    },
  },
  {
    code: 527,
    text: 'Composite query cannot be called in replicated mode',
    make: (scene) => scene.subnet.call(scene.a, 'composite_query').answer,
  },
  {
    code: 528,
    text: 'Composite query call exceeded the time limit.',
    make: ({ subnet, a, b }) => {
      let nowNs = 0n;
      const handler = new QueryHandler(subnet.env, {
        nowNs: () => {
          nowNs += 6n * SECOND_NS;
          return nowNs;
        },
      });
      const one = call({ callee: bytes(b), method: 'query', arg: program(answer('')).bytes });
      const outcome = subnet.ask(a, 'composite_query', program(one).bytes, handler);
      return outcome.kind === 'rejected'
        ? `IC0${outcome.error.code}: ${outcome.error.message}`
        : '';
    },
  },
  {
    code: 532,
    text: /^Error from Canister {a}: Canister cannot grow memory by \d+ bytes due to insufficient cycles\. At least \d+ additional cycles are required\./,
    make: (scene) => {
      scene.edit({ cycles: 2n * 10n ** 10n });
      return scene.update(op('drop_int', op('stable_grow', 20_000)), op('reply'));
    },
  },
  {
    code: 534,
    text: /^Error from Canister {a}: Canister cannot grow memory by \d+ bytes due to its reserved cycles limit\. The current limit \(1\) would be exceeded by \d+\./,
    limits: LITTLE_MEMORY,
    make: (scene) => {
      scene.set('reserved_cycles_limit', 1n);
      return scene.update(op('drop_int', op('stable_grow', 500)), op('reply'));
    },
  },
  {
    code: 536,
    text: `Error from Canister {a}: Canister has no update method 'nothing'..\nCheck that the method being called is exported by the target canister. See documentation: ${HELP}method-not-found`,
    make: (scene) => scene.subnet.call(scene.a, 'nothing').answer,
  },
  {
    code: 536,
    text: "Management canister has no method 'nothing'",
    make: (scene) =>
      unwrapManagement(536, scene.update(forward(new Uint8Array(0), 'nothing', new Uint8Array(0)))),
  },
  {
    code: 537,
    text: `Error from Canister {a}: Attempted to execute a message, but the canister contains no Wasm module..\nPlease install code to this canister before calling it. See documentation: ${HELP}wasm-module-not-found`,
    make: (scene) => {
      scene.manage('uninstall_code');
      return scene.update(op('reply'));
    },
  },
  {
    code: 539,
    text: /^Error from Canister {a}: Canister exceeded its current Wasm memory limit of 2000000 bytes\. The peak Wasm memory usage was \d+ bytes\./,
    make: (scene) => {
      scene.set('wasm_memory_limit', 2_000_000n);
      return scene.update(op('drop_int', op('memory_grow', 40)), op('reply'));
    },
  },
];
