import { beforeAll, describe, expect, it } from 'vitest';
import type { RunReply, SystemApiInput } from '../../../../src/protocol/interfaces/wasm-host.ts';
import { executionError } from '../../../../src/protocol/execution/user-error.ts';
import type { CanisterId, PrincipalId } from '../../../../src/protocol/types/ids.ts';
import { createSandbox } from '../../../../src/sandbox/sandbox.ts';
import {
  apiInput,
  CANISTER,
  logLines,
  replyOf,
  TestCanister,
} from '../../../support/test-canister.ts';
import { compileWat } from '../../../support/wat.ts';
import { specFunctions, watImport } from './spec-table.ts';

const SELF = 'rrkah-fqaaa-aaaaa-aaaaq-cai';
const TOOLCHAIN =
  '.\nIf you are running this canister in a test environment (e.g., dfx), make sure the test environment is up to date. Otherwise, this is likely an error with the compiler/CDK toolchain being used to build the canister. Please report the error to IC devs on the forum: https://forum.dfinity.org and include which language/CDK was used to create the canister.';
const help = (suggestion: string, anchor: string): string =>
  `.\n${suggestion} See documentation: https://internetcomputer.org/docs/current/references/execution-errors#${anchor}`;

const MIB = 1_048_576;
const INPUT: Partial<SystemApiInput> = {
  arg: Uint8Array.of(1, 2, 3),
  cycleBalance: 1n << 65n,
  cyclesAvailable: 1n << 64n,
  freezingThreshold: 1n << 64n,
  environment: [
    ['A', 'one'],
    ['ü', 'zwei'],
  ],
  callerInfo: { data: Uint8Array.of(7, 8, 9), signer: 'abcdef01' as PrincipalId },
};

/** Code of a violation, the text after the canister's id, and how it ends. */
type Case = readonly [why: string, code: string, error: string];

