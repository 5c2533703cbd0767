/**
 * Every regular expression of the product, those of the schemas included, timed on hostile texts: long runs of each
 * character that patterns care about, behind the words that a pattern begins with and before one that spoils the match.
 * What grows with the square of the length or worse needs seconds here; what is linear needs well below a millisecond.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import '@ryokan/api/methods/index.ts';
import { allMethods } from '@ryokan/api/method.ts';
import { parseAst } from 'vite';
import { expect, test } from 'vitest';
import { filesBelow } from './build.ts';
import { inProject, projectRoot } from './terminal.ts';

/** Length of a hostile text. A call may be 512 KiB long. */
const length = 20_000;
/** Milliseconds that one match may take. */
const limit = 100;

/** Patterns that are slow on long texts and never get one. */
const shortTexts: Readonly<Record<string, string>> = {
  '\\{([^}]+)\\}': 'paths of method records and of configuration, written by us',
  '\\s*\\\\\\n\\s*': "the node's own /etc/network/interfaces, which only root writes",
  'Failed to get .* lock': "QEMU's words; its log is read to 64 KiB at most, by lines",
  '^-+|-+$': 'names of imported machines, cut to their length before',
  '[.-]+$': 'names of imported machines, cut to their length before',
};

const runs = [
  'a',
  'A',
  '0',
  ' ',
  '\t',
  '\n',
  '-',
  '.',
  ':',
  '/',
  ',',
  ';',
  '=',
  '%',
  '_',
  '"',
  '\\',
  '#',
  '@',
  'a,',
  'a=',
  '=,',
  ' \n',
  'é',
];

interface Found {
  readonly pattern: string;
  readonly flags: string;
  readonly where: string;
}

function inSources(): Found[] {
  const files = ['api', 'server', 'cli']
    .flatMap((name) => filesBelow(inProject('packages', name, 'src'), { tests: false }))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));
  return files.flatMap((path) => {
    const found: Found[] = [];
    const walk = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      if ('type' in node && node.type === 'Literal' && 'regex' in node && node.regex)
        found.push({ ...(node.regex as Omit<Found, 'where'>), where: relative(projectRoot, path) });
      else for (const value of Object.values(node)) walk(value);
    };
    walk(parseAst(readFileSync(path, 'utf8'), { lang: 'ts' }));
    return found;
  });
}

function inSchemas(): Found[] {
  const found: Found[] = [];
  const walk = (schema: unknown, where: string): void => {
    if (typeof schema !== 'object' || schema === null) return;
    if ('pattern' in schema && typeof schema.pattern === 'string')
      found.push({ pattern: `^(?:${schema.pattern})$`, flags: '', where });
    for (const value of Object.values(schema)) walk(value, where);
  };
  for (const method of allMethods()) walk(method.params, `parameters of ${method.id}`);
  return found;
}

/** The words that a match begins with, as far as they stand there plainly. */
function beginning(pattern: string): string {
  const plain = /^\^?\(?(?:\?:)?([\w :;,"'=@/-]*)/.exec(pattern)?.[1] ?? '';
  // A character before a quantifier belongs to it.
  return /^[*+?{]/.test(pattern.slice(pattern.indexOf(plain) + plain.length)) ? plain.slice(0, -1) : plain;
}

function slowest(pattern: string, flags: string): number {
  const regex = new RegExp(pattern, flags);
  const time = (text: string): number => {
    regex.lastIndex = 0;
    const begin = performance.now();
    regex.test(text);
    return performance.now() - begin;
  };
  let worst = 0;
  for (const start of new Set(['', beginning(pattern)])) {
    for (const run of runs) {
      const text = `${start}${run.repeat(Math.ceil(length / run.length))}\u0001`;
      const first = time(text);
      // Another process may have had the processor in between.
      worst = Math.max(worst, first > limit ? Math.min(first, time(text)) : first);
      if (worst > limit) return worst;
    }
  }
  return worst;
}

test('no pattern is slow on a hostile text', { timeout: 120_000 }, () => {
  const all = new Map([...inSources(), ...inSchemas()].map((one) => [`${one.pattern}/${one.flags}`, one]));
  expect(all.size).toBeGreaterThan(400);
  const slow: string[] = [];
  for (const { pattern, flags, where } of all.values()) {
    if (Object.hasOwn(shortTexts, pattern)) continue;
    const time = slowest(pattern, flags);
    if (time > limit) slow.push(`${where}: /${pattern}/${flags} took ${Math.round(time)} ms`);
  }
  expect(slow).toEqual([]);
});

test('the timing notices what it is there for', { timeout: 60_000 }, () => {
  expect(slowest('\\s+$', '')).toBeGreaterThan(limit);
  expect(slowest('^x: a*$', '')).toBeLessThan(limit);
});
