import type { CanisterError } from '../interfaces/wasm-host.ts';
import { ErrorCode, help, TOOLCHAIN_HELP } from './user-error.ts';

const SMALLER_FUNCTIONS = 'Try breaking large functions up into multiple smaller functions.';

/** What the replica advises where the author of the canister can do something, by words of the error. */
const ADVICE: readonly (readonly [words: RegExp, advice: string, anchor: string])[] = [
  [
    /The number of exported functions called/,
    'Try combining multiple endpoints into a single endpoint.',
    'wasm-module-exports-too-many-methods',
  ],
  [
    /The sum of `<name>` lengths/,
    'Try using shorter method names.',
    'wasm-module-sum-of-exported-name-lengths-too-large',
  ],
  [
    /defined \d+ functions which exceeds/,
    'Try spliting this canister into multiple canisters.',
    'wasm-module-too-many-functions',
  ],
  [
    /defined \d+ globals which exceeds/,
    'Try collecting multiple globals into a single structured which can be stored on the heap.',
    'wasm-module-too-many-globals',
  ],
  [
    /a function at index \d+ with complexity/,
    SMALLER_FUNCTIONS,
    'wasm-module-function-complexity-too-high',
  ],
  [/a function at index \d+ of size/, SMALLER_FUNCTIONS, 'wasm-module-function-too-large'],
  [
    /code section size of \d+ exceeds/,
    'Try shrinking the module code section using tools like `ic-wasm` or splitting the logic across multiple canisters.',
    'wasm-module-code-section-too-large',
  ],
  [
    /Wasm module size of \d+ exceeds/,
    'Try shrinking the module using tools like `ic-wasm` or splitting the logic across multiple canisters.',
    'wasm-module-too-large',
  ],
];
const DUPLICATE = /Duplicate function '(.*)' exported multiple times/s;

/**
 * The error of a module that was refused, with the replica's advice.
 * @upstream rs/types/wasm_types/src/errors.rs#WasmValidationError.error_help
 */
export function invalidModule(message: string): CanisterError {
  const made = (text: string): CanisterError => ({
    code: ErrorCode.canisterInvalidWasm,
    message,
    help: text,
  });
  const name = DUPLICATE.exec(message)?.[1];
  if (name !== undefined) {
    const advice = `Try defining different versions of the function for each call type, e.g. \`${name}_update\`, \`${name}_query\`, etc.`;
    return made(help(advice, 'wasm-module-duplicate-exports'));
  }
  const found = ADVICE.find(([words]) => words.test(message));
  return made(found === undefined ? TOOLCHAIN_HELP : help(found[1], found[2]));
}
