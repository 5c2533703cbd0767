/** `./ryokan test` and `./ryokan bench`: set-up, suites, one sum. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { readTextIfPresent } from '@ryokan/server/host/files.ts';
import { build, bundle, filesBelow } from './build.ts';
import { ensurePackages, missingPackages, readPackageList } from './debian.ts';
import { inProject, note, Problem, projectRoot, say } from './terminal.ts';
import { type FileResult, resultFileVariable } from './test-reporter.ts';
import { type SuiteResult, secondTry } from './test-results.ts';

interface Suite {
  readonly name: string;
  readonly config: string;
  /** Where its files are. */
  readonly folders: readonly string[];
  /** Runs real components as root: needs Debian packages and a build. */
  readonly integration: boolean;
  /** Too long for every change: runs when it, or a path in it, is asked for. */
  readonly onRequest?: boolean;
}

const suites: readonly Suite[] = [
  { name: 'unit', config: 'vitest.config.ts', folders: ['packages', 'scripts'], integration: false },
  {
    name: 'integration',
    config: 'vitest.integration.config.ts',
    folders: ['test/integration', 'test/clients', 'test/contract', 'test/fuzz', 'packages/web/test'],
    integration: true,
  },
  { name: 'lab', config: 'vitest.lab.config.ts', folders: ['test/lab'], integration: true, onRequest: true },
  {
    name: 'fuzz',
    config: 'vitest.fuzz.config.ts',
    folders: ['test/fuzz'],
    integration: true,
    onRequest: true,
  },
];

export async function runTests(args: string[]): Promise<number> {
  const chosen = suites.filter((suite) => suite.name === args[0]);
  // Any other word is a part of a path, looked for in all suites.
  const filters = chosen.length > 0 ? args.slice(1) : args;
  const running = (
    chosen.length > 0 ? chosen : suites.filter((suite) => !suite.onRequest || filters.length > 0)
  ).filter((suite) => hasFiles(suite, filters));
  await preparePackages(running.some((suite) => suite.integration));
  const results: SuiteResult[] = [];
  for (const suite of running) results.push(await runSuite(suite, filters));
  return sumUp(results);
}

const isRoot = () => process.getuid?.() === 0;

/** Whether a run would find a test: the set-up of a suite that has none to run would be wasted. */
function hasFiles(suite: Suite, filters: readonly string[]): boolean {
  if (filters.length === 0) return true;
  return suite.folders
    .flatMap((folder) => filesBelow(inProject(folder), { tests: true }))
    .map((path) => relative(projectRoot, path))
    .some((path) => /\.test\.tsx?$/.test(path) && filters.some((filter) => path.includes(filter)));
}

async function runSuite(suite: Suite, filters: readonly string[]): Promise<SuiteResult> {
  if (suite.integration) {
    if (!isRoot()) return skippedSuite(suite, 'it needs root');
    await build();
  }
  say(`--- ${suite.name} tests`);
  const first = await runVitest(suite, filters);
  const broken = first.filter(({ failed }) => suite.integration && failed.length > 0);
  const again = broken.flatMap(({ file }) => file ?? []);
  if (again.length === 0) return secondTry(first, []);
  // Emulated guests share the machine with another file's; whether a time limit or a fault broke a test, this tells.
  say(`--- once more, one at a time: ${again.join(' ')}`);
  return secondTry(first, await runVitest(suite, [...again, '--maxWorkers=1']));
}

async function runVitest(suite: Suite, filters: readonly string[]): Promise<FileResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ryokan-test-'));
  const resultFile = join(folder, 'result.json');
  try {
    const code = await runInForeground(
      inProject('node_modules', '.bin', 'vitest'),
      [
        'run',
        `--config=${suite.config}`,
        '--reporter=default',
        `--reporter=${inProject('scripts', 'lib', 'test-reporter.ts')}`,
        '--passWithNoTests',
        ...filters,
      ],
      { [resultFileVariable]: resultFile },
    );
    return readResult(suite, resultFile, code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a node needs, which unit tests use too (qemu-img, zstd), and what only integration tests need. */
async function preparePackages(integration: boolean): Promise<void> {
  if (isRoot()) {
    await ensurePackages(integration ? integrationPackages() : nodePackages());
    return;
  }
  const missing = await missingPackages(nodePackages());
  if (missing.length > 0) note(`not installed, so that some tests fail: ${missing.join(' ')}`);
}

const nodePackages = () => readPackageList(inProject('packaging', 'debian-packages.txt'));

function integrationPackages(): string[] {
  return [...new Set([...nodePackages(), ...readPackageList(inProject('test', 'packages.txt'))])];
}

function skippedSuite(suite: Suite, reason: string): SuiteResult {
  return {
    ...{ passed: 0, failed: [], unsteady: [] },
    skipped: [{ name: `all ${suite.name} tests`, reason }],
  };
}

/** The reporter's file; a run that died before it wrote one, or failed without a failed test, is a failure. */
function readResult(suite: Suite, file: string, code: number): FileResult[] {
  const text = readTextIfPresent(file);
  const results = text ? (JSON.parse(text) as FileResult[]) : [];
  if (code === 0 || results.some(({ failed }) => failed.length > 0)) return results;
  const end = `the ${suite.name} run ended with code ${code}${text ? '' : ' and no result'}`;
  return [...results, { passed: 0, failed: [end], skipped: [] }];
}

/** Prints skips, failures and the closing line; returns the exit code. A run of no test is a failure. */
export function sumUp(results: readonly SuiteResult[]): number {
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.flatMap((result) => result.failed);
  const skipped = results.flatMap((result) => result.skipped);
  list(
    'Skipped',
    skipped.map(({ name, reason }) => `${name}: ${reason}`),
  );
  list(
    'Passed only at the second try, which is a fault to look for',
    results.flatMap((result) => result.unsteady),
  );
  list('Failed', failed);
  if (passed + failed.length === 0) say('\nNo test ran.');
  say('');
  say(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
  return failed.length === 0 && passed > 0 ? 0 : 1;
}

function list(title: string, names: readonly string[]): void {
  if (names.length > 0) say(`\n${title}:`);
  for (const name of names) say(`  ${name}`);
}

export async function runBench(args: string[]): Promise<number> {
  const source = inProject('bench', 'main.ts');
  if (!existsSync(source)) throw new Problem('there is no bench/main.ts');
  await ensurePackages(integrationPackages());
  await build();
  await bundle([{ in: source, out: 'bench' }], inProject('dist', 'scripts'));
  return runInForeground(process.execPath, [inProject('dist', 'scripts', 'bench.js'), ...args], {});
}

/** Runs a program on our terminal; resolves with its exit code. */
function runInForeground(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: projectRoot,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
