import { defineConfig } from 'vitest/config';
import { stackFlags } from './tools/lib/stack.mjs';

/** Pure code and no canisters: a process that loads its modules once for all files says the same. */
const PURE = [
  'src/{base,wire,ui,app}/**/*.test.{ts,tsx}',
  'src/protocol/!(execution)/**/*.test.ts',
];

export default defineConfig({
  test: {
    environment: 'node',
    // The reference machine has two cores; more workers only make timings noisy.
    maxWorkers: 2,
    testTimeout: 180_000,
    // Canisters have the stack that they have in the page.
    pool: 'forks',
    execArgv: stackFlags(),
    allowOnly: false,
    passWithNoTests: false,
    projects: [
      { extends: true, test: { name: 'pure', include: PURE, isolate: false } },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['src/**/*.test.{ts,tsx}', 'tests/**/*.test.ts'],
          exclude: [...PURE, 'node_modules/**'],
        },
      },
    ],
  },
});
