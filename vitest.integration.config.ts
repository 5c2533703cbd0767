import { defineConfig } from 'vitest/config';

/**
 * Suites with real components (root, QEMU, a browser). One file at a time: they share the machine's cores with emulated
 * guests, and the time limits inside them assume that nothing else boots meanwhile.
 */
export default defineConfig({
  test: {
    include: ['test/integration/**/*.test.ts', 'packages/web/test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
