import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from './exec.ts';
import { withLinePipe } from './line-pipe.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'line-pipe-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function linesOf(script: string): Promise<string[]> {
  const path = join(folder, 'pipe');
  const lines: string[] = [];
  await withLinePipe({ path, every: 5, onLine: (line) => lines.push(line) }, (stdout) =>
    run('sh', ['-c', script], { stdout }),
  );
  expect(existsSync(path)).toBe(false);
  return lines;
}

test('passes on every line of more than a pipe holds, in their order', async () => {
  const lines = await linesOf('seq 1 50000');
  expect(lines).toHaveLength(50_000);
  expect(lines[0]).toBe('1');
  expect(lines.every((line, i) => line === String(i + 1))).toBe(true);
});

test('passes on what stands at the very end, characters of several bytes whole, an endless line in pieces', async () => {
  expect(await linesOf('printf "naïve\\nlast\\n"')).toEqual(['naïve', 'last']);
  const pieces = await linesOf(`head -c 200000 /dev/zero | tr '\\0' x; echo`);
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.join('')).toBe('x'.repeat(200_000));
});

test('the failure of the program is passed on, and no pipe stays', async () => {
  await expect(linesOf('echo one; exit 3')).rejects.toThrow('exit code 3');
  expect(existsSync(join(folder, 'pipe'))).toBe(false);
});
