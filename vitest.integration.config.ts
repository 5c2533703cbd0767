import { defineConfig } from 'vitest/config';

/**
 * Suites with real components (root, QEMU, a browser). Two files at a time: most of what they do is waiting for emulated
 * guests, and the time limits inside them assume that nothing else boots meanwhile.
 */
export default defineConfig({
  test: {
    include: [
      'test/integration/**/*.test.ts',
      'test/clients/**/*.test.ts',
      'test/contract/**/*.test.ts',
      'test/fuzz/**/*.test.ts',
      'packages/web/test/**/*.test.ts',
    ],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