/** An update's body → the whole text of its error. Memory is 64 KiB; "é" without its end is at 0. */
const ERRORS: readonly Case[] = [
  [
    'argument beyond memory',
    '(call $msg_arg_data_copy (i32.const 65535) (i32.const 0) (i32.const 2))',
    `Canister violated contract: ic0.msg_arg_data_copy heap: src=65535 + length=2 exceeds the slice size=65536${TOOLCHAIN}`,
  ],
  [
    'argument beyond its end',
    '(call $msg_arg_data_copy (i32.const 0) (i32.const 1) (i32.const 3))',
    `Canister violated contract: ic0.msg_arg_data_copy payload: src=1 + length=3 exceeds the slice size=3${TOOLCHAIN}`,
  ],
  [
    'memory is looked at before the source',
    '(call $canister_self_copy (i32.const -1) (i32.const 0) (i32.const 30))',
    `Canister violated contract: ic0.canister_self_copy heap: src=4294967295 + length=30 exceeds the slice size=65536${TOOLCHAIN}`,
  ],
  ...(['canister_self', 'subnet_self', 'msg_caller'] as const).map(
    (name): Case => [
      `${name} beyond its end`,
      `(call $${name}_copy (i32.const 0) (i32.const 30) (i32.const 0))`,
      `Canister violated contract: ic0.${name}_copy id: src=30 + length=0 exceeds the slice size=${{ canister_self: 10, subnet_self: 5, msg_caller: 1 }[name]}${TOOLCHAIN}`,
    ],
  ),
  [
    'root key beyond its end',
    '(call $root_key_copy (i32.const 0) (i32.const 2) (i32.const 2))',
    `Canister violated contract: ic0.root_key_copy bytes: src=2 + length=2 exceeds the slice size=3${TOOLCHAIN}`,
  ],
  [
    'caller info beyond its end',
    '(call $msg_caller_info_data_copy (i32.const 0) (i32.const 0) (i32.const 4))',
    `Canister violated contract: ic0.msg_caller_info_data_copy data: src=0 + length=4 exceeds the slice size=3${TOOLCHAIN}`,
  ],
  [
    'cycles beyond memory',
    '(call $canister_cycle_balance128 (i32.const 65521))',
    `Canister violated contract: ic0_canister_cycle_balance128 failed because dst + size is out of bounds.Found dst = 65521 and size = 16 while must be <= 65536${TOOLCHAIN}`,
  ],
  [
    'cycles beyond 64 bits',
    '(drop (call $canister_cycle_balance))',
    `Canister trapped: cycles amount exceeds 64-bit representation${help('Consider gracefully handling failures from this canister or altering the canister to handle exceptions.', 'trapped')}`,
  ],
  [
    'a reply from beyond memory',
    '(call $msg_reply_data_append (i32.const 65536) (i32.const 1))',
    `Canister violated contract: msg.reply: src=65536 + length=1 exceeds the slice size=65536${TOOLCHAIN}`,
  ],
  [
    'a second reply',
    '(call $msg_reply) (call $msg_reply)',
    `Canister violated contract: ic0.msg_reply: the call is already replied${TOOLCHAIN}`,
  ],
  [
    'more of a reply that was given',
    '(call $msg_reply) (call $msg_reply_data_append (i32.const 0) (i32.const 0))',
    `Canister violated contract: ic0.msg_reply_data_append: the call is already replied.${TOOLCHAIN}`,
  ],
  [
    'a reject after a reply',
    '(call $msg_reply) (call $msg_reject (i32.const 0) (i32.const 0))',
    `Canister violated contract: ic0.msg_reject: the call is already replied${TOOLCHAIN}`,
  ],
  [
    'a reject that is no text',
    '(call $msg_reject (i32.const 0) (i32.const 1))',
    `Canister violated contract: ic0.msg_reject: invalid UTF-8 string provided${TOOLCHAIN}`,
  ],
  [
    'a reject that is too long',
    `(call $msg_reject (i32.const 0) (i32.const ${2 * MIB + 1}))`,
    `Canister violated contract: ic0.msg_reject: application payload size (2097153) cannot be larger than 2097152.${help('Try truncating the error messages that are too long.', 'msg_reject-payload-too-large')}`,
  ],
  [
    'a reply that is too long',
    `(call $msg_reply_data_append (i32.const 0) (i32.const 1)) (call $msg_reply_data_append (i32.const 0) (i32.const ${2 * MIB}))`,
    `Canister violated contract: ic0.msg_reply_data_append: application payload size (2097153) cannot be larger than 2097152.${help('Consider checking the response size and returning an error if it is too long.', 'msg_reply_data_append-payload-too-large')}`,
  ],
  [
    'too much certified data',
    '(call $certified_data_set (i32.const 0) (i32.const 33))',
    `Canister violated contract: ic0_certified_data_set failed because the passed data must be no larger than 32 bytes. Found 33 bytes.${help('Try certifying just the hash of your data instead of the full contents.', 'certified_data_set-payload-too-large')}`,
  ],
  [
    'certified data beyond memory',
    '(call $certified_data_set (i32.const 65535) (i32.const 2))',
    `Canister violated contract: ic0_certified_data_set failed because src + size is out of bounds. Found src = 65535 and size = 2 while src + size must be <= 65536${TOOLCHAIN}`,
  ],
  [
    'an unknown counter',
    '(drop (call $performance_counter (i32.const 2)))',
    'Canister violated contract: Error getting performance counter type 2',
  ],
  [
    'no principal',
    '(drop (call $is_controller (i32.const 0) (i32.const 30)))',
    `Canister provided invalid principal id${TOOLCHAIN}`,
  ],
  [
    'a call to no principal',
    '(call $call_new (i32.const 0) (i32.const 30) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))',
    `Canister provided invalid principal id${TOOLCHAIN}`,
  ],
  [
    'a call from beyond memory',
    '(call $call_new (i32.const 65536) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))',
    `Canister violated contract: ic0.call_new callee_src: src=65536 + length=1 exceeds the slice size=65536${TOOLCHAIN}`,
  ],
  [
    'a method name that is too long',
    '(call $call_new (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 20001) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))',
    `Canister violated contract: Size of method_name 20001 exceeds the allowed limit of 20000.${help('Size of method_name {} exceeds the allowed limit of {}.', 'canister-made-a-call-with-too-large-method-name')}`,
  ],
  [
    'a call that carries too much',
    `(call $begin) (call $call_data_append (i32.const 0) (i32.const ${10 * MIB}))`,
    `Canister violated contract: Request to aaaaa-aa:ab has a payload size of 10485762, which exceeds the allowed limit of 10485760.${help('Check the canister for errors or redesign the target API to allow shorter messages', 'canister-made-a-call-with-too-large-payload')}`,
  ],
  [
    'a call with more cycles than may be spent',
    '(call $begin) (call $call_cycles_add128 (i64.const 1) (i64.const 1))',
    `Canister ${SELF} is out of cycles`,
  ],
  [
    'a second cleanup',
    '(call $begin) (call $call_on_cleanup (i32.const 0) (i32.const 0)) (call $call_on_cleanup (i32.const 0) (i32.const 0))',
    `Canister violated contract: ic0.call_on_cleanup can be called at most once between \`ic0.call_new\` and \`ic0.call_perform\`${TOOLCHAIN}`,
  ],
  [
    'a variable that is not there',
    '(drop (call $env_var_name_size (i32.const 2)))',
    'Environment variable index 2 is out of bounds. The number of environment variables is 2.',
  ],
  [
    'a variable of another name',
    '(drop (call $env_var_value_size (i32.const 8) (i32.const 1)))',
    'Environment variable a not found.',
  ],
  [
    "a variable's name that is no text",
    '(drop (call $env_var_name_exists (i32.const 0) (i32.const 1)))',
    `Canister violated contract: ic0.env_var_name_exists: Variable name is not a valid UTF-8 string..\nProvide a valid UTF-8 string for the environment variable name. See documentation: `,
  ],
  [
    "a variable's name that is too long",
    '(drop (call $env_var_value_size (i32.const 0) (i32.const 129)))',
    'Canister violated contract: ic0.env_var_value_size: Variable name is too large.',
  ],
  [
    "a key's name that is no text",
    '(drop (call $cost_sign_with_ecdsa (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0)))',
    `Canister violated contract: Failed to decode key name \ufffd${TOOLCHAIN}`,
  ],
  [
    'stable memory beyond its end',
    '(call $stable64_read (i64.const 0) (i64.const 0) (i64.const 1))',
    `Canister trapped: stable memory out of bounds${help('Consider gracefully handling failures from this canister or altering the canister to handle exceptions.', 'trapped')}`,
  ],
  [
    'stable memory to beyond the heap',
    '(drop (call $stable64_grow (i64.const 1))) (call $stable64_read (i64.const 65536) (i64.const 0) (i64.const 1))',
    `Canister trapped: heap out of bounds${help('Consider gracefully handling failures from this canister or altering the canister to handle exceptions.', 'trapped')}`,
  ],
  [
    'a trap from beyond memory',
    '(call $trap (i32.const 65536) (i32.const 1))',
    `Canister called \`ic0.trap\` with message: '(trap message out of memory bounds)'${help('Consider gracefully handling failures from this canister or altering the canister to handle exceptions.', 'trapped-explicitly')}`,
  ],
];

