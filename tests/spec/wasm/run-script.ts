import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '../../../src/base/hex.ts';
import { encodeUtf8 } from '../../../src/base/utf8.ts';
import type { Action, Command, Script, ScriptValue } from './commands.ts';
import { MarkOracle } from './mark-oracle.ts';
import { parse, rewrite } from './subjects.ts';
import { firstDifference, firstUnequal, matches, nansAreCanonical } from './values.ts';
import type { Outcome, Pair, TrapCause } from './world.ts';
import { causeOf, World } from './world.ts';

export interface Failure {
  readonly file: string;
  readonly line: number;
  readonly what: string;
}

export interface ScriptReport {
  readonly file: string;
  readonly passed: number;
  readonly failures: readonly Failure[];
  /** Checks that were left out, by reason. */
  readonly notApplicable: Readonly<Record<string, number>>;
  /**
   * For each module in order: a hash of every result, counter and of the memory of its rewritten form,
   * equal in every tier and engine; null when it could not be loaded here.
   */
  readonly hashes: readonly (string | null)[];
}

/** What is wrong with an outcome; strictly, every NaN that the test leaves open must be the IC's. */
type Judge = (outcome: Outcome, strict: boolean) => string | null;

/** Memories above this are compared when a module is done with, not after each action. */
const COMPARED_EACH_TIME_BYTES = 1 << 18;
const PAGE_BYTES = 4096;
const EMPTY_PAGE = new Uint8Array(PAGE_BYTES);
/** Memories above this are left to other tests of the marks. */
const MARKS_CHECKED_BYTES = 1 << 21;

/** What the specification's words for a trap come to. */
const EXPECTED_CAUSES: readonly (readonly [RegExp, readonly TrapCause[]])[] = [
  [/out of bounds memory/i, ['memory']],
  [/out of bounds table|undefined element|uninitialized/i, ['table', 'signature']],
  [/indirect call type mismatch/i, ['signature']],
  [/divide by zero/i, ['divide by zero']],
  [/integer overflow/i, ['overflow', 'conversion']],
  [/invalid conversion/i, ['conversion']],
  [/unreachable/i, ['unreachable']],
  [/exhausted/i, ['stack']],
];

/** Runs one test file, every module as it came and as rewritten, and compares the two after each action. */
export function runScript(script: Script): ScriptReport {
  return new ScriptRun(script).run();
}

class ScriptRun {
  readonly #script: Script;
  readonly #world: World;
  readonly #failures: Failure[] = [];
  readonly #notApplicable: Record<string, number> = {};
  readonly #hashes: (string | null)[] = [];
  #hash = sha256.create();
  #passed = 0;
  #current: Pair | null = null;
  #whyNone = 'no module';
  #missing = new Map<string, string>();

  constructor(script: Script) {
    this.#script = script;
    this.#world = new World(script.segmentBytes);
  }

  run(): ScriptReport {
    for (const command of this.#script.commands) {
      try {
        this.#command(command);
      } catch (error) {
        this.#fail(command.line, `the runner or the rewriter threw: ${String(error)}`);
      }
    }
    this.#finish(0);
    return {
      file: this.#script.name,
      passed: this.#passed,
      failures: this.#failures,
      notApplicable: this.#notApplicable,
      hashes: this.#hashes,
    };
  }

