/** Debian packages: which of a list are missing, and installing them without a question. */
import { readFileSync } from 'node:fs';
import { ExecError, run } from '@ryokan/server/host/exec.ts';
import { note, Problem } from './terminal.ts';

/** Names in a package list: one a line, `#` starts a comment. */
export function readPackageList(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter(Boolean);
}

/** Those of `names` that are not fully installed; one call for all. */
export async function missingPackages(names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const format = '--showformat=${db:Status-Status} ${Package}\\n';
  // Exit code 1: some names are unknown to dpkg, which is an answer too.
  const { stdout } = await run('dpkg-query', ['--show', format, ...names], { okCodes: [0, 1] });
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.startsWith('installed '))
      .map((line) => line.slice('installed '.length)),
  );
  return names.filter((name) => !installed.has(name));
}

/** Installs what is missing of `names`. Returns what it installed; throws a Problem that says what apt said. */
export async function ensurePackages(names: readonly string[]): Promise<string[]> {
  const missing = await missingPackages(names);
  if (missing.length === 0) return [];
  if (process.getuid?.() !== 0) {
    throw new Problem(`Debian packages are missing and only root can install them: ${missing.join(' ')}`);
  }
  note(`installing Debian packages: ${missing.join(' ')}`);
  try {
    await aptInstall(missing);
  } catch {
    // Most often the package lists are absent or old.
    try {
      await apt(['update', '-q']);
      await aptInstall(missing);
    } catch (error) {
      throw new Problem(`apt-get could not install ${missing.join(' ')}: ${lastLines(error)}`);
    }
  }
  return missing;
}

function aptInstall(names: readonly string[]): Promise<unknown> {
  return apt(['install', '-y', '-q', '--no-install-recommends', ...names]);
}

function apt(args: readonly string[]): Promise<unknown> {
  // Another apt at work (unattended upgrades) is waited for instead of failing.
  return run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], {
    env: { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
  });
}

function lastLines(error: unknown): string {
  if (!(error instanceof ExecError)) return String(error);
  const lines = error.stderr.split('\n').filter((line) => /^[EW]: /.test(line));
  return lines.slice(-2).join(' ') || error.message;
}
