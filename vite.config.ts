import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** Chunks whose size has a budget of its own (.size-limit.json). */
const CHUNKS: readonly (readonly [name: string, packages: RegExp])[] = [
  ['react', /node_modules\/(?:react|react-dom|scheduler|zustand)\//],
  ['monaco', /node_modules\/monaco-editor\//],
  ['d3', /node_modules\/(?:d3|d3-[a-z-]+|internmap|delaunator|robust-predicates)\//],
];

/**
 * Tells Chromium to compile functions while it parses them, most being called soon: what it keeps for the
 * next visit is the code that is there when the module was run. Measured with Node for a node's code, ms of
 * CPU: 103 instead of 24 and some 100 later, and with the kept code 20 instead of 5 and some 100 later.
 */
const COMPILE_ALL = '//# allFunctionsCalledOnLoad';

const SLOW_BASE64 = 'Uint8Array.from(atob(wasmBase64), function (c) { return c.charCodeAt(0); })';

/** mcl-wasm decodes its half a megabyte a character at a time, in each worker again. */
function fastBase64(): Plugin {
  return {
    name: 'mcl-wasm-base64',
    transform: {
      filter: { id: /\/mcl-wasm\/.*\/?mcl_c\.js/ },
      handler: (code) => {
        if (!code.includes(SLOW_BASE64)) {
          throw new TypeError('mcl-wasm decodes its module in another way than before');
        }
        const fast = `(Uint8Array.fromBase64 ? Uint8Array.fromBase64(wasmBase64) : ${SLOW_BASE64})`;
        return { code: code.replace(SLOW_BASE64, fast), map: null };
      },
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [react()],
  worker: {
    format: 'es',
    plugins: () => [fastBase64()],
    rolldownOptions: {
      output: {
        postBanner: ({ name }) => (name === 'node-main' ? COMPILE_ALL : ''),
      },
    },
  },
  build: {
    target: 'esnext',
    sourcemap: false,
    // .size-limit.json is the judge of sizes; this only silences a second, vaguer one.
    chunkSizeWarningLimit: 8_000,
    rolldownOptions: {
      output: {
        codeSplitting: { groups: CHUNKS.map(([name, test]) => ({ name, test })) },
      },
    },
  },
});
