import { expect, it } from 'vitest';
import { parseSections } from '../cluster/section-document.ts';
import { guestsInJobs } from './job-selection.ts';

const guests = [
  { vmid: 100, node: 'a' },
  { vmid: 101, node: 'b' },
  { vmid: 102, node: 'a', pool: 'web' },
  { vmid: 103, node: 'b', pool: 'web' },
  { vmid: 104, node: 'a', pool: 'web/inner' },
];

const rows: readonly (readonly [job: string, expected: readonly number[], why: string])[] = [
  ['', [], 'no job'],
  ['vzdump: one\n\tvmid 100,103\n', [100, 103], 'by number'],
  ['vzdump: one\n\tenabled 0\n\tall 1\n', [], 'a job that is switched off saves nothing'],
  ['vzdump: one\n\tall 1\n\texclude 100;104\n', [101, 102, 103], 'all but some'],
  ['vzdump: one\n\tall 1\n\tnode a\n', [100, 102, 104], 'all of a node'],
  ['vzdump: one\n\tpool web\n', [102, 103], 'a pool without those inside it'],
  ['vzdump: one\n\tpool web\n\tnode b\n', [103], 'a pool on one node'],
  ['realm-sync: one\n\tall 1\n', [], 'a job of another kind'],
  ['vzdump: one\n\tvmid 100\nvzdump: two\n\tpool web\n', [100, 102, 103], 'jobs add up'],
];

it.each(rows)('%j includes %j: %s', (text, expected) => {
  expect([...guestsInJobs(parseSections(text), guests)].sort()).toEqual(expected);
});