  #command(command: Command): void {
    switch (command.type) {
      case 'module':
        this.#module(command.line, command.name, command.filename);
        break;
      case 'register':
        this.#register(command.name, command.as);
        break;
      case 'action':
        this.#action(command.line, command.action, () => null);
        break;
      case 'assert_return':
        this.#action(command.line, command.action, (outcome, strict) =>
          judgeReturn(command.expected, outcome, strict),
        );
        break;
      case 'assert_trap':
      case 'assert_exhaustion':
        this.#action(command.line, command.action, (outcome) => judgeTrap(command.text, outcome));
        break;
      default:
        this.#badModule(command);
    }
  }

  #fail(line: number, what: string): void {
    this.#failures.push({ file: this.#script.name, line, what });
  }

  #skip(reason: string): void {
    this.#notApplicable[reason] = (this.#notApplicable[reason] ?? 0) + 1;
  }

  #module(line: number, name: string | undefined, filename: string): void {
    this.#finish(line);
    this.#hash = sha256.create();
    this.#hashes.push(null);
    if (name !== undefined) {
      this.#world.forget(name);
    }
    const leaveOut = (reason: string): void => {
      this.#whyNone = reason;
      this.#skip(reason);
      if (name !== undefined) {
        this.#missing.set(name, reason);
      }
    };
    const wasm = this.#script.files[filename];
    if (wasm === undefined) {
      leaveOut('a module in text form');
      return;
    }
    const loading = this.#world.load(wasm);
    if (loading.ok) {
      this.#current = loading.pair;
      this.#passed += 1;
      if (name !== undefined) {
        this.#world.name(name, loading.pair);
      }
      this.#compareStates(line, loading.pair, true);
    } else if (loading.kind === 'not applicable') {
      leaveOut(loading.reason);
    } else if (
      loading.original !== undefined &&
      loading.rewritten !== undefined &&
      causeOf(loading.original) !== causeOf(loading.rewritten)
    ) {
      this.#whyNone = 'the module could not be loaded';
      this.#fail(
        line,
        `loading fails with ${causeOf(loading.rewritten)} instead of ${causeOf(loading.original)}`,
      );
    } else if (loading.original !== undefined && loading.rewritten !== undefined) {
      leaveOut(`it cannot be loaded: ${causeOf(loading.original)}`);
    } else {
      this.#whyNone = 'the module could not be loaded';
      this.#fail(line, `only one loads: ${causeOf(loading.original ?? loading.rewritten)}`);
    }
  }

  #register(name: string | undefined, as: string): void {
    const pair = name === undefined ? this.#current : this.#world.named(name);
    if (pair !== null && pair !== undefined) {
      this.#world.register(as, pair);
    }
  }

  #action(line: number, action: Action, judge: Judge): void {
    const pair =
      action.module === undefined ? this.#current : (this.#world.named(action.module) ?? null);
    if (pair === null) {
      const why = action.module === undefined ? undefined : this.#missing.get(action.module);
      this.#skip(why ?? this.#whyNone);
      return;
    }
    const oracle =
      (pair.rewritten.memory()?.length ?? 0) <= MARKS_CHECKED_BYTES
        ? new MarkOracle(pair.rewritten)
        : null;
    oracle?.begin();
    const outcomes = this.#world.perform(pair, action);
    if (outcomes === undefined) {
      this.#skip('an export that is no function or global');
      return;
    }
    const { original, rewritten } = outcomes;
    const logs = this.#world.takeLogs();
    this.#record(rewritten, logs.rewritten, pair);
    const [missed] = oracle?.end().missed ?? [];
    if (missed !== undefined) {
      this.#fail(line, `${action.field}: the write at ${missed} is not marked`);
    } else if (original === null || this.#script.originalMayDiffer === true) {
      const wrong = this.#script.originalMayDiffer === true ? null : judge(rewritten, true);
      if (wrong === null) {
        this.#passed += 1;
      } else {
        this.#fail(line, `${action.field}: ${wrong}`);
      }
    } else {
      this.#compare(line, action, pair, judge, { original, rewritten }, logs);
    }
  }

  #compare(
    line: number,
    action: Action,
    pair: Pair,
    judge: Judge,
    { original, rewritten }: { readonly original: Outcome; readonly rewritten: Outcome },
    logs: { readonly original: string; readonly rewritten: string },
  ): void {
    const wrong = judge(original, false) === null ? judge(rewritten, true) : null;
    const differs =
      compareOutcomes(original, rewritten) ??
      (logs.original === logs.rewritten
        ? null
        : `logs ${logs.rewritten} instead of ${logs.original}`);
    if (wrong !== null || differs !== null) {
      this.#fail(line, `${action.field}: ${differs ?? wrong}`);
    } else if (judge(original, false) !== null) {
      this.#skip(`the engine departs from the test: ${judge(original, false)}`);
    } else if (this.#compareStates(line, pair, false)) {
      this.#passed += 1;
    }
  }

  #record(outcome: Outcome, log: string, pair: Pair): void {
    const text =
      outcome.kind === 'trapped'
        ? outcome.cause
        : outcome.values
            .map((value) => (typeof value === 'string' ? value : bytesToHex(value)))
            .join();
    this.#hash.update(encodeUtf8(`${text} ${log} ${pair.rewritten.used()};`));
  }

  /** The last look at a module that others take the place of. */
  #finish(line: number): void {
    if (this.#current === null) {
      return;
    }
    this.#compareStates(line, this.#current, true);
    const { rewritten } = this.#current;
    this.#hash.update(encodeUtf8(rewritten.globals.map(({ value }) => String(value)).join()));
    this.#recordMemory(rewritten.memory() ?? new Uint8Array(0));
    this.#hashes[this.#hashes.length - 1] = bytesToHex(this.#hash.digest());
    this.#current = null;
  }

  /** Only pages with something on them: most are empty, and hashing is what takes longest here. */
  #recordMemory(memory: Uint8Array): void {
    this.#hash.update(encodeUtf8(` ${memory.length} bytes`));
    for (let at = 0; at < memory.length; at += PAGE_BYTES) {
      const page = memory.subarray(at, at + PAGE_BYTES);
      if (firstUnequal(page, EMPTY_PAGE, 0) >= 0) {
        this.#hash.update(encodeUtf8(` ${at}:`)).update(page);
      }
    }
  }

  #compareStates(line: number, pair: Pair, thoroughly: boolean): boolean {
    if (pair.original === null || this.#script.originalMayDiffer === true) {
      return true;
    }
    const original = pair.original.memory();
    const rewritten = pair.rewritten.memory();
    if (original !== null && rewritten !== null) {
      if (original.length !== rewritten.length) {
        this.#fail(line, `memory of ${rewritten.length} bytes instead of ${original.length}`);
        return false;
      }
      if (thoroughly || original.length <= COMPARED_EACH_TIME_BYTES) {
        const at = firstDifference(original, rewritten);
        if (at >= 0) {
          this.#fail(line, `memory differs at ${at}`);
          return false;
        }
      }
    }
    const differing = pair.original.globals.findIndex(
      (global, i) => !Object.is(global.value, pair.rewritten.globals[i]?.value),
    );
    if (differing >= 0) {
      this.#fail(line, `mutable global number ${differing} differs`);
      return false;
    }
    return true;
  }

  #badModule(command: Extract<Command, { readonly module_type: 'binary' | 'text' }>): void {
    const { line, filename, type } = command;
    const wasm = this.#script.files[filename];
    if (wasm === undefined || command.module_type === 'text') {
      this.#skip('a module in text form');
      return;
    }
    if (type === 'assert_malformed' || type === 'assert_invalid') {
      // The engine judges; the rewriter must survive these bytes.
      const parsed = parse(wasm);
      if (parsed.ok) {
        rewrite(parsed.module);
      }
      if (WebAssembly.validate(wasm as BufferSource)) {
        this.#skip('the engine knows more than the test');
      } else {
        this.#passed += 1;
      }
      return;
    }
    const loading = this.#world.load(wasm);
    if (loading.ok) {
      this.#skip('the engine links what the test says it must not');
    } else if (loading.kind === 'not applicable') {
      this.#skip(loading.reason);
    } else if (loading.original === undefined || loading.rewritten === undefined) {
      this.#fail(line, `only one fails: ${causeOf(loading.original ?? loading.rewritten)}`);
    } else if (
      type === 'assert_uninstantiable' &&
      causeOf(loading.original) !== causeOf(loading.rewritten)
    ) {
      this.#fail(line, `${causeOf(loading.rewritten)} instead of ${causeOf(loading.original)}`);
    } else {
      this.#passed += 1;
    }
  }
}

