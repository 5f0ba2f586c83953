/** Limits of a canister module. @upstream rs/config/src/embedders.rs (2025-07) unless said otherwise. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Size of an uploaded module, uncompressed. */
export const MAX_MODULE_BYTES = 100 * MIB;
export const MAX_CODE_SECTION_BYTES = 11 * MIB;
export const MAX_FUNCTIONS = 50_000;
export const MAX_GLOBALS = 1000;
/** `canister_update`, `canister_query` and `canister_composite_query` exports together. */
export const MAX_EXPORTED_METHODS = 1000;
export const MAX_EXPORTED_NAME_BYTES = 20_000;
export const MAX_CUSTOM_SECTIONS = 16;
/** All `icp:` sections together, names included. */
export const MAX_CUSTOM_SECTIONS_BYTES = MIB;
export const MAX_FUNCTION_INSTRUCTIONS = 1_000_000;
export const MAX_FUNCTION_COMPLEXITY = 1_000_000;
/** A 32-bit heap: 4 GiB in 64 KiB pages, less the 16 that hold the marks of written pages. */
export const MAX_HEAP32_WASM_PAGES = 65_536 - 16;
/** A 64-bit heap: 6 GiB in 64 KiB pages. */
export const MAX_HEAP64_WASM_PAGES = 98_304;
/** Types, tables, elements, segments and the like: far above any toolchain, small enough for a tab. */
export const MAX_SECTION_ENTRIES = 1_000_000;
/** @upstream wasmparser#MAX_WASM_TABLES */
export const MAX_TABLES = 100;
/** Elements that all tables have at first; engines take as many in one. @upstream wasmparser#MAX_WASM_TABLE_ENTRIES */
export const MAX_TABLE_ELEMENTS = 10_000_000n;
/** Parameters or results of one function type; the engines' own limit. */
export const MAX_TYPE_ARITY = 1000;
/** Locals of one function; the engines' own limit. */
export const MAX_FUNCTION_LOCALS = 50_000;

/**
 * Stack that one run may use, counted in frames as below. The smallest native stack that runs
 * canisters is that of a dedicated worker in Chromium, about 500 KB; host functions, leaves and
 * appended functions need some of it too. The IC has 5 MiB.
 */
export const STACK_BUDGET_BYTES = 350 * 1024;
/** A frame costs this much, and so much for each parameter, local and operand (twice for vectors). */
export const FRAME_BYTES = 112;
export const FRAME_SLOT_BYTES = 8;
/** A function that calls none may have a frame of this size without being counted. */
export const LEAF_FRAME_BYTES = 1024;
