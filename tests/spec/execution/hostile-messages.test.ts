import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { principalToBytes } from '../../../src/protocol/crypto/principal.ts';
import { HostileScene, UNHARMED } from '../../support/hostile-scene.ts';
import { answer, answerInt, call, op, type Code, program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';
import { joined, repeated } from '../../support/wasm-bytes.ts';

/** Messages made to harm: the sender hears why, and nothing else happens. */

const NOWHERE = Uint8Array.of(0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 1, 1);
const MIB = 1 << 20;
/** Traps after it wrote to both memories. */
const written = (...parts: readonly Code[]): readonly Code[] => [
  op('global_set', 'lost'),
  op('drop_int', op('stable_grow', 1)),
  op('stable_write', 0, 'lost'),
  ...parts,
];

let plain: Uint8Array;
let scene: HostileScene;
beforeAll(async () => {
  plain = await universalWasm();
});
beforeEach(() => {
  scene = new HostileScene(plain);
});

const ENDS: readonly (readonly [name: string, error: RegExp, code: readonly Code[]])[] = [
  ['an endless loop', /^IC0522: .*limit of 50000000 instructions/, [op('forever')]],
  ['endless recursion', /^IC0502: .*stack overflow/, [op('recurse')]],
  ['an unreachable instruction', /^IC0502: .*unreachable/, [op('unreachable')]],
  ['two replies', /^IC0504: .*the call is already replied/, [op('reply'), op('reply')]],
  ['a trap text of a megabyte', /^IC0503: .{1000,16500}/s, [op('trap', op('bytes', 0x78, MIB))]],
  [
    'a read outside of stable memory',
    /^IC0502: .*stable memory out of bounds/,
    [op('drop_blob', op('stable_read', 1 << 30, 8))],
  ],
  [
    'more stable memory than the subnet has',
    /^IC0502|^IC0503/,
    [
      op('drop_int', op('stable_grow', 200_000)),
      op('stable_write', 199_999 * 65_536, 'x'),
      op('unreachable'),
    ],
  ],
  [
    'a call with more cycles than it has',
    /^IC05(04|20): /,
    [call({ callee: NOWHERE, cycles: 1n << 62n })],
  ],
  ['bytes that are no program', /^IC0502|^IC0503/, [{ code: [0xff, 0xfe, 0x00] }]],
];

describe('a message with', () => {
  it.each(ENDS)('%s is %s, and nothing changes', (_name, error, code) => {
    const before = scene.memories();
    expect(scene.update(scene.victim, ...written(...code))).toMatch(error);
    expect(scene.memories()).toEqual(before);
    expect(scene.unharmed()).toEqual(UNHARMED);
  });

  it('a reply above 2 MiB is IC0504, and nothing changes', () => {
    const own = new HostileScene(plain, { messageInstructions: 2_000_000_000n });
    const before = own.memories();
    const piece = op('reply_append', op('peek', 0, 65_536));
    const said = own.update(own.victim, ...written(op('repeat', 33, program(piece)), op('reply')));
    expect(said).toMatch(/^IC0504: .*reply.*2097152/);
    expect(own.memories()).toEqual(before);
    expect(own.unharmed()).toEqual(UNHARMED);
  });

  it('an endless loop in a query stops there, also when many ask at once', () => {
    for (let i = 0; i < 5; i += 1) {
      const said = scene.subnet.answerTo(scene.victim, 'query', program(op('forever')).bytes);
      expect(said).toMatch(/^IC0522: /);
    }
    expect(scene.unharmed()).toEqual(UNHARMED);
  });

  it.each([
    [
      'another subnet’s',
      Uint8Array.of(0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 1, 1),
      'No route to canister ',
    ],
    ['nobody’s', Uint8Array.of(0, 0, 0, 0, 0, 0x0f, 0xff, 0xff, 1, 1), 'Canister '],
  ])('a call to %s id is reject 3, and its sender goes on', (_name, callee, text) => {
    const onReject = program(
      answer(op('concat', op('int_to_blob', op('reject_code')), op('reject_message'))),
    );
    const said = scene.update(scene.victim, call({ callee, onReject }));
    expect(said.charCodeAt(0)).toBe(3);
    expect(said.slice(8)).toContain(text);
    expect(scene.unharmed()).toEqual(UNHARMED);
  });

  it('memory up to the limit of its canister fails there, and what it took comes back', () => {
    const before = scene.memories();
    const grow = op('memory_grow', 60_000);
    expect(scene.update(scene.victim, ...written(op('drop_int', grow), op('unreachable')))).toMatch(
      /^IC05(02|39): /,
    );
    expect(scene.memories()).toEqual(before);
    // All ones: the canister may not have so much, and goes on without.
    const refused = scene.update(scene.victim, answerInt(op('memory_grow', 70_000)));
    expect(Buffer.from(refused, 'latin1').toString('hex')).toBe('ffffffff00000000');
    expect(scene.unharmed()).toEqual(UNHARMED);
  });
});

describe('code without end', () => {
  it('in a heartbeat costs its own cycles, each round again, and delays nobody', async () => {
    const own = new HostileScene(await universalWasm({ heartbeat: true }));
    const before = own.memories();
    const { victim, subnet } = own;
    own.update(victim, op('hook_set', 3, program(op('forever'))), op('reply'));
    const cycles = subnet.canister(victim).cycles;
    for (let round = 0; round < 5; round += 1) {
      expect(own.unharmed()).toEqual(UNHARMED);
    }
    expect(subnet.canister(victim).cycles).toBeLessThan(cycles - 50_000_000n);
    expect(before).toHaveLength(6);
  });

  it('in a timer runs once, and the timer is unset', () => {
    const { subnet, victim } = scene;
    scene.update(
      victim,
      op('hook_set', 1, program(op('global_set', 'lost'), op('forever'))),
      op('drop_int', op('timer_set', 1)),
      op('reply'),
    );
    for (let round = 0; round < 8; round += 1) {
      subnet.round();
    }
    const cycles = subnet.canister(victim).cycles;
    expect(scene.unharmed()).toEqual(UNHARMED);
    expect(scene.update(victim, answer(op('global')))).toBe('kept');
    expect(cycles - subnet.canister(victim).cycles).toBeLessThan(50_000_000n);
  });

  it('in canister_inspect_message refuses the message, free of charge', async () => {
    const own = new HostileScene(await universalWasm({ inspectMessage: true }), {
      inspectInstructions: 1_000_000n,
    });
    const { subnet, victim } = own;
    expect(own.update(victim, op('hook_set', 4, program(op('forever'))), op('reply'))).toBe('');
    const { cycles } = subnet.canister(victim);
    expect(subnet.inspect(victim, 'update')).toMatch(/^IC0522: .*limit of 1000000 instructions/);
    expect(subnet.canister(victim).cycles).toBe(cycles);
    expect(own.unharmed()).toEqual(UNHARMED);
  });
});

describe('floods', () => {
  it('10,000 messages to one canister: 500 wait, the others are 201, and others are served meanwhile', () => {
    const { subnet, victim } = scene;
    const code = program(op('spin', 20_000), op('reply')).bytes;
    const messages = Array.from({ length: 10_000 }, () => subnet.ingress(victim, 'update', code));
    for (let from = 0; from < messages.length; from += 1000) {
      subnet.round(messages.slice(from, from + 1000));
      expect(scene.unharmed()).toEqual(UNHARMED);
    }
    for (
      let rounds = 0;
      rounds < 200 && messages.some((m) => subnet.answerOf(m) === 'received');
      rounds += 1
    ) {
      subnet.round();
    }
    const said = new Map<string, number>();
    for (const message of messages) {
      const answered = subnet.answerOf(message).replace(/Canister [a-z0-9-]+/, 'Canister X');
      said.set(answered, (said.get(answered) ?? 0) + 1);
    }
    const full = [...said.keys()].filter((text) => text !== '');
    expect(full).toHaveLength(1);
    expect(full[0]).toMatch(/^IC0201: .*queue/i);
    expect(said.get('') ?? 0).toBeGreaterThanOrEqual(500);
    expect(said.get(full[0] ?? '') ?? 0).toBeGreaterThan(1000);
    expect(scene.unharmed()).toEqual(UNHARMED);
  });

  it('501 calls of one message: the queue holds 500, one fails, and all callbacks run', () => {
    const { victim, bystander } = scene;
    const one = (): Code => ({
      code: [
        ...op(
          'call',
          principalToBytes(bystander),
          'update',
          program(op('global_append', '+')),
          program(op('global_append', '-')),
          program(),
        ).code,
        ...op('call_arg', program(op('reply')).bytes).code,
        ...op('run_if', op('perform'), program(op('global_append', '!'))).code,
      ],
    });
    const many = Array.from({ length: 501 }, one);
    scene.update(victim, op('global_set', ''), ...many, op('reply'));
    for (
      let rounds = 0;
      rounds < 60 && scene.subnet.canister(victim).calls.callbacks.length > 0;
      rounds += 1
    ) {
      scene.subnet.round();
    }
    const kept = scene.update(victim, answer(op('global')));
    const count = (mark: string): number => kept.split(mark).length - 1;
    expect([count('+'), count('-'), count('!')]).toEqual([500, 0, 1]);
    expect(scene.unharmed()).toEqual(UNHARMED);
  });

  it('canisters that call each other without end keep nobody from running', () => {
    const { victim, bystander, subnet } = scene;
    const again = program(op('eval', op('global')));
    scene.update(
      victim,
      op(
        'global_set',
        program(
          call({ callee: op('self'), onReply: again, onReject: again, arg: program(op('reply')) }),
        ),
      ),
      op('reply'),
    );
    subnet.round([subnet.ingress(victim, 'update', program(op('eval', op('global'))).bytes)]);
    for (let round = 0; round < 10; round += 1) {
      expect(scene.unharmed()).toEqual(UNHARMED);
      expect(subnet.canister(victim).calls.callbacks.length).toBeGreaterThan(0);
    }
    expect(subnet.canister(bystander).status).toBe('running');
  });
});

describe('Candid that lies', () => {
  const didl = (...bytes: readonly number[]): Uint8Array =>
    Uint8Array.of(0x44, 0x49, 0x44, 0x4c, ...bytes);
  const MAX = [0xff, 0xff, 0xff, 0xff, 0x0f];
  const BOMBS: readonly (readonly [string, Uint8Array])[] = [
    ['nothing', new Uint8Array(0)],
    ['a wrong magic number', Uint8Array.of(1, 2, 3, 4)],
    ['a table of four billion types', didl(...MAX)],
    ['a vector of four billion nulls', didl(1, 0x6d, 0x7f, 1, 0, ...MAX)],
    ['a vector of four billion empty records', didl(2, 0x6d, 1, 0x6c, 0, 1, 0, ...MAX)],
    ['a record that holds itself', didl(1, 0x6c, 1, 0, 0, 1, 0)],
    [
      'an option of itself, a megabyte deep',
      joined(didl(1, 0x6e, 0, 1, 0), repeated(1_000_000, 1)),
    ],
    ['a type that is not in the table', didl(1, 0x6d, 0x05, 1, 0, 0)],
    ['a number of ten thousand bytes', didl(0, 1, 0x7d, ...repeated(10_000, 0xff), 1)],
    ['a million arguments', joined(didl(0, 0xc0, 0x84, 0x3d), repeated(1_000_000, 0x7f))],
  ];

  it.each(BOMBS)('%s: every method refuses it', (_name, bytes) => {
    const before = scene.memories();
    for (const method of [
      'install_code',
      'update_settings',
      'canister_status',
      'upload_chunk',
      'install_chunked_code',
      'take_canister_snapshot',
      'provisional_create_canister_with_cycles',
    ]) {
      expect(scene.manage(method, bytes), method).toMatch(/^IC0408: Error decoding candid/);
    }
    expect(scene.memories()).toEqual(before);
    expect(scene.unharmed()).toEqual(UNHARMED);
  });
});
