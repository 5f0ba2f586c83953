/** A module's sections, decoded only as far as the rewriter and the IC's rules need. */

export interface FunctionType {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

export interface Limits {
  readonly min: bigint;
  readonly max: bigint | null;
  readonly is64: boolean;
}

export interface ImportedFunction {
  readonly module: string;
  readonly name: string;
  readonly typeIndex: number;
}

export interface GlobalDefinition {
  readonly valueType: number;
  readonly mutable: boolean;
}

export interface ExportEntry {
  readonly name: string;
  /** 0 function, 1 table, 2 memory, 3 global. */
  readonly kind: number;
  readonly index: number;
}

export interface ElementSegment {
  /** Null when passive or declarative. */
  readonly active: {
    readonly table: number;
    readonly flags: number;
    readonly offsetOpcode: number;
    readonly offset: bigint;
  } | null;
  /** Range of the segment's bytes, and of what follows its offset expression. */
  readonly start: number;
  readonly restStart: number;
  readonly end: number;
}

export interface DataSegment {
  readonly active: { readonly offsetOpcode: number; readonly offset: bigint } | null;
  readonly start: number;
  /** Where the length-prefixed bytes begin. */
  readonly restStart: number;
  readonly end: number;
  readonly length: number;
}

export interface CustomSection {
  readonly name: string;
  readonly content: Uint8Array;
  /** The whole payload, name included. */
  readonly payload: Uint8Array;
}

export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface ParsedModule {
  readonly bytes: Uint8Array;
  /** Payload of every non-custom section by id. */
  readonly sections: ReadonlyMap<number, Range>;
  readonly customSections: readonly CustomSection[];
  readonly types: readonly FunctionType[];
  readonly imports: readonly ImportedFunction[];
  /** Type index of every defined function. */
  readonly functions: readonly number[];
  readonly tables: readonly (Limits & { readonly refType: number })[];
  readonly memory: Limits | null;
  readonly globals: readonly GlobalDefinition[];
  readonly exports: readonly ExportEntry[];
  readonly start: number | null;
  readonly elements: readonly ElementSegment[];
  readonly data: readonly DataSegment[];
  /** Bodies of the defined functions, without their size prefix. */
  readonly bodies: readonly Range[];
}

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
} as const;

/** The order in which sections must appear. */
export const SECTION_ORDER: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];
