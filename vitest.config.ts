import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.{ts,tsx}', 'tests/**/*.test.ts'],
    environment: 'node',
    // The reference machine has two cores; more workers only make timings noisy.
    maxWorkers: 2,
    testTimeout: 180_000,
    allowOnly: false,
    passWithNoTests: false,
  },
});
