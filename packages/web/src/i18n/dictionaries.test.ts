import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadPart, type Part } from './parts.ts';

const parts: readonly Part[] = ['base', 'guests', 'apiDocs', 'rights', 'realms', 'account'];
const english = await wholeOf('en');
const japanese = await wholeOf('ja');

async function wholeOf(language: 'en' | 'ja'): Promise<Readonly<Record<string, string>>> {
  return Object.assign({}, ...(await Promise.all(parts.map((part) => loadPart(language, part)))));
}

/** Without the plural ending: English has two forms, Japanese one. */
const base = (key: string) => key.replace(/_(one|other)$/, '');
const bases = (dictionary: Readonly<Record<string, string>>) =>
  [...new Set(Object.keys(dictionary).map(base))].sort();
const placeholders = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();

const root = join(import.meta.dirname, '..');

/** Text of each source file by its path below src. */
const sources = new Map(
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.startsWith('i18n/') && !name.includes('.test.'))
    .map((name) => [name, readFileSync(join(root, name), 'utf8')]),
);

/** Files that the page may run without having loaded a part: what no `lazyPage` of that part stands before. */
function reachedWithout(part: Part): string[] {
  const seen = new Set<string>();
  const todo = ['main.tsx'];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const text = sources.get(name);
    if (text === undefined || seen.has(name)) continue;
    seen.add(name);
    const guarded = new RegExp(`lazyPage\\('${part}', \\(\\) => import\\('[^']+'\\)`, 'g');
    const open = text.replaceAll(guarded, '').replaceAll(/import type [^;]*;/g, '');
    for (const [, path] of open.matchAll(/(?:from|import\(|import) ?'(\.[^']+)'/g))
      todo.push(join(dirname(name), path as string));
  }
  return [...seen];
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
    const text = [...sources.values()].join('\n');
    expect(bases(english).filter((key) => !text.includes(`'${key}'`))).toEqual([]);
  });
  it.each(['guests', 'apiDocs', 'rights', 'realms'] as const)(
    'have the part %s loaded wherever a key of it is used',
    async (part) => {
      const keys = bases(await loadPart('en', part));
      const users = reachedWithout(part);
      expect(users.length).toBeGreaterThan(50);
      const missing = users.flatMap((name) =>
        keys.filter((key) => sources.get(name)?.includes(`'${key}'`)).map((key) => `${name}: ${key}`),
      );
      expect(missing).toEqual([]);
    },
  );
  it('leave no Japanese text in English, except for names', () => {
    const same = Object.entries(japanese).filter(
      ([key, text]) => text === english[key] && !/^[A-Z0-9{}:/ .+-]*$/.test(text),
    );
    expect(same).toEqual([]);
  });
});
