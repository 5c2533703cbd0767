import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sumUp } from './run-tests.ts';

let output = '';
beforeEach(() => {
  output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += text;
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const lastLine = () => output.trimEnd().split('\n').at(-1);

test('suites are added up, skips come with their reasons', () => {
  const code = sumUp([
    { passed: 3, failed: [], unsteady: [], skipped: [{ name: 'a > b', reason: 'no device-mapper' }] },
    { passed: 4, failed: [], unsteady: [], skipped: [] },
  ]);
  expect(code).toBe(0);
  expect(lastLine()).toBe('7 passed, 0 failed, 1 skipped');
  expect(output).toContain('a > b: no device-mapper');
});

test('a failure is a failure', () => {
  expect(sumUp([{ passed: 3, failed: ['x > y'], unsteady: [], skipped: [] }])).toBe(1);
  expect(lastLine()).toBe('3 passed, 1 failed, 0 skipped');
  expect(output).toContain('x > y');
});

test('what passed only at the second try is named', () => {
  expect(sumUp([{ passed: 3, failed: [], unsteady: ['x > y'], skipped: [] }])).toBe(0);
  expect(output).toMatch(/second try.*:\n {2}x > y/);
});

test('a run of no test, or of skips only, is a failure', () => {
  expect(sumUp([])).toBe(1);
  expect(sumUp([{ passed: 0, failed: [], unsteady: [], skipped: [{ name: 'a', reason: 'b' }] }])).toBe(1);
  expect(output).toContain('No test ran.');
});