const OF_CODE: readonly (readonly [RegExp, string])[] = [
  [/^Canister trapped/, 'IC0502'],
  [/^Canister called/, 'IC0503'],
  [/^/, 'IC0504'],
];

const HELPERS = `
  (func $begin (call $call_new (i32.const 8) (i32.const 0) (i32.const 8) (i32.const 2)
    (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)))
  (func $show (param i32) (call $msg_reply_data_append (i32.const 16) (local.get 0)) (call $msg_reply))`;

/** Bodies that end well → the reply in hex. */
const REPLIES: readonly (readonly [why: string, body: string, hex: string])[] = [
  [
    'copies with an offset',
    '(call $msg_arg_data_copy (i32.const 16) (i32.const 1) (i32.const 2)) (call $show (i32.const 2))',
    '0203',
  ],
  [
    'the caller as another canister vouches for them',
    '(call $msg_caller_info_data_copy (i32.const 16) (i32.const 0) (call $msg_caller_info_data_size)) (call $msg_caller_info_signer_copy (i32.const 19) (i32.const 0) (call $msg_caller_info_signer_size)) (call $show (i32.const 7))',
    '070809abcdef01',
  ],
  [
    'what may be spent is above the freezing threshold',
    '(call $canister_liquid_cycle_balance128 (i32.const 16)) (call $show (i32.const 16))',
    `${'00'.repeat(8)}01${'00'.repeat(7)}`,
  ],
  [
    'variables by name: "A" is "one", the second is called "ü"',
    '(call $env_var_value_copy (i32.const 10) (i32.const 1) (i32.const 16) (i32.const 0) (i32.const 3)) (call $env_var_name_copy (i32.const 1) (i32.const 19) (i32.const 0) (call $env_var_name_size (i32.const 1))) (i32.store8 (i32.const 21) (call $env_var_count)) (i32.store8 (i32.const 22) (call $env_var_name_exists (i32.const 10) (i32.const 1))) (i32.store8 (i32.const 23) (call $env_var_name_exists (i32.const 8) (i32.const 1))) (call $show (i32.const 8))',
    `${Buffer.from('oneü').toString('hex')}020100`,
  ],
  [
    'signing keys: none is known, and curves that are not there are told apart',
    '(i32.store8 (i32.const 16) (call $cost_sign_with_ecdsa (i32.const 8) (i32.const 1) (i32.const 0) (i32.const 32))) (i32.store8 (i32.const 17) (call $cost_sign_with_ecdsa (i32.const 8) (i32.const 1) (i32.const 1) (i32.const 32))) (i32.store8 (i32.const 18) (call $cost_sign_with_schnorr (i32.const 8) (i32.const 1) (i32.const 1) (i32.const 32))) (i32.store8 (i32.const 19) (call $cost_sign_with_schnorr (i32.const 8) (i32.const 1) (i32.const 2) (i32.const 32))) (i32.store8 (i32.const 20) (call $cost_vetkd_derive_key (i32.const 8) (i32.const 1) (i32.const 0) (i32.const 32))) (i32.store8 (i32.const 21) (call $cost_vetkd_derive_key (i32.const 8) (i32.const 1) (i32.const 1) (i32.const 32))) (call $show (i32.const 6))',
    '020102010201',
  ],
  [
    'the timer as it was set before',
    '(drop (call $global_timer_set (i64.const 5))) (i64.store (i32.const 16) (call $global_timer_set (i64.const 6))) (call $show (i32.const 1))',
    '05',
  ],
];

