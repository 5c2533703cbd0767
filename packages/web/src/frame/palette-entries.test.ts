import { describe, expect, it } from 'vitest';
import { findEntries, type PaletteEntry } from './palette-entries.ts';

const entry = (title: string, words = '', rank = 0): PaletteEntry => ({
  key: title,
  kind: 'object',
  title,
  words,
  rank,
});
const entries = [
  entry('100 web-1', 'prod'),
  entry('101 db', 'prod pve1'),
  entry('110 webmail'),
  entry('1000 old-web'),
];
const titles = (text: string) => findEntries(entries, text).map((one) => one.title);

describe('findEntries', () => {
  it('needs every word, in title or tags', () => {
    expect(titles('prod db')).toEqual(['101 db']);
    expect(titles('prod nothing')).toEqual([]);
  });
  it('puts hits at the start first', () => {
    expect(titles('100')).toEqual(['100 web-1', '1000 old-web']);
    expect(titles('web')[0]).toBe('100 web-1');
  });
  it('keeps the given order and rank without a text', () => {
    const ranked = [entry('a'), entry('b', '', 5), entry('c')];
    expect(findEntries(ranked, '').map((one) => one.title)).toEqual(['b', 'a', 'c']);
  });
  it('answers fast with 10,000 entries and returns at most 50', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => entry(`${i} vm-${i}`));
    // The best of some tries: a busy machine says nothing about the search.
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      expect(findEntries(many, 'vm')).toHaveLength(50);
      return performance.now() - start;
    });
    expect(Math.min(...times)).toBeLessThan(100);
  });
});
