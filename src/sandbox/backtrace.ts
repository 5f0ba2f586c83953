import { backtraceText, MAX_BACKTRACE_FRAMES } from '../protocol/execution/system-api/backtrace.ts';

/**
 * Which functions of a canister were running when it trapped, by the engine's stack trace. V8 shows
 * functions that it inlined like all others, so that every node of a tab finds the same ones.
 */

/** What V8 keeps of a stack: the frames that are shown, and those of the host above and between them. */
const STACK_FRAMES = 64;

/** A frame of WebAssembly: `at name (wasm://wasm/1234:wasm-function[5]:0x6f)`; Firefox writes no parentheses. */
const FRAME = /(?:\(|@|at )(\S*):wasm-function\[(\d+)\]:0x[0-9a-f]+\)?$/;

interface Frame {
  readonly module: string;
  readonly index: number;
}

/** Stacks are kept long enough; at each run, as whatever shares the thread may set another limit. */
export function keepStacks(): void {
  (Error as { stackTraceLimit?: number }).stackTraceLimit = STACK_FRAMES;
}

/**
 * The innermost unbroken stretch of WebAssembly on a stack: frames of the host end it, as a run goes on
 * there in another segment. Its last frame is the canister's; others may be of modules of the host.
 */
function segmentOf(stack: string): readonly number[] {
  const frames: Frame[] = [];
  for (const line of stack.split('\n')) {
    const [, module, index] = FRAME.exec(line) ?? [];
    if (module !== undefined && index !== undefined) {
      frames.push({ module, index: Number(index) });
    } else if (frames.length > 0) {
      break;
    }
  }
  const module = frames.at(-1)?.module;
  return frames.filter((frame) => frame.module === module).map(({ index }) => index);
}

/** Sections that were asked for before: a canister that traps often does so in one module. */
const nameSections = new WeakMap<WebAssembly.Module, Uint8Array | null>();

function nameSectionOf(module: WebAssembly.Module): Uint8Array | null {
  const known = nameSections.get(module);
  if (known !== undefined) {
    return known;
  }
  const [content] = WebAssembly.Module.customSections(module, 'name');
  const section = content === undefined ? null : new Uint8Array(content);
  nameSections.set(module, section);
  return section;
}

/** The index of a system call among the functions that a module imports. */
function importOf(module: WebAssembly.Module, name: string): number {
  return WebAssembly.Module.imports(module)
    .filter(({ kind }) => kind === 'function')
    .findIndex((entry) => entry.name === name);
}

export interface TrappedRun {
  readonly module: WebAssembly.Module;
  /** Functions of the canister; those above are the rewriter's. */
  readonly functionCount: number;
  /** With the stack traces of the run's segments, the innermost first; the engine makes a text of few. */
  readonly stacks: readonly Error[];
  /** A system call that counts as the canister's own code. */
  readonly within: string | undefined;
}

/** The backtrace as users see it; null when the module has no names or the engine tells nothing. */
export function backtraceOf({ module, functionCount, stacks, within }: TrappedRun): string | null {
  const names = nameSectionOf(module);
  if (names === null) {
    return null;
  }
  const frames = within === undefined ? [] : [importOf(module, within)];
  for (const { stack } of stacks) {
    if (frames.length >= MAX_BACKTRACE_FRAMES) {
      break;
    }
    frames.push(...segmentOf(stack ?? '').filter((index) => index < functionCount));
  }
  return backtraceText(frames, names);
}
