import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { demangle } from './demangle.ts';

describe('names of functions', () => {
  it.each([
    [
      '_ZN24_wasm_backtrace_canister3oob7inner_217h0123456789abcdefE',
      '_wasm_backtrace_canister::oob::inner_2',
    ],
    ['_ZN6ic_cdk3api4trap17h68eb89a53486a9f0E', 'ic_cdk::api::trap'],
    [
      '_ZN3std9panicking11begin_panic28_$u7b$$u7b$closure$u7d$$u7d$3h00E',
      'std::panicking::begin_panic::{{closure}}',
    ],
    [
      '_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE',
      "<Test + 'static as foo::Bar<Test>>::bar",
    ],
    ['_ZN3foo3barE', 'foo::bar'],
    ['_ZN3fooE.llvm.9D1C9369', 'foo'],
    ['_ZN3foo17h05af221e174051e9E.cold', 'foo.cold'],
    ['ZN4testE', 'test'],
    ['_ZN12test$x$.a.bcE', 'test$x$.a.bc'],
  ])('of Rust are read: %s', (symbol, name) => {
    expect(demangle(symbol)).toBe(name);
  });

  it.each([
    'rust_begin_unwind',
    'canister_update inc',
    '_ZN3fo',
    '_ZN3foo3bar',
    '_ZN99999999foo',
    '_RNvC1a1b',
    '_ZN3fé1E',
    '_ZN',
  ])('of other forms stay as they are: %s', (symbol) => {
    expect(demangle(symbol)).toBe(symbol);
  });

  test.prop([fc.string({ unit: 'grapheme', maxLength: 60 })])('may be anything', (text) => {
    expect(typeof demangle(`_ZN${text}`)).toBe('string');
  });
});
