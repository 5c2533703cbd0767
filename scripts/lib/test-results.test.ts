import { expect, test } from 'vitest';
import { secondTry } from './test-results.ts';

const file = (name: string, passed: number, failed: string[] = []) => ({
  ...{ file: name, passed, failed },
  skipped: [{ name: `${name} > away`, reason: 'no such hardware' }],
});

test('files are added up', () => {
  expect(secondTry([file('a', 3), file('b', 1, ['b > x'])], [])).toMatchObject({
    ...{ passed: 4, failed: ['b > x'], unsteady: [] },
    skipped: [{ name: 'a > away' }, { name: 'b > away' }],
  });
});

test('a file that ran again counts once, and what failed at first stays named', () => {
  const first = [file('a', 3), file('b', 1, ['b > x', 'b > y'])];
  expect(secondTry(first, [file('b', 2, ['b > y'])])).toMatchObject({
    ...{ passed: 5, failed: ['b > y'], unsteady: ['b > x'] },
    skipped: [{ name: 'a > away' }, { name: 'b > away' }],
  });
});

test('what breaks only at the second try, and errors that belong to no file, are failures', () => {
  const stray = { passed: 0, failed: ['error outside of a test: x'], skipped: [] };
  const result = secondTry([file('a', 1, ['a > x']), stray], [file('a', 1, ['a > z'])]);
  expect(result.failed).toEqual(['error outside of a test: x', 'a > z']);
  expect(result.unsteady).toEqual(['a > x']);
});
