/** The commands of a specification test, as wast2json writes them. */

export type ScriptValue =
  | {
      readonly type: 'i32' | 'i64' | 'f32' | 'f64' | 'externref' | 'funcref';
      /** Bits in decimal, a NaN pattern, `null`, or the number of a host reference. */
      readonly value?: string;
    }
  | {
      readonly type: 'v128';
      readonly lane_type: 'i8' | 'i16' | 'i32' | 'i64' | 'f32' | 'f64';
      readonly value: readonly string[];
    };

export interface Action {
  readonly type: 'invoke' | 'get';
  readonly module?: string;
  readonly field: string;
  readonly args?: readonly ScriptValue[];
}

export type Command =
  | {
      readonly type: 'module';
      readonly line: number;
      readonly name?: string;
      readonly filename: string;
    }
  | {
      readonly type: 'register';
      readonly line: number;
      readonly name?: string;
      readonly as: string;
    }
  | { readonly type: 'action'; readonly line: number; readonly action: Action }
  | {
      readonly type: 'assert_return';
      readonly line: number;
      readonly action: Action;
      readonly expected: readonly ScriptValue[];
    }
  | {
      readonly type: 'assert_trap' | 'assert_exhaustion';
      readonly line: number;
      readonly action: Action;
      readonly text: string;
    }
  | {
      readonly type:
        | 'assert_malformed'
        | 'assert_invalid'
        | 'assert_unlinkable'
        | 'assert_uninstantiable';
      readonly line: number;
      readonly filename: string;
      readonly text: string;
      readonly module_type: 'binary' | 'text';
    };

/** One test file: its commands, and the modules they name. */
export interface Script {
  readonly name: string;
  readonly commands: readonly Command[];
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** What the original does hangs on NaN bits, which are the engine's choice: only the hash counts. */
  readonly originalMayDiffer?: boolean;
  /** Rewritten modules have a stack in segments of so many bytes; absent = in one piece. */
  readonly segmentBytes?: number;
}
