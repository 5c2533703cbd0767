import { defineConfig } from 'vitest/config';

/** Unit and golden tests stand beside the code; suites that need root or real components live in test/. */
export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'packages/*/src/**/*.test.tsx', 'scripts/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Half of the time goes into loading the same modules for each file. A test leaves no state in them behind.
    isolate: false,
  },
});
