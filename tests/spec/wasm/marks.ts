import type { UnmarkedWrites } from '../../../src/protocol/execution/wasm/rewrite-context.ts';
import type { Script } from './commands.ts';
import { MarkOracle } from './mark-oracle.ts';
import { instantiateRewritten, parse, rewrite } from './subjects.ts';

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
    const rewriting = parsed.ok ? rewrite(parsed.module, false, unmarked) : parsed;
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
  const oracle = new MarkOracle(subject);
  oracle.begin();
  subject.prepare();
  try {
    call();
  } catch {
    // A trap leaves behind what was written before it.
  }
  const { wrote, missed } = oracle.end();
  found.misses += missed.length;
  found.writes += wrote ? 1 : 0;
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
