import { IDL } from '@icp-sdk/core/candid';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { principalToText } from '../../../src/protocol/crypto/principal.ts';
import { answer, call, op, program, type Program } from '../../support/universal.ts';
import { universalWasm } from '../../support/universal-module.ts';
import { bytes, endless } from './error-helpers.ts';
import { ErrorScene } from './error-scene.ts';

/** What users and what calling canisters are told when a call fails: not the same. */

const LONG = 'x'.repeat(9000);
const noted = program(
  op(
    'global_set',
    op('concat', op('bytes', op('add', op('reject_code'), 48), 1), op('reject_message')),
  ),
);

describe('texts of rejects', () => {
  let wasm: Uint8Array;
  let scene: ErrorScene;
  beforeAll(async () => {
    wasm = await universalWasm();
  });
  beforeEach(() => {
    scene = new ErrorScene(wasm);
  });

  /** What `a` is told when it calls `b`. */
  const told = (method: string, asked: Program): string => {
    const callee = bytes(scene.b);
    scene.update(call({ callee, method, arg: asked.bytes, onReject: noted }), op('reply'));
    scene.subnet.round();
    return scene.named(scene.query('query', ...answerGlobal));
  };
  const answerGlobal = [answer(op('global'))] as const;

  it('are whole for users, within 8 KiB for canisters that called an update, whole for those that called a query', () => {
    const rejects = program(op('reject', LONG));
    expect(scene.update(op('reject', LONG))).toBe(`IC0406: ${LONG}`);
    expect(scene.query('query', op('reject', LONG))).toBe(`IC0406: ${LONG}`);
    expect(told('update', rejects)).toBe(`4${'x'.repeat(6144)}...${'x'.repeat(2045)}`);
    expect(told('query', rejects)).toBe(`4${LONG}`);
  });

  it('keep the beginning and the advice of a long trap', () => {
    const said = scene.update(op('trap', LONG));
    expect(said).toMatch(
      /^IC0503: Error from Canister .*'x{3000,}\.\.\.x+'\.\nConsider .*trapped-explicitly$/s,
    );
    expect(said).toHaveLength('IC0503: '.length + 8192);
  });

  it('begin with the code for canisters whose call failed', () => {
    expect(told('update', program(op('trap', 'oh')))).toMatch(
      /^5IC0503: Error from Canister {b}: .*'oh'/,
    );
    expect(told('nothing', program())).toMatch(/^5IC0536: Error from Canister {b}: /);
  });

  it('say little of a canister that does not answer', () => {
    expect(told('update', program())).toBe('5No response');
    expect(scene.update()).toBe(
      `IC0506: Canister ${principalToText(scene.a)} did not reply to the call`,
    );
  });

  it('have no codes when the management canister refuses, and words of their own for stops that were cancelled', () => {
    const arg = (method: string): Program['bytes'] => scene.message(method).arg;
    const aboutItself = (method: string): string => {
      const { subnet } = scene;
      const stop = call({ callee: new Uint8Array(0), method, arg: arg(method), onReject: noted });
      subnet.round([subnet.ingress(scene.b, 'update', program(stop, op('reply')).bytes)]);
      return scene.named(subnet.answerTo(scene.b, 'query', program(...answerGlobal).bytes));
    };
    expect(aboutItself('stop_canister')).toMatch(
      /^5Only the controllers of the canister {a} can control it\.\n/,
    );
    scene.edit({
      controllers: [scene.subnet.ingress(scene.a, '', new Uint8Array(0)).sender, scene.b],
    });
    endless(scene);
    aboutItself('stop_canister');
    expect(scene.manage('start_canister')).toBe('4449444c0000');
    scene.subnet.round();
    expect(
      scene.named(scene.subnet.answerTo(scene.b, 'query', program(...answerGlobal).bytes)),
    ).toBe("5Canister {a}'s stop request cancelled");
    expect(IDL.encode([], [])).toHaveLength(6);
  });
});

describe('queries called as updates', () => {
  it('have the limit of queries, and need no more cycles than that', async () => {
    const scene = new ErrorScene(await universalWasm(), {
      messageInstructions: 40_000_000n,
      queryInstructions: 10_000_000n,
    });
    const spin = program(op('spin', 2_000_000), answer('done'));
    const { subnet, a } = scene;
    expect(subnet.call(a, 'update', spin.bytes).answer).toBe(Buffer.from('done').toString('hex'));
    expect(subnet.call(a, 'query', spin.bytes).answer).toContain(
      'exceeded the limit of 10000000 instructions',
    );
  });

  it('are one more version of their canister, unless they trap', async () => {
    const { subnet, a } = new ErrorScene(await universalWasm());
    const { version } = subnet.canister(a);
    subnet.call(a, 'query', program(answer('x')).bytes);
    expect(subnet.canister(a).version).toBe(version + 1n);
    subnet.call(a, 'query', program(op('trap', 'x')).bytes);
    expect(subnet.canister(a).version).toBe(version + 1n);
  });

  it('are refused by the ingress filter when they are composite', async () => {
    const scene = new ErrorScene(await universalWasm());
    expect(scene.subnet.inspect(scene.a, 'composite_query')).toBe(
      'IC0527: Composite query cannot be called in replicated mode',
    );
    expect(scene.subnet.inspect(scene.a, 'query')).toBe('accepted');
    scene.edit({ status: 'stopped' });
    expect(scene.subnet.inspect(scene.a, 'query')).toBe(
      `IC0508: Canister ${principalToText(scene.a)} is stopped`,
    );
  });
});
