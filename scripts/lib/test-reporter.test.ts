/** Runs vitest with the reporter on small files, because what it reports is vitest's own view of a run. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FileResult, resultFileVariable } from './test-reporter.ts';
import { type SuiteResult, secondTry } from './test-results.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files: Readonly<Record<string, string>> = {
  good: `
    import { describe, test } from 'vitest';
    test('one', () => {});
    describe('inner', () => { test('two', () => {}); });
    test('away', (context) => context.skip('no such hardware'));
    test.skip('silent', () => {});
  `,
  bad: `
    import { expect, test } from 'vitest';
    test('wrong', () => expect(1).toBe(2));
  `,
  broken: `import './missing.ts';`,
  hook: `
    import { beforeAll, test } from 'vitest';
    beforeAll(() => { throw new Error('no set-up'); });
    test('never', () => {});
  `,
  stray: `
    import { test } from 'vitest';
    test('fine', async () => {
      Promise.reject(new Error('nobody waits for this'));
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
  `,
};
let folder = '';
let result: SuiteResult;

beforeAll(async () => {
  mkdirSync(join(root, 'test-output'), { recursive: true });
  // Inside the checkout: the files import vitest.
  folder = mkdtempSync(join(root, 'test-output', 'reporter-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.test.ts`), text);
  // Its own, or vitest takes the one of the checkout.
  writeFileSync(join(folder, 'vitest.config.ts'), 'export default {};');
  const reporter = join(root, 'scripts/lib/test-reporter.ts');
  const args = ['run', `--root=${folder}`, `--reporter=${reporter}`, '--maxWorkers=1'];
  const resultFile = join(folder, 'result.json');
  const env = { ...process.env, [resultFileVariable]: resultFile };
  await new Promise<void>((resolve) => {
    execFile(join(root, 'node_modules/.bin/vitest'), args, { env }, () => resolve());
  });
  result = secondTry(JSON.parse(readFileSync(resultFile, 'utf8')) as FileResult[], []);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('passed tests are counted', () => {
  expect(result.passed).toBe(3);
});

test('skipped tests have their reason', () => {
  expect(result.skipped).toContainEqual({ name: 'good.test.ts > away', reason: 'no such hardware' });
  expect(result.skipped).toContainEqual({ name: 'good.test.ts > silent', reason: 'no reason given' });
});

test('failures of tests, hooks, files and stray promises all count', () => {
  expect(result.failed).toContain('bad.test.ts > wrong');
  expect(result.failed.find((one) => one.startsWith('broken.test.ts: '))).toContain('missing.ts');
  expect(result.failed.find((one) => one.startsWith('hook.test.ts: '))).toContain('no set-up');
  expect(result.failed).toContain('error outside of a test: nobody waits for this');
  expect(result.failed).toHaveLength(4);
});
