/** Debian packages: which of a list are missing, and installing them without a question. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { ExecError, run } from '@ryokan/server/host/exec.ts';
import { errorCode } from '@ryokan/server/host/files.ts';
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

/**
 * Installs what is missing of a list. An entry `a | b` means the first of them that this machine's Debian has. Returns
 * what it installed; throws a Problem that says what apt said.
 */
export async function ensurePackages(entries: readonly string[]): Promise<string[]> {
  const alternatives = entries.map((entry) => entry.split('|').map((name) => name.trim()));
  const missing = new Set(await missingPackages(alternatives.flat()));
  const open = alternatives.filter(([first]) => missing.has(first ?? ''));
  if (open.every((names) => names.length === 1)) return install(open.flat());
  let offered = await offeredPackages(open.flat());
  // No package lists yet, or old ones.
  if (process.getuid?.() === 0 && open.some((names) => !names.some((name) => offered.has(name)))) {
    note('fetching the package lists');
    await apt(['update', '-q']);
    offered = await offeredPackages(open.flat());
  }
  return install(open.map((names) => chooseAlternative(names, offered)).filter((name) => missing.has(name)));
}

/** The first of the names that is offered; the very first when none is, so that apt says what is wrong. */
export function chooseAlternative(names: readonly string[], offered: ReadonlySet<string>): string {
  return names.find((name) => offered.has(name)) ?? names[0] ?? '';
}

/** Those of `names` that apt could install. */
async function offeredPackages(names: readonly string[]): Promise<Set<string>> {
  const { stdout } = await run('apt-cache', ['policy', ...names], {
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  return new Set(parseOffered(stdout));
}

/** Package names with a candidate in what `apt-cache policy` prints. */
export function parseOffered(policy: string): string[] {
  return policy
    .split(/^(?=\S)/m)
    .filter((block) => /^ +Candidate: (?!\(none\))/m.test(block))
    .map((block) => block.slice(0, block.indexOf(':')));
}

async function install(missing: readonly string[]): Promise<string[]> {
  if (missing.length === 0) return [];
  if (process.getuid?.() !== 0) {
    throw new Problem(`Debian packages are missing and only root can install them: ${missing.join(' ')}`);
  }
  note(`installing Debian packages: ${missing.join(' ')}`);
  if (missing.includes('lxc')) await keepLxcBridgeAway();
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
  return [...missing];
}

/**
 * As it comes, the package lxc makes the bridge lxcbr0 with addresses and DHCP on every boot. Containers use the bridges of
 * the node, and its network is nobody's to change unasked. A file that is there already is somebody's choice.
 */
async function keepLxcBridgeAway(): Promise<void> {
  const text = '# Written by Ryokan: containers use the bridges of the node.\nUSE_LXC_BRIDGE="false"\n';
  await writeFile('/etc/default/lxc-net', text, { flag: 'wx' }).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
}

function aptInstall(names: readonly string[]): Promise<unknown> {
  return apt(['install', '-y', '-q', '--no-install-recommends', ...names]);
}

function apt(args: readonly string[]): Promise<unknown> {
  // Another apt at work (unattended upgrades) is waited for; a configuration file that differs stays as it is.
  const options = [
    'DPkg::Lock::Timeout=120',
    'Dpkg::Options::=--force-confdef',
    'Dpkg::Options::=--force-confold',
  ];
  return run('apt-get', [...options.flatMap((one) => ['-o', one]), ...args], {
    env: { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
  });
}

function lastLines(error: unknown): string {
  if (!(error instanceof ExecError)) return String(error);
  const lines = error.stderr.split('\n').filter((line) => /^[EW]: /.test(line));
  return lines.slice(-2).join(' ') || error.message;
}
