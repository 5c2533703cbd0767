import { expect, test } from 'vitest';
import { changedLines } from './line-diff.ts';

test.each([
  ['', 'a\n', ['+a']],
  ['a\n', '', ['-a']],
  ['a\nb\nc\n', 'a\nx\nc\n', ['-b', '+x']],
  ['a\nb\n', 'a\nb\n', []],
  ['name: x\ncores: 1\n', 'cores: 2\nname: x\n', ['+cores: 2', '-cores: 1']],
  ['a\nb\nc\nd', 'b\nd\ne', ['-a', '-c', '+e']],
])('%j to %j', (before, after, lines) => {
  expect(changedLines(before, after)).toEqual(lines);
});

test('both texts come out of the lines again, and long ones are compared as sets', () => {
  const text = (lines: readonly number[]) => lines.map((one) => `line ${one}`).join('\n');
  const before = Array.from({ length: 60 }, (_, i) => (i * 7) % 11);
  const after = Array.from({ length: 60 }, (_, i) => (i * 5) % 13);
  const diff = changedLines(text(before), text(after));
  const count = (sign: string) => diff.filter((line) => line.startsWith(sign)).length;
  expect(count('-') - count('+')).toBe(before.length - after.length);
  const long = Array.from({ length: 1001 }, (_, i) => i);
  expect(changedLines(text(long), text(long.map((one) => one + 1)))).toEqual(['-line 0', '+line 1001']);
});
