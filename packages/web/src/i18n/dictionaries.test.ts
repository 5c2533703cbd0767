import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from './en.ts';
import { ja } from './ja.ts';

const english: Readonly<Record<string, string>> = en;
const japanese: Readonly<Record<string, string>> = ja;

/** Without the plural ending: English has two forms, Japanese one. */
const base = (key: string) => key.replace(/_(one|other)$/, '');
const bases = (dictionary: Readonly<Record<string, string>>) =>
  [...new Set(Object.keys(dictionary).map(base))].sort();
const placeholders = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();

function sources(): string {
  const root = join(import.meta.dirname, '..');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.startsWith('i18n/') && !name.includes('.test.'))
    .map((name) => readFileSync(join(root, name), 'utf8'))
    .join('\n');
}

describe('dictionaries', () => {
  it('have the same keys', () => {
    expect(bases(japanese)).toEqual(bases(english));
  });
  it('have the same placeholders', () => {
    const different = Object.entries(japanese).filter(([key, text]) => {
      const other = english[key] ?? english[`${base(key)}_other`] ?? '';
      return placeholders(text).join() !== placeholders(other).join();
    });
    expect(different).toEqual([]);
  });
  it('have both plural forms in English, one in Japanese', () => {
    const plurals = Object.keys(english).filter((key) => key.endsWith('_other'));
    expect(plurals.filter((key) => !(`${base(key)}_one` in english))).toEqual([]);
    expect(Object.keys(japanese).filter((key) => key.endsWith('_one'))).toEqual([]);
  });
  it('have no key that nothing uses', () => {
    const text = sources();
    expect(bases(english).filter((key) => !text.includes(`'${key}'`))).toEqual([]);
  });
  it('leave no Japanese text in English, except for names', () => {
    const same = Object.entries(japanese).filter(
      ([key, text]) => text === english[key] && !/^[A-Z0-9{}:/ .+-]*$/.test(text),
    );
    expect(same).toEqual([]);
  });
});
