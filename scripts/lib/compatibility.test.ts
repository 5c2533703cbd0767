import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inProject } from './terminal.ts';

/** Areas of which operations are missing; the large area `cluster` by its parts: `cluster/ha`. */
function incompleteAreas(): string[] {
  const page = readFileSync(inProject('docs', 'generated', 'api-coverage.md'), 'utf8');
  const rows = [...page.matchAll(/^\| ([a-z/-]+) \| (\d+) \| (\d+) \|$/gm)];
  const areas = rows
    .filter(([, area, there, all]) => area !== 'all' && area !== 'cluster' && Number(there) < Number(all))
    .map(([, area]) => String(area));
  const missing = page.slice(page.indexOf('## Not there yet'));
  const ofCluster = [...missing.matchAll(/^- `[A-Z]+ \/(cluster\/[a-z-]+)/gm)].map(([, area]) =>
    String(area),
  );
  return [...new Set([...areas, ...ofCluster])].sort();
}

/** Areas that the guide names as missing, each with its reason. */
function listedAreas(): string[] {
  const guide = readFileSync(inProject('docs', 'guide', 'compatibility.md'), 'utf8');
  const table = guide.slice(guide.indexOf('## What is missing'));
  return [...table.matchAll(/^\| ([a-z/, -]+) \| [^|]+ \|$/gm)]
    .flatMap(([, areas = '']) => areas.trim().split(', '))
    .filter((area) => area !== 'area')
    .sort();
}

test('the guide lists exactly the areas of which operations are missing, once each', () => {
  const incomplete = incompleteAreas();
  expect(incomplete.length).toBeGreaterThan(0);
  expect(listedAreas()).toEqual(incomplete);
});
