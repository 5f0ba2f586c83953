import { runTypeScript } from './run-typescript.mjs';

process.exit(await runTypeScript('tests/spec/wasm/wasm-spec.ts', process.argv.slice(2)));
