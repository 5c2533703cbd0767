import { expect, test } from 'vitest';
import { parseStats } from './figures.ts';

const unknown = 2 ** 64 - 1;
const stats = {
  'stat-total-memory': 1000,
  'stat-free-memory': 100,
  'stat-available-memory': 700,
  'stat-swap-in': 0,
  'stat-swap-out': unknown,
  'stat-major-faults': 12,
  'stat-minor-faults': -1,
};

test('what the driver knows, and what can still be used instead of what is empty', () => {
  expect(parseStats({ 'last-update': 5, stats })).toEqual({
    time: 5,
    total: 1000,
    free: 700,
    swapIn: 0,
    majorFaults: 12,
  });
});

test('an older driver tells free memory only', () => {
  expect(parseStats({ 'last-update': 5, stats: { ...stats, 'stat-available-memory': unknown } })?.free).toBe(
    100,
  );
});

test('nothing before the first report', () => {
  expect(parseStats({ 'last-update': 0, stats })).toBeUndefined();
  expect(parseStats({ 'last-update': 5, stats: { 'stat-total-memory': unknown } })).toBeUndefined();
});
