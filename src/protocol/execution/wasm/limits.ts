/** Limits of a canister module. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes of an uploaded module, uncompressed. @upstream rs/config/src/embedders.rs#WASM_MAX_SIZE */
export const MAX_MODULE_BYTES = 100 * MIB;
/** Bytes of its code. @upstream rs/config/src/embedders.rs#MAX_CODE_SECTION_SIZE_IN_BYTES */
export const MAX_CODE_SECTION_BYTES = 11 * MIB;
/** Functions that it defines. @upstream rs/config/src/embedders.rs#MAX_FUNCTIONS */
export const MAX_FUNCTIONS = 50_000;
/** Globals. @upstream rs/config/src/embedders.rs#MAX_GLOBALS */
export const MAX_GLOBALS = 1000;
/** `canister_update`, `canister_query` and `canister_composite_query` exports together. @upstream rs/embedders/src/wasm_utils/validation.rs#MAX_NUMBER_EXPORTED_FUNCTIONS */
export const MAX_EXPORTED_METHODS = 1000;
/** Bytes of all their names. @upstream rs/embedders/src/wasm_utils/validation.rs#MAX_SUM_EXPORTED_FUNCTION_NAME_LENGTHS */
export const MAX_EXPORTED_NAME_BYTES = 20_000;
/** Custom sections named `icp:`. @upstream rs/config/src/embedders.rs#MAX_CUSTOM_SECTIONS */
export const MAX_CUSTOM_SECTIONS = 16;
/** All `icp:` sections together, names included. @upstream rs/config/src/embedders.rs#MAX_CUSTOM_SECTIONS_SIZE */
export const MAX_CUSTOM_SECTIONS_BYTES = MIB;
/** WebAssembly instructions of one function. @upstream rs/embedders/src/wasm_utils/validation.rs#WASM_FUNCTION_SIZE_LIMIT */
export const MAX_FUNCTION_INSTRUCTIONS = 1_000_000;
/** Complexity of one function, by the IC's weights. @upstream rs/embedders/src/wasm_utils/validation.rs#WASM_FUNCTION_COMPLEXITY_LIMIT */
export const MAX_FUNCTION_COMPLEXITY = 1_000_000;
/** A 32-bit heap: 4 GiB in 64 KiB pages, less the 16 that hold the marks of written pages. @playground 65,536: the marks are no part of the heap there. */
export const MAX_HEAP32_WASM_PAGES = 65_536 - 16;
/** A 64-bit heap: 6 GiB in 64 KiB pages. @upstream rs/types/types#MAX_WASM64_MEMORY_IN_BYTES */
export const MAX_HEAP64_WASM_PAGES = 98_304;
/** Types, tables, elements, segments and the like: far above any toolchain, small enough for a tab. @playground the IC leaves it to its engine. */
export const MAX_SECTION_ENTRIES = 1_000_000;
/** Tables. @upstream wasmparser#MAX_WASM_TABLES */
export const MAX_TABLES = 100;
/** Elements that all tables have at first; engines take as many in one. @upstream wasmparser#MAX_WASM_TABLE_ENTRIES */
export const MAX_TABLE_ELEMENTS = 10_000_000n;
/** Parameters or results of one function type; the engines' own limit. @upstream wasmparser#MAX_WASM_FUNCTION_PARAMS */
export const MAX_TYPE_ARITY = 1000;
/** Locals of one function; the engines' own limit. @upstream wasmparser#MAX_WASM_FUNCTION_LOCALS */
export const MAX_FUNCTION_LOCALS = 50_000;

/**
 * Stack that one run may use, counted in frames as below, where the engine can continue calls on
 * further stacks (JSPI) or has so large a one.
 * @upstream rs/embedders/src/lib.rs#MAX_WASM_STACK_SIZE
 */
export const STACK_BYTES = 5 * MIB;
/**
 * The same where the engine cannot. The smallest native stack that runs canisters is that of a
 * dedicated worker in Chromium, about 500 KB; host functions, leaves and appended functions need
 * some of it too. @playground there is no such host.
 */
export const SMALL_STACK_BYTES = 350 * KIB;
/** A function whose frame is larger has never room for it: one native stack must hold any frame. @playground 5 MiB, as the whole stack. */
export const MAX_FRAME_BYTES = 512 * KIB;
/** A frame costs this much, and so much for each parameter, local and operand (twice for vectors). @playground frames are the engine's. */
export const FRAME_BYTES = 80;
/** Of a frame, for each parameter, local and operand. @playground frames are the engine's. */
export const FRAME_SLOT_BYTES = 8;
/** A function that calls none may have a frame of this size without being counted. @playground frames are the engine's. */
export const LEAF_FRAME_BYTES = 1024;
