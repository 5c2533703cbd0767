import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inProject } from './terminal.ts';

/** Areas of docs/generated/api-coverage.md of which operations are missing. */
function incompleteAreas(): string[] {
  const page = readFileSync(inProject('docs', 'generated', 'api-coverage.md'), 'utf8');
  const rows = [...page.matchAll(/^\| ([a-z/-]+) \| (\d+) \| (\d+) \|$/gm)];
  return rows
    .filter(([, area, there, all]) => area !== 'all' && Number(there) < Number(all))
    .map(([, area]) => area as string);
}

test('the guide gives a reason for every area of which operations are missing', () => {
  const guide = readFileSync(inProject('docs', 'guide', 'compatibility.md'), 'utf8');
  const listed = new Set(
    [...guide.matchAll(/^\| ([a-z/, -]+) \| [^|]+ \|$/gm)].flatMap(([, areas = '']) =>
      areas.trim().split(', '),
    ),
  );
  const incomplete = incompleteAreas();
  expect(incomplete.length).toBeGreaterThan(0);
  expect(incomplete.filter((area) => !listed.has(area))).toEqual([]);
});
