import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EntryContext } from '../../../../src/protocol/interfaces/wasm-host.ts';
import { principalToText } from '../../../../src/protocol/crypto/principal.ts';
import type { CanisterId } from '../../../../src/protocol/types/ids.ts';
import { TestSubnet } from '../../../support/test-subnet.ts';
import { compileWat } from '../../../support/wat.ts';
import {
  CONTEXTS,
  FORBIDDEN_HELP,
  forbiddenText,
  specFunctions,
  watCall,
  watImport,
  type SpecFunction,
} from './spec-table.ts';

/**
 * One function of each kind of permission, called from each entry point of a canister on a subnet:
 * what runs as an update, a query, a timer… really runs in that context.
 */
const KINDS: readonly SpecFunction[] = [
  ...new Map(
    specFunctions(false)
      // These need a call under construction, a certificate, or to be the cycles minting canister.
      .filter(({ name }) => !/^(call_cycles|data_certificate_(size|copy)|mint)/.test(name))
      .toReversed()
      .map((one) => [[...one.contexts].join(' '), one] as const)
      .filter(([, { name }]) => name !== 'trap'),
  ).values(),
];

/** The module keeps in stable memory which entry point is to call which function: the first byte and the second. */
const ENTRY = {
  start: 1,
  init: 2,
  postUpgrade: 3,
  preUpgrade: 4,
  update: 5,
  replicatedQuery: 6,
  nonReplicatedQuery: 7,
  compositeQuery: 8,
  inspectMessage: 9,
  onLowWasmMemory: 10,
  heartbeat: 11,
  globalTimer: 12,
  replyCallback: 13,
  rejectCallback: 14,
  cleanup: 15,
  compositeReplyCallback: 16,
  compositeRejectCallback: 17,
  compositeCleanup: 18,
} satisfies Partial<Record<EntryContext, number>>;
type Entry = keyof typeof ENTRY;

const HELPERS = `stable64_size stable64_grow stable64_read stable64_write msg_arg_data_size
  msg_arg_data_copy msg_reply msg_reply_data_append in_replicated_execution accept_message
  canister_self_size canister_self_copy call_new call_on_cleanup call_perform global_timer_set`;

function moduleText(): string {
  const imports = specFunctions(false).filter(
    ({ name }) => KINDS.some((kind) => kind.name === name) || HELPERS.split(/\s+/).includes(name),
  );
  const probe = (entry: Entry) => `(call $probe (i32.const ${ENTRY[entry]}))`;
  return `(module
    ${imports.map((one) => watImport(one, false)).join('\n')}
    (memory 1)
    (data (i32.const 100) "peeknone")
    (type $plain (func))
    (table ${KINDS.length + 10} funcref)
    (elem (i32.const 0) ${KINDS.map(({ name }) => `$do_${name}`).join(' ')}
      $on_reply $on_reject $on_cleanup $on_composite_reply $on_composite_reject
      $on_composite_cleanup)
    ${KINDS.map((one) => `(func $do_${one.name} ${watCall(one, false)})`).join('\n')}
    (func $wanted (result i32)
      (if (i64.eqz (call $stable64_size)) (then (return (i32.const 0))))
      (call $stable64_read (i64.const 0) (i64.const 0) (i64.const 2))
      (i32.load8_u (i32.const 0)))
    (func $probe (param $entry i32)
      (if (i32.ne (call $wanted) (local.get $entry)) (then (return)))
      (call_indirect (type $plain) (i32.load8_u (i32.const 1)))
      (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (i32.const 1))))
    (func $keep
      (if (i64.eqz (call $stable64_size)) (then (drop (call $stable64_grow (i64.const 1)))))
      (call $msg_arg_data_copy (i32.const 0) (i32.const 0) (i32.const 2))
      (call $stable64_write (i64.const 0) (i64.const 0) (i64.const 2)))
    (func $start ${probe('start')})
    (start $start)
    (func (export "canister_init")
      (if (call $msg_arg_data_size) (then (call $keep)))
      ${probe('init')})
    (func (export "canister_post_upgrade") ${probe('postUpgrade')})
    (func (export "canister_pre_upgrade") ${probe('preUpgrade')})
    (func (export "canister_update set")
      (i32.store (i32.const 16) (i32.const 0))
      (call $keep)
      (if (i32.eq (call $wanted) (i32.const ${ENTRY.globalTimer}))
        (then (drop (call $global_timer_set (i64.const 1)))))
      (call $msg_reply))
    (func (export "canister_query done")
      (call $msg_reply_data_append (i32.const 16) (i32.const 1)) (call $msg_reply))
    (func (export "canister_query peek") (call $msg_reply))
    (func (export "canister_update u") ${probe('update')} (call $msg_reply))
    (func (export "canister_query q")
      (call $probe (i32.sub (i32.const ${ENTRY.nonReplicatedQuery}) (call $in_replicated_execution)))
      (call $msg_reply))
    (func (export "canister_composite_query cq") ${probe('compositeQuery')} (call $msg_reply))
    (func (export "canister_inspect_message") ${probe('inspectMessage')} (call $accept_message))
    (func (export "canister_on_low_wasm_memory") ${probe('onLowWasmMemory')})
    (func (export "canister_heartbeat") ${probe('heartbeat')})
    (func (export "canister_global_timer") ${probe('globalTimer')})
    (func $begin (param $on_reply i32)
      (call $canister_self_copy (i32.const 200) (i32.const 0) (call $canister_self_size))
      (call $call_new (i32.const 200) (call $canister_self_size)
        (select (i32.const 104) (i32.const 100) (i32.or
          (i32.eq (call $wanted) (i32.const ${ENTRY.rejectCallback}))
          (i32.eq (call $wanted) (i32.const ${ENTRY.compositeRejectCallback}))))
        (i32.const 4)
        (local.get $on_reply) (i32.const 0) (i32.add (local.get $on_reply) (i32.const 1)) (i32.const 0)))
    (func (export "canister_update call")
      (call $begin (i32.const ${KINDS.length}))
      (call $call_on_cleanup (i32.const ${KINDS.length + 2}) (i32.const 0))
      (drop (call $call_perform)))
    (func (export "canister_composite_query cq_call")
      (call $begin (i32.const ${KINDS.length + 3}))
      (call $call_on_cleanup (i32.const ${KINDS.length + 5}) (i32.const 0))
      (drop (call $call_perform)))
    (func $on_reply (param i32)
      (if (i32.eq (call $wanted) (i32.const ${ENTRY.cleanup})) (then (unreachable)))
      ${probe('replyCallback')} (call $msg_reply))
    (func $on_reject (param i32) ${probe('rejectCallback')} (call $msg_reply))
    (func $on_cleanup (param i32) ${probe('cleanup')})
    (func $on_composite_reply (param i32)
      (if (i32.eq (call $wanted) (i32.const ${ENTRY.compositeCleanup})) (then (unreachable)))
      ${probe('compositeReplyCallback')} (call $msg_reply))
    (func $on_composite_reject (param i32) ${probe('compositeRejectCallback')} (call $msg_reply))
    (func $on_composite_cleanup (param i32) ${probe('compositeCleanup')}))`;
}

