import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatDuration,
  formatPercent,
  formatRate,
  formatRelative,
  parseSize,
} from './format.ts';

describe('sizes', () => {
  it('have a binary unit and about three digits', () => {
    expect(formatBytes(0, 'en')).toBe('0 B');
    expect(formatBytes(1023, 'en')).toBe('1 KiB');
    expect(formatBytes(1536 * 1024 ** 2, 'en')).toBe('1.5 GiB');
    expect(formatBytes(32 * 1024 ** 3, 'ja')).toBe('32 GiB');
    expect(formatBytes(1024 ** 3 - 1, 'en')).toBe('1 GiB');
    expect(formatRate(2048, 'en')).toBe('2 KiB/s');
  });
  it('are read as configuration files write them', () => {
    expect(parseSize('32G')).toBe(32 * 1024 ** 3);
    expect(parseSize('528K')).toBe(528 * 1024);
    expect(parseSize('1.5M')).toBe(1.5 * 1024 ** 2);
    expect(parseSize('')).toBeUndefined();
    expect(parseSize('3x')).toBeUndefined();
  });
});

describe('shares and durations', () => {
  it('show a digit more when small', () => {
    expect(formatPercent(0.004, 'en')).toBe('0.4%');
    expect(formatPercent(0.42, 'en')).toBe('42%');
    expect(formatPercent(0, 'en')).toBe('0%');
  });
  it('show the two largest units', () => {
    expect(formatDuration(3 * 86400 + 4 * 3600 + 59, 'en')).toBe('3d 4h');
    expect(formatDuration(60, 'en')).toBe('1m');
    expect(formatDuration(0, 'en')).toBe('0s');
    expect(formatDuration(3661, 'ja')).toBe('1 時間 1 分');
  });
});

describe('relative times', () => {
  it('go from seconds to months', () => {
    expect(formatRelative(100, 103, 'en')).toBe('now');
    expect(formatRelative(0, 42, 'en')).toBe('40 sec. ago');
    expect(formatRelative(0, 600, 'en')).toBe('10 min. ago');
    expect(formatRelative(0, 7200, 'ja')).toBe('2 時間前');
    expect(formatRelative(86400 * 3, 0, 'en')).toBe('in 3 days');
  });
});
