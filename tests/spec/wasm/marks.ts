import type { UnmarkedWrites } from '../../../src/protocol/execution/wasm/memory-access.ts';
import type { Script } from './commands.ts';
import { instantiateRewritten, parse, rewrite } from './subjects.ts';

const PAGE_BYTES = 4096;
/** How far a store may reach into the page behind the marked one: looked at when a message commits. */
const STRADDLE_BYTES = 160;

/** Addresses that changed although neither their page is marked nor a marked page spilled into them. */
function missedBy(marks: Uint8Array, before: Uint8Array, after: Uint8Array): number[] {
  const missed: number[] = [];
  for (let page = 0; page * PAGE_BYTES < after.length; page += 1) {
    if (marks[page] !== 0) {
      continue;
    }
    const start = page * PAGE_BYTES + (page > 0 && marks[page - 1] !== 0 ? STRADDLE_BYTES : 0);
    for (let at = start; at < (page + 1) * PAGE_BYTES; at += 1) {
      if (after[at] !== (before[at] ?? 0)) {
        missed.push(at);
        break;
      }
    }
  }
  return missed;
}

export interface MarkFindings {
  /** Calls after which memory had changed: what there was to see. */
  readonly writes: number;
  /** Pages whose change no mark told of. */
  readonly misses: number;
}

/**
 * Calls what the script calls, arguments left out as nulls and zeros would do, and after each call holds
 * the marks against a comparison of the whole memory.
 * @param unmarked makes the rewriter a mutant, to prove that this sees anything
 */
export function checkMarks({ commands, files }: Script, unmarked?: UnmarkedWrites): MarkFindings {
  const found = { writes: 0, misses: 0 };
  for (const [name, wasm] of Object.entries(files)) {
    const parsed = parse(wasm);
    const rewriting = parsed.ok ? rewrite(parsed.module, unmarked) : parsed;
    if (!parsed.ok || !rewriting.ok || parsed.module.imports.length > 0) {
      continue;
    }
    const { subject, start } = instantiateRewritten(parsed.module, rewriting.rewritten, {});
    subject.prepare();
    const calls: (() => unknown)[] = [start];
    let current = '';
    for (const command of commands) {
      current = command.type === 'module' ? command.filename : current;
      if (current !== name || !('action' in command) || command.action.type === 'get') {
        continue;
      }
      const { field, args = [] } = command.action;
      calls.push(() => (subject.exports[field] as (...a: unknown[]) => unknown)(...args.map(toJs)));
    }
    for (const call of calls) {
      checkCall(subject, call, found);
    }
  }
  return found;
}

function checkCall(
  subject: ReturnType<typeof instantiateRewritten>['subject'],
  call: () => unknown,
  found: { writes: number; misses: number },
): void {
  const before = subject.memory()?.slice();
  subject.marks()?.fill(0);
  subject.prepare();
  try {
    call();
  } catch {
    // A trap leaves behind what was written before it.
  }
  const after = subject.memory();
  const marks = subject.marks();
  if (before === undefined || after === null || marks === null) {
    return;
  }
  found.misses += missedBy(marks, before, after).length;
  found.writes += after.some((byte, at) => byte !== (before[at] ?? 0)) ? 1 : 0;
}

/** Bits of floats need not survive here: only where is written counts. */
function toJs(value: {
  readonly type: string;
  readonly value?: string | readonly string[];
}): unknown {
  const text = typeof value.value === 'string' ? value.value : '0';
  switch (value.type) {
    case 'i64':
      return BigInt(text);
    case 'i32':
      return Number(text) | 0;
    case 'f32':
    case 'f64':
      return 1.5;
    default:
      return null;
  }
}
