import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Chunks whose size has a budget of its own (.size-limit.json). */
const CHUNKS: readonly (readonly [name: string, packages: RegExp])[] = [
  ['react', /node_modules\/(?:react|react-dom|scheduler|zustand)\//],
  ['monaco', /node_modules\/monaco-editor\//],
  ['d3', /node_modules\/(?:d3|d3-[a-z-]+|internmap|delaunator|robust-predicates)\//],
];

export default defineConfig({
  base: './',
  plugins: [react()],
  worker: { format: 'es' },
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
