import type { HeapLayout } from './heap-layout.ts';
import type { Appended } from './helpers.ts';
import type { ParsedModule } from './module.ts';

/**
 * Marks to leave out, which lets tests prove that a missing mark would be noticed: of some stores, or of
 * those that come after their base changed, or on another path than the mark that they would share.
 */
export type UnmarkedWrites = 'f64.store' | 'v128.store' | 'bulk' | 'changed base' | 'other path';

/** When the counter's global is written: always, to compare with, or wrongly, to prove that it is noticed. */
export type CounterWrites = 'in every block' | 'not before traps' | 'not before leaving';

export interface RewriteContext {
  readonly module: ParsedModule;
  readonly appended: Appended;
  /** Memory, and tables, were 64-bit and are lowered to 32 bits. */
  readonly lowered: boolean;
  readonly layout: HeapLayout | null;
  /** Whether functions must keep the IC's rules. */
  readonly canisterRules: boolean;
  /** For tests only. */
  readonly unmarked?: UnmarkedWrites | undefined;
  /** For tests only. */
  readonly counterWrites?: CounterWrites | undefined;
}

/** What the code of a module can do that outlives a message unless the instance is rebuilt. */
export interface CodeFacts {
  instructionCount: number;
  changesTablesOrSegments: boolean;
}
