import { readFileSync } from 'node:fs';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DidInterface, DidType } from './did-types.ts';
import { showSignature } from './did-types.ts';
import { emptyForm, type FormNode, readForm } from './form-model.ts';
import { formatValue } from './format-value.ts';
import { parseDid } from './parse-did.ts';
import { toIdlService } from './to-idl.ts';

function parsed(source: string): DidInterface {
  const result = parseDid(source);
  if (!result.ok) {
    throw new Error(result.error.message);
  }
  return result.value;
}

const RICH = `
// a comment with "quotes" and { braces
type Tree = variant { leaf : int; node : record { Tree; Tree } };
type Account = record { owner : principal; subaccount : opt blob; "odd name" : text; 7 : nat8 };
type Handler = func (text) -> () oneway;
/* block
   comment */
service : (record { owner : principal; }) -> {
  grow : (tree : Tree) -> (Tree) query;
  account : (Account, vec nat16) -> (variant { Ok : nat64; Err; });
  notify : Handler;
  peek : () -> (float64) composite_query;
}`;

describe('parseDid', () => {
  it('reads the counter interface that the compiler writes', () => {
    const did = parsed(readFileSync('canisters/counter/counter.did', 'utf8'));
    expect(did.methods.map((method) => `${method.name} ${showSignature(method)}`)).toEqual([
      'fail () → ()',
      'get () → (nat) query',
      'increment () → (nat)',
      'set (newValue: nat) → ()',
    ]);
  });

  it('reads comments, quoted and numbered fields, named functions and recursive types', () => {
    const did = parsed(RICH);
    expect(did.init).toHaveLength(1);
    expect(did.methods.map(({ name, mode }) => [name, mode])).toEqual([
      ['grow', 'query'],
      ['account', 'update'],
      ['notify', 'oneway'],
      ['peek', 'composite_query'],
    ]);
    const account = did.types.get('Account');
    expect(account?.kind === 'record' && account.fields.map((field) => field.label)).toEqual([
      'owner',
      'subaccount',
      'odd name',
      '_7_',
    ]);
  });

  it.each([
    ['service : { f : (Missing) -> () }', 'DID_UNKNOWN_TYPE'],
    ['type A = B; type B = A; service : { f : (A) -> () }', 'DID_UNKNOWN_TYPE'],
    ['service : { f : (nat -> () }', 'DID_SYNTAX'],
    ['service : { f : () -> () } trailing', 'DID_SYNTAX'],
    ['import "x.did"; service : {}', 'DID_SYNTAX'],
    ['type A = nat;', 'DID_NO_SERVICE'],
    ['service : { § }', 'DID_SYNTAX'],
    [`service : { f : (${'vec '.repeat(5000)} nat) -> () }`, 'DID_TOO_DEEP'],
  ])('refuses %.60s with %s', (source, code) => {
    const result = parseDid(source);
    expect(result.ok ? 'accepted' : result.error.code).toBe(code);
  });

  it('never throws, whatever the text', () => {
    const piece = fc.constantFrom(
      'type',
      'service',
      'A',
      '=',
      ':',
      ';',
      '{',
      '}',
      '(',
      ')',
      '->',
      'record',
      'variant',
      'vec',
      'opt',
      'func',
      'nat',
      '"x"',
      '3',
      ',',
      'query',
      'blob',
      '"',
      '/*',
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(typeof parseDid(pieces.join(' ')).ok).toBe('boolean');
      }),
    );
  });
});

describe('forms', () => {
  const did = parsed(RICH);

  it('makes untouched forms of recursive types that read back and encode', () => {
    const tree: DidType = { kind: 'name', name: 'Tree' };
    const read = readForm(emptyForm(tree, did.types), tree, did.types);
    expect(read).toEqual({ ok: true, value: { leaf: 0n } });
    const grow = toIdlService(did)._fields.find(([name]) => name === 'grow');
    const args = IDL.encode(grow?.[1].argTypes ?? [], [read.ok ? read.value : undefined]);
    expect(IDL.decode(grow?.[1].argTypes ?? [], args)).toEqual([{ leaf: 0n }]);
  });

  it.each([
    ['nat8', '255', true],
    ['nat8', '256', false],
    ['nat', '-1', false],
    ['int', '-1', true],
    ['int64', '-9223372036854775808', true],
    ['int64', '9223372036854775808', false],
    ['nat', '1_000,000', true],
    ['nat', '1.5', false],
    ['float64', '1.5', true],
    ['float64', '', false],
    ['principal', 'aaaaa-aa', true],
    ['principal', 'AAAAA', false],
  ] as const)('%s "%s" is accepted: %s', (name, text, accepted) => {
    const type: DidType = { kind: 'primitive', name };
    expect(readForm({ kind: 'text', text }, type, new Map()).ok).toBe(accepted);
  });

  it('names the place of a mistake', () => {
    const type: DidType = { kind: 'vec', of: { kind: 'primitive', name: 'nat' } };
    const items: FormNode[] = [
      { kind: 'text', text: '1' },
      { kind: 'text', text: 'two' },
    ];
    const read = readForm({ kind: 'vec', items }, type, new Map(), 'amounts');
    expect(read).toEqual({
      ok: false,
      error: { path: 'amounts[1]', message: 'must be a whole number (nat)' },
    });
  });

  it('reads a blob from hex and from text', () => {
    const blob: DidType = { kind: 'vec', of: { kind: 'primitive', name: 'nat8' } };
    const read = (text: string): unknown => readForm({ kind: 'text', text }, blob, new Map());
    expect(read('0x00ff')).toEqual({ ok: true, value: new Uint8Array([0, 255]) });
    expect(read('hi')).toEqual({ ok: true, value: new Uint8Array([104, 105]) });
    expect(read('0x0')).toMatchObject({ ok: false });
  });

  it('shows principals in text form', () => {
    const type: DidType = { kind: 'primitive', name: 'principal' };
    expect(formatValue(Principal.managementCanister(), type, new Map())).toBe(
      'principal "aaaaa-aa"',
    );
  });

  it('shows values as Candid text', () => {
    const type: DidType = {
      kind: 'record',
      fields: [
        { label: 'name', type: { kind: 'primitive', name: 'text' } },
        { label: 'tags', type: { kind: 'vec', of: { kind: 'primitive', name: 'nat' } } },
        { label: 'note', type: { kind: 'opt', of: { kind: 'primitive', name: 'bool' } } },
      ],
    };
    const value = { name: 'a "b"', tags: [1n, 2_000n], note: [true] };
    expect(formatValue(value, type, new Map())).toBe(
      'record { name = "a \\"b\\""; tags = vec { 1; 2_000 }; note = opt true }',
    );
  });
});