const CASES = [...ERRORS, ...REPLIES];

/** A `bigint` as the canister sees it, little-endian. */
const u128 = (value: bigint): string =>
  Buffer.from(value.toString(16).padStart(32, '0'), 'hex').reverse().toString('hex');

describe('arguments and results of system calls', () => {
  let canister: TestCanister;
  beforeAll(async () => {
    const bodies = CASES.map(
      ([, body], i) => `(func (export "canister_update case ${i}") ${body})`,
    );
    const cost = (call: string) =>
      `(func (export "canister_update ${call}") (call $${call} (i32.const 16)) (call $show (i32.const 16)))`;
    canister = new TestCanister(
      createSandbox(),
      await compileWat(`(module ${specFunctions(false)
        .map((one) => watImport(one, false))
        .join('\n')}
        (memory 1) (data (i32.const 0) "\\c3") (data (i32.const 8) "abA")
        ${HELPERS} ${bodies.join('\n')} ${cost('cost_create_canister')}
        (func (export "canister_update cost_call")
          (call $cost_call (i64.const 2) (i64.const 8) (i32.const 16)) (call $show (i32.const 16)))
        (func (export "canister_update cost_call_most")
          (call $cost_call (i64.const -1) (i64.const 8) (i32.const 16)) (call $show (i32.const 16)))
        (func (export "canister_update cost_http")
          (call $cost_http_request (i64.const 10) (i64.const 1000) (i32.const 16)) (call $show (i32.const 16)))
        (func (export "canister_update mint")
          (call $mint_cycles128 (i64.const 1) (i64.const 2) (i32.const 16)) (call $show (i32.const 16)))
        (func (export "canister_update log")
          (call $debug_print (i32.const 65536) (i32.const 1)) (call $debug_print (i32.const 8) (i32.const 3))
          (call $trap (i32.const 0) (i32.const 0))))`),
    );
    canister.install();
  });

  const update = (method: string, overrides: Partial<SystemApiInput> = {}): RunReply => {
    const at = CASES.findIndex(([why]) => why === method);
    return canister.update(at < 0 ? method : `case ${at}`, { ...INPUT, ...overrides });
  };
  const hex = (run: RunReply): string => {
    const reply = replyOf(run);
    return typeof reply === 'string' ? reply : Buffer.from(reply).toString('hex');
  };

  it.each(ERRORS)('fails: %s', (why, _body, text) => {
    const { outcome } = update(why);
    const error = outcome.ok ? { code: 0, message: 'it ended well' } : outcome.error;
    const user = executionError(CANISTER, error);
    const code = OF_CODE.find(([pattern]) => pattern.test(text))?.[1] ?? '';
    expect(`IC0${user.code}: ${user.message}`).toBe(
      `${code}: Error from Canister ${SELF}: ${text}`,
    );
  });

  it.each(REPLIES)('answers: %s', (why, _body, reply) => {
    expect(hex(update(why))).toBe(reply);
  });

  it('tells what services cost on a subnet of so many nodes', () => {
    const prices = (nodeCount: number) => ({ prices: { nodeCount, executionPrepayment: 7n } });
    expect(hex(update('cost_create_canister', prices(26)))).toBe(u128(1_000_000_000_000n));
    const response = 2n * 1_048_576n * 1000n;
    expect(hex(update('cost_call', prices(13)))).toBe(u128(260_000n + 10_000n + response + 7n));
    expect(hex(update('cost_call_most', prices(13)))).toBe(
      u128(260_000n + ((1n << 64n) - 1n) * 1000n + response + 7n),
    );
    const http = (3_000_000n + 60_000n * 13n + 400n * 10n + 800n * 1000n) * 13n;
    expect(hex(update('cost_http', prices(13)))).toBe(u128(http));
    expect(hex(update('cost_http', prices(0)))).toBe(u128(0n));
  });

  it('makes cycles for the cycles minting canister alone', () => {
    const minter = '00000000000000040101' as CanisterId;
    const run = update('mint', { canisterId: minter });
    expect(hex(run)).toBe(u128((1n << 64n) + 2n));
    expect(run.effects.cyclesMinted).toBe((1n << 64n) + 2n);
    expect(update('mint').effects.cyclesMinted).toBe(0n);
  });

  it('logs what is printed, even from beyond memory, and traps', () => {
    expect(logLines(update('log'))).toEqual([
      '(debug_print message out of memory bounds)',
      'abA',
      '[TRAP]: (no message)',
    ]);
    expect(logLines(update('a second reply'))).toEqual([]);
    expect(logLines(update('stable memory beyond its end'))).toEqual([
      '[TRAP]: stable memory out of bounds',
    ]);
  });
});

