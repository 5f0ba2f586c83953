import { MAX_FUNCTION_COMPLEXITY, MAX_FUNCTION_INSTRUCTIONS } from './limits.ts';
import { FC, OP } from './opcodes.ts';
import type { ByteReader } from './reader.ts';
import { ModuleFault } from './reader.ts';
import { skipImmediates } from './skip-immediates.ts';

/**
 * The IC's rules for a single function: its size, how hard it is to compile, and the instructions
 * that would change tables, whose content the IC does not keep.
 * @upstream rs/embedders/src/wasm_utils/validation.rs#wasm_function_complexity
 */

const complexities = new Uint8Array(256).fill(1);
/** Of the instructions behind the 0xfc prefix, by second opcode; others count 1. */
const fcComplexities: readonly number[] = [3, 3, 3, 3, 3, 3, 3, 3, 1, 1, 4, 3];

function set(points: number, ...ranges: readonly (readonly [first: number, last: number])[]): void {
  for (const [first, last] of ranges) {
    complexities.fill(points, first, last + 1);
  }
}

set(50, [0x02, 0x04], [0x0c, 0x0e], [0x10, 0x11], [0x40, 0x40]); // control, calls, memory.grow
set(14, [0x25, 0x25]); // table.get
set(8, [0xd2, 0xd2]); // ref.func
set(6, [0xd1, 0xd1]); // ref.is_null
// Comparisons, stores, global.get, select, memory.size, reinterpretation, sign extension …
set(2, [0x45, 0x66], [0x36, 0x3e], [0x23, 0x23], [0x1b, 0x1b], [0x3f, 0x3f], [0xbb, 0xc4]);
set(2, [0x69, 0x69], [0x7b, 0x7b], [0x8d, 0x8f], [0x91, 0x91], [0x9b, 0x9d], [0x9f, 0x9f]);
set(2, [0xa7, 0xa7]);
// Loads, integer division and remainder, copysign, f64.eq
set(3, [0x28, 0x35], [0x6d, 0x70], [0x7f, 0x82], [0x98, 0x98], [0xa6, 0xa6], [0x61, 0x61]);
set(4, [0x8b, 0x8c], [0x99, 0x9a]); // abs, neg
set(5, [0xa8, 0xba]); // truncation, conversion, i64.extend_i32

const UNSUPPORTED_FC: Readonly<Record<number, string>> = {
  [FC.tableInit]: 'table.init',
  [FC.tableCopy]: 'table.copy',
  [FC.tableGrow]: 'table.grow',
  [FC.tableFill]: 'table.fill',
};

/** No instruction has more points for each of its bytes than a block. */
const MAX_POINTS_PER_BYTE = 25;

/** What the rules say of the function that is being scanned. */
export class FunctionRules {
  #complexity = 0;
  #unsupported: string | undefined;

  begin(): void {
    this.#complexity = 0;
    this.#unsupported = undefined;
  }

  see(opcode: number): void {
    this.#complexity += complexities[opcode] as number;
    if (opcode === OP.tableSet) {
      this.#unsupported ??= 'table.set';
    }
  }

  /** Behind the 0xfc prefix, which `see` counted as 1. */
  seePrefixed(second: number): void {
    this.#complexity += (fcComplexities[second] ?? 1) - 1;
    this.#unsupported ??= UNSUPPORTED_FC[second];
  }

  /**
   * Looks at a function that is long enough to be too complex before anything is made of it: passing
   * over its instructions takes a tenth of scanning them. Throws `ModuleFault`.
   * @param index among the module's own functions
   * @param code a reader of its own, at the first instruction
   */
  checkBeforeScan(index: number, code: ByteReader, memory64: boolean): void {
    if ((code.end - code.at) * MAX_POINTS_PER_BYTE <= MAX_FUNCTION_COMPLEXITY) {
      return;
    }
    this.begin();
    let count = 0;
    while (!code.done) {
      const opcode = code.byte();
      count += 1;
      this.see(opcode);
      const second = skipImmediates(code, opcode, memory64);
      if (opcode === OP.prefixFc) {
        this.seePrefixed(second);
      }
    }
    this.check(index, count);
  }

  /** Throws `ModuleFault` when a rule is broken. @param index among the module's own functions */
  check(index: number, instructions: number): void {
    if (this.#unsupported !== undefined) {
      throw new ModuleFault(
        `Wasm module contains a function at index ${index} with unsupported instruction ${this.#unsupported}.`,
        'rule',
      );
    }
    if (this.#complexity > MAX_FUNCTION_COMPLEXITY) {
      throw new ModuleFault(
        `Wasm module contains a function at index ${index} with complexity ${this.#complexity} which exceeds the maximum complexity allowed ${MAX_FUNCTION_COMPLEXITY}.`,
        'rule',
      );
    }
    if (instructions > MAX_FUNCTION_INSTRUCTIONS) {
      throw new ModuleFault(
        `Wasm module contains a function at index ${index} of size ${instructions} that exceeds the maximum allowed size of ${MAX_FUNCTION_INSTRUCTIONS}.`,
        'rule',
      );
    }
  }
}