function show(outcome: Outcome): string {
  return outcome.kind === 'trapped'
    ? `trap: ${outcome.message}`
    : outcome.values
        .map((value) => (typeof value === 'string' ? value : bytesToHex(value)))
        .join(' ');
}

function judgeReturn(
  expected: readonly ScriptValue[],
  outcome: Outcome,
  strict: boolean,
): string | null {
  if (outcome.kind === 'trapped') {
    return show(outcome);
  }
  const fits = expected.every((value, i) => {
    const actual = outcome.values[i];
    return typeof actual === 'string'
      ? value.type === 'v128' || value.value === undefined || value.value === actual
      : actual !== undefined &&
          matches(value, actual) &&
          (!strict || nansAreCanonical(value, actual));
  });
  return fits && expected.length === outcome.values.length ? null : show(outcome);
}

function judgeTrap(text: string, outcome: Outcome): string | null {
  const causes = EXPECTED_CAUSES.find(([pattern]) => pattern.test(text))?.[1];
  return outcome.kind === 'trapped' && (causes === undefined || causes.includes(outcome.cause))
    ? null
    : show(outcome);
}

function compareOutcomes(original: Outcome, rewritten: Outcome): string | null {
  const differ = `${show(rewritten)} instead of ${show(original)}`;
  if (original.kind === 'trapped' || rewritten.kind === 'trapped') {
    return original.kind === 'trapped' &&
      rewritten.kind === 'trapped' &&
      original.cause === rewritten.cause
      ? null
      : differ;
  }
  const same = original.values.every((value, i) => {
    const other = rewritten.values[i];
    return typeof value === 'string' || typeof other === 'string'
      ? value === other
      : other !== undefined && firstDifference(value, other) < 0;
  });
  return same ? null : differ;
}
