import { defineConfig } from 'vitest/config';
import { stackFlags } from './tools/lib/stack.mjs';

export default defineConfig({
  test: {
    include: ['src/**/*.test.{ts,tsx}', 'tests/**/*.test.ts'],
    environment: 'node',
    // The reference machine has two cores; more workers only make timings noisy.
    maxWorkers: 2,
    testTimeout: 180_000,
    // Canisters have the stack that they have in the page.
    pool: 'forks',
    execArgv: stackFlags(),
    allowOnly: false,
    passWithNoTests: false,
  },
});