describe('addresses of 64-bit memory', () => {
  let canister: TestCanister;
  beforeAll(async () => {
    const functions = specFunctions(true).filter(({ name }) => /^(msg_re|msg_arg)/.test(name));
    canister = new TestCanister(
      createSandbox(),
      await compileWat(`(module ${functions.map((one) => watImport(one, true)).join('\n')}
        (memory i64 1)
        (func (export "canister_update far") (call $msg_arg_data_copy (i64.const 0x123456789abcdef1) (i64.const 0) (i64.const 1)))
        (func (export "canister_update beyond") (call $msg_arg_data_copy (i64.const -1) (i64.const 0) (i64.const 1)))
        (func (export "canister_update huge") (call $msg_reply_data_append (i64.const 0) (i64.const -1))))`),
    );
    canister.install();
  });

  it.each([
    [
      'far',
      'IC0504: Canister violated contract: ic0.msg_arg_data_copy heap: src=1311768467463790321 + length=1 exceeds the slice size=65536',
    ],
    [
      'beyond',
      'IC0504: Canister violated contract: ic0.msg_arg_data_copy heap: src=18446744073709551615 + length=1 is an invalid address',
    ],
    [
      'huge',
      'IC0522: Canister exceeded the limit of 5000000000 instructions for single message execution.',
    ],
  ])('are told exactly: %s', (method, text) => {
    expect(replyOf(canister.update(method, { ...apiInput('update') }))).toBe(text);
  });
});