const HIDDEN = 'no answer tells';

describe('what an entry point may call when it really runs', () => {
  let wasm: Uint8Array;
  let subnet: TestSubnet;
  let id: CanisterId;
  beforeAll(async () => {
    wasm = await compileWat(moduleText());
  });
  beforeEach(() => {
    subnet = new TestSubnet();
    id = subnet.createWith(wasm);
  });

  const install = (mode: 'reinstall' | 'upgrade', arg?: Uint8Array): string => {
    try {
      subnet.install(id, wasm, arg, mode);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const lowOnMemory = (): string => {
    subnet.setSettings(id, { wasm_memory_threshold: 0n });
    subnet.setSettings(id, { wasm_memory_threshold: 4n << 30n });
    subnet.round();
    return HIDDEN;
  };
  const roundFor = (): string => {
    subnet.round();
    return HIDDEN;
  };

  /** A cleanup that fails is told of behind the callback that failed before it. */
  const failedCleanup = (): string => {
    const [callback, cleanup] = subnet
      .answerTo(id, 'cq_call')
      .split('\n\ncall_on_cleanup also failed:\n\n');
    expect(callback).toMatch(/^IC0502: .*unreachable/);
    return cleanup === undefined
      ? ''
      : `IC0504: Error from Canister ${principalToText(id)}: ${cleanup}${FORBIDDEN_HELP}`;
  };

  /** Brings the entry point about. Answers with the reply in hex or the error, "" when there is neither. */
  const RUN: Readonly<Record<Entry, (fn: number) => string>> = {
    start: () => install('upgrade'),
    init: (fn) => install('reinstall', Uint8Array.of(ENTRY.init, fn)),
    postUpgrade: () => install('upgrade'),
    preUpgrade: () => install('upgrade'),
    update: () => subnet.call(id, 'u').answer,
    replicatedQuery: () => subnet.call(id, 'q').answer,
    nonReplicatedQuery: () => subnet.answerTo(id, 'q'),
    compositeQuery: () => subnet.answerTo(id, 'cq'),
    inspectMessage: () => subnet.inspect(id, 'u').replace('accepted', ''),
    onLowWasmMemory: lowOnMemory,
    heartbeat: roundFor,
    globalTimer: roundFor,
    replyCallback: () => subnet.call(id, 'call').answer,
    rejectCallback: () => subnet.call(id, 'call').answer,
    cleanup: () => subnet.call(id, 'call').answer.replace(/^IC0502.*$/s, HIDDEN),
    compositeReplyCallback: () => subnet.answerTo(id, 'cq_call'),
    compositeRejectCallback: () => subnet.answerTo(id, 'cq_call'),
    compositeCleanup: failedCleanup,
  };

  it.each(Object.keys(ENTRY) as Entry[])('%s', (entry) => {
    const [letter, mode] = CONTEXTS[entry];
    for (const [fn, { name, contexts }] of KINDS.entries()) {
      expect(subnet.call(id, 'set', Uint8Array.of(ENTRY[entry], fn)).answer, name).toBe('');
      const answer = RUN[entry](fn);
      const done = subnet.query(id, 'done').readUInt8(0);
      const allowed = contexts.has(letter);
      const text = `IC0504: Error from Canister ${principalToText(id)}: ${forbiddenText(name, mode)}${FORBIDDEN_HELP}`;
      if (answer === HIDDEN) {
        expect(done > 0, name).toBe(allowed);
      } else {
        expect(answer, name).toBe(allowed ? '' : text);
      }
    }
  });
});
