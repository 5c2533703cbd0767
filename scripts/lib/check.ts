/** `./ryokan check`: everything that must hold before a change goes in, all at the same time. */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { ExecError, run } from '@ryokan/server/host/exec.ts';
import { filesBelow } from './build.ts';
import { staleGenerated } from './generated-files.ts';
import { inProject, projectRoot, say } from './terminal.ts';
import { checkZones, type DeclaredDependencies } from './zones.ts';

/** A check returns what is wrong, in the words of its tool; undefined when all is well. */
type Check = () => Promise<string | undefined | NotRun>;

/** It could not be made: no failure, and never counted as passed. */
class NotRun {
  constructor(readonly reason: string) {}
}

const checks: Readonly<Record<string, Check>> = {
  types: () => tool('tsc', ['-p', 'tsconfig.json']),
  'types of the Web UI': async () =>
    existsSync(inProject('packages/web/src')) ? tool('tsc', ['-p', 'packages/web/tsconfig.json']) : undefined,
  'lint and format': () => tool('biome', ['check', '--error-on-warnings', '--max-diagnostics=50']),
  'import zones': importZones,
  'generated files': staleGenerated,
  'known flaws of dependencies': dependencyAudit,
};

export async function check(): Promise<number> {
  const outcomes = await Promise.all(
    Object.entries(checks).map(async ([name, one]) => {
      const begin = performance.now();
      const problem = await one();
      if (problem instanceof NotRun) {
        say(`SKIP  ${name}: ${problem.reason}`);
        return true;
      }
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);
      say(
        `${problem === undefined ? 'ok  ' : 'FAIL'}  ${name} (${seconds} s)${problem ? `\n${problem}` : ''}`,
      );
      return problem === undefined;
    }),
  );
  return outcomes.every(Boolean) ? 0 : 1;
}

async function tool(name: string, args: readonly string[]): Promise<string | undefined> {
  const output: string[] = [];
  try {
    await run(inProject('node_modules', '.bin', name), args, {
      cwd: projectRoot,
      onLine: (line) => output.push(line),
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof ExecError)) throw error;
    return output.length > 0 ? output.join('\n') : error.message;
  }
}

/** `npm audit` of what is shipped, from severity high on. It needs a registry that answers such questions. */
async function dependencyAudit(): Promise<string | undefined | NotRun> {
  const args = ['audit', '--omit=dev', '--audit-level=high', '--json'];
  const { stdout } = await run('npm', args, { cwd: projectRoot, okCodes: [0, 1], timeout: 60_000 }).catch(
    () => ({ stdout: '' }),
  );
  const report = readAudit(stdout);
  if (!report?.metadata)
    return new NotRun(`the registry did not answer (${report?.message ?? 'npm audit failed'})`);
  const { high = 0, critical = 0 } = report.metadata.vulnerabilities ?? {};
  return high + critical === 0
    ? undefined
    : `${high} high and ${critical} critical; 'npm audit --omit=dev' names them`;
}

interface AuditReport {
  readonly message?: string;
  readonly metadata?: { readonly vulnerabilities?: Readonly<Record<string, number>> };
}

function readAudit(text: string): AuditReport | undefined {
  try {
    return JSON.parse(text) as AuditReport;
  } catch {
    return undefined;
  }
}

async function importZones(): Promise<string | undefined> {
  const files = filesBelow(inProject('packages'), { tests: true })
    .filter((path) => /\.tsx?$/.test(path) && !path.includes('/node_modules/'))
    .map((path) => ({ path: relative(projectRoot, path), text: readFileSync(path, 'utf8') }));
  const violations = checkZones(files, declaredDependencies());
  if (violations.length === 0) return undefined;
  return violations.map(({ path, imported, rule }) => `${path}: imports '${imported}': ${rule}`).join('\n');
}

function declaredDependencies(): DeclaredDependencies {
  const declared: Record<string, string[]> = {};
  for (const name of ['api', 'server', 'cli', 'web']) {
    const manifest = JSON.parse(readFileSync(inProject('packages', name, 'package.json'), 'utf8'));
    declared[`packages/${name}`] = Object.keys(manifest.dependencies ?? {});
  }
  return declared;
}
