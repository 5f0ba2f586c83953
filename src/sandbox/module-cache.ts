import { present } from '../base/assert.ts';
import { hexToBytes } from '../base/hex.ts';
import type { CodedError, Result } from '../base/result.ts';
import { codedError, err, ok } from '../base/result.ts';
import type { InstrumentedModule } from '../protocol/execution/wasm/instrument.ts';
import { refusalText } from '../protocol/execution/wasm/reader.ts';
import { instrument } from '../protocol/execution/wasm/instrument.ts';
import type { HashHex } from '../protocol/types/ids.ts';

/** A canister module ready to be instantiated. Structured-cloneable. */
export interface CompiledModule {
  readonly instrumented: Omit<InstrumentedModule, 'wasm'>;
  readonly module: WebAssembly.Module;
}

export type CompileResult = Result<CompiledModule, CodedError<'IC0505'>>;

/** Modules kept at once; beyond it the least recently used goes and is asked for again. */
const MAX_MODULES = 128;

/** (module (memory i64 1) (table i64 1 funcref)) */
const MEMORY64_PROBE = hexToBytes('0061736d01000000' + '040401700401' + '0503010401');

/** Whether this engine runs 64-bit memories and tables; Node before 24 does not. */
export function engineHasMemory64(): boolean {
  return WebAssembly.validate(present(MEMORY64_PROBE, 'the probe is hex') as BufferSource);
}

function invalidModule(): CompileResult {
  // The engine's own words differ from engine to engine and would split the nodes.
  return err(
    codedError(
      'reject',
      'IC0505',
      refusalText('the code does not type-check or uses a disabled feature', 'engine'),
    ),
  );
}

/** What became of modules, by hash. Sandboxes in one thread may share a cache. */
export class ModuleCache {
  readonly #lowersMemory64: boolean;
  readonly #modules = new Map<HashHex, CompileResult>();

  constructor(lowersMemory64: boolean = !engineHasMemory64()) {
    this.#lowersMemory64 = lowersMemory64;
  }

  /** Undefined = it was not compiled here, or too long ago. */
  get(hash: HashHex): CompileResult | undefined {
    const found = this.#modules.get(hash);
    if (found !== undefined) {
      this.#modules.delete(hash);
      this.#modules.set(hash, found);
    }
    return found;
  }

  /** Checks, instruments and compiles a module, or answers from the cache. */
  compile(hash: HashHex, wasm: Uint8Array): CompileResult {
    const cached = this.get(hash);
    if (cached !== undefined) {
      return cached;
    }
    const result = this.#compile(wasm);
    this.adopt(hash, result);
    return result;
  }

  /** Takes over what another cache, of the same engine, made of the module with this hash. */
  adopt(hash: HashHex, result: CompileResult): void {
    this.#modules.set(hash, result);
    for (const oldest of this.#modules.keys()) {
      if (this.#modules.size <= MAX_MODULES) {
        break;
      }
      this.#modules.delete(oldest);
    }
  }

  #compile(wasm: Uint8Array): CompileResult {
    const instrumented = instrument(wasm, { lowerMemory64: this.#lowersMemory64 });
    if (!instrumented.ok) {
      return instrumented;
    }
    const compiled = this.#compileInstrumented(wasm, instrumented.value);
    return compiled === undefined ? invalidModule() : ok(compiled);
  }

  /** Where the engine can judge the original it does; a lowered module is judged as rewritten. */
  #compileInstrumented(
    wasm: Uint8Array,
    { wasm: rewritten, ...instrumented }: InstrumentedModule,
  ): CompiledModule | undefined {
    if (!this.#lowersMemory64 && !WebAssembly.validate(wasm as BufferSource)) {
      return undefined;
    }
    try {
      return {
        instrumented,
        module: new WebAssembly.Module(rewritten as BufferSource),
      };
    } catch (fault) {
      if (fault instanceof WebAssembly.CompileError) {
        return undefined;
      }
      throw fault;
    }
  }
}
