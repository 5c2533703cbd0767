import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { releasePages, takePages, wantedSizes } from './hugepages.ts';

let sys: string;
const pool = () => join(sys, 'kernel/mm/hugepages/hugepages-2048kB');
const total = () => readFileSync(join(pool(), 'nr_hugepages'), 'utf8');

beforeEach(() => {
  sys = mkdtempSync(join(tmpdir(), 'ryokan-hugepages-'));
  mkdirSync(pool(), { recursive: true });
  for (const [name, value] of Object.entries({ nr: 10, free: 6, resv: 2 }))
    writeFileSync(join(pool(), `${name}_hugepages`), String(value));
});
afterEach(() => rmSync(sys, { recursive: true, force: true }));

it('takes only the pages that are missing, and gives as many back', () => {
  const taken = takePages(2, new Map([[undefined, 64]]), sys);
  expect(taken).toEqual([{ size: 2, count: 28 }]);
  expect(total()).toBe('38');
  writeFileSync(join(pool(), 'free_hugepages'), '34');
  releasePages(taken, sys);
  expect(total()).toBe('10');
});

it('takes none when enough are free, and gives none back that others use', () => {
  expect(takePages(2, new Map([[undefined, 8]]), sys)).toEqual([]);
  releasePages([{ size: 2, count: 9 }], sys);
  expect(total()).toBe('6');
});

it('all or nothing: what was taken for one NUMA node goes back when another has none', () => {
  const needs = new Map<number | undefined, number>([
    [undefined, 64],
    [1, 64],
  ]);
  expect(() => takePages(2, needs, sys)).toThrow(/no huge pages of 2 MiB/);
  // Free pages do not grow with this pool, so only the four that were free at first can be given back.
  expect(total()).toBe('34');
});

it('any: pages of 1 GiB where the memory is a multiple of them', () => {
  expect(wantedSizes('any', new Map([[undefined, 2048]]))).toEqual([1024, 2]);
  expect(wantedSizes('any', new Map([[undefined, 1536]]))).toEqual([2]);
  expect(() => wantedSizes('1024', new Map([[undefined, 1536]]))).toThrow(/1536 MiB cannot be divided/);
});
