/**
 * Templates of containers from a distribution's own packages, by debootstrap. It fetches only what the archive's keys
 * sign; the scripts of these packages run as root in the new tree, in namespaces of their own, so that mounts and
 * processes that they leave end with them.
 */
import { access, chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { formatVolumeId, uploadFileName } from '@ryokan/api/schema/volume-id.ts';
import { ExecError, run } from '../../host/exec.ts';
import { readTextIfPresent } from '../../host/files.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { readableSize } from '../image-names.ts';
import { demandUntaken, type IncomingServices, newStagingPath } from '../incoming.ts';
import { stagingPath } from '../staging.ts';
import { stagedFileUndo } from '../storage-undo.ts';
import {
  type BuildHost,
  type BuildParams,
  type BuildPlan,
  BuildProgress,
  buildFailure,
  planBuild,
} from './distribution.ts';

const debootstrap = '/usr/sbin/debootstrap';
const scripts = '/usr/share/debootstrap/scripts';

/** Nothing on the node sees the mounts of the build; its processes end with the first. */
const apart = ['--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--mount-proc', '--'];

/** Left out of the archive: what containers make anew, and what apt fetches again. */
const leftOut = ['./dev/*', './proc/*', './sys/*', './run/*', './tmp/*', './var/cache/apt/*.bin'];

export async function checkBuild({ storage }: IncomingServices, params: BuildParams): Promise<void> {
  storage.demandContent(params.storage, 'vztmpl');
  await demandTools();
  const plan = planBuild(params, await buildHost(), today());
  await access(plan.keyring).catch((cause: unknown) => {
    throw new RyokanError(
      'unsupported',
      `the packages of ${plan.distribution} cannot be checked, since their public keys (${plan.keyring}) are not there: apt install ${plan.keyringPackage}`,
      { cause },
    );
  });
  await demandUntaken(storage, volidOf(params, plan));
}

/** The task. */
export async function buildTemplate(
  services: IncomingServices,
  params: BuildParams,
  task: TaskContext,
): Promise<void> {
  const { storage, paths } = services;
  const plan = planBuild(params, await buildHost(), today());
  const folder = stagingPath(paths.run);
  const archive = await newStagingPath(storage, paths, { storage: params.storage, content: 'vztmpl' });
  for (const path of [folder, archive]) task.undo(stagedFileUndo, { path });
  // The tree is as open as a system's; nobody but root comes to it.
  const tree = join(folder, 'tree');
  await mkdir(folder, { mode: 0o700 });
  try {
    task.log(`building ${plan.distribution} '${plan.suite}' for ${plan.arch} from ${plan.mirror}`);
    await runDebootstrap(plan, tree, task);
    await finish(plan, tree);
    task.progress(0.9, 'packing');
    await pack(tree, archive, task.signal);
    const volid = await storage.adopt(params.storage, 'vztmpl', fileOf(plan), archive, task);
    const { size } = await storage.info(volid);
    task.progress(1);
    task.log(`made volume '${volid}' (${readableSize(size)})`);
  } finally {
    await rm(archive, { force: true });
    await rm(folder, { recursive: true, force: true });
  }
}

async function runDebootstrap(plan: BuildPlan, tree: string, task: TaskContext): Promise<void> {
  const progress = new BuildProgress();
  const lines: string[] = [];
  const onLine = (line: string) => {
    if (line.trim() === '') return;
    lines.push(line);
    task.log(line.slice(0, 500));
    const state = progress.take(line);
    if (state) task.progress(state.fraction, state.note);
  };
  await mkdir(tree, { mode: 0o755 });
  await chmod(tree, 0o755);
  try {
    await run('unshare', [...apart, debootstrap, ...plan.arguments(tree)], {
      ...{ onLine, signal: task.signal, untilGone: true, umask: 0o022, env: environment() },
    });
  } catch (cause) {
    if (!(cause instanceof ExecError) || task.signal.aborted) throw cause;
    throw new RyokanError('failed', buildFailure(plan, lines), { cause });
  }
}

/** Proxies are the only thing of the node's environment that the build needs. */
function environment(): NodeJS.ProcessEnv {
  const proxies = Object.entries(process.env).filter(([name]) => /^(https?|no)_proxy$/i.test(name));
  return {
    ...{ PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
    ...Object.fromEntries(proxies),
  };
}

/** Takes out what belongs to the build or to one machine: each container gets its own. */
async function finish(plan: BuildPlan, tree: string): Promise<void> {
  const empty = async (folder: string, what: RegExp) => {
    for (const name of await readdir(join(tree, folder)).catch(() => []))
      if (what.test(name)) await rm(join(tree, folder, name), { recursive: true });
  };
  await empty('var/cache/apt/archives', /\.deb$/);
  await empty('var/lib/apt/lists', /./);
  await empty('var/log', /^(bootstrap|dpkg|alternatives)\.log$/);
  await empty('etc/ssh', /^ssh_host_/);
  await empty('etc', /^(resolv\.conf|hostname)$/);
  await writeFile(join(tree, 'etc/machine-id'), '');
  await writeFile(join(tree, 'etc/apt/sources.list'), plan.sources.map((line) => `${line}\n`).join(''));
}

async function pack(tree: string, archive: string, signal: AbortSignal): Promise<void> {
  const excluded = leftOut.map((one) => `--exclude=${one}`);
  const attributes = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--acls'];
  await run('tar', ['--zstd', ...attributes, ...excluded, '-cf', archive, '-C', tree, '.'], {
    ...{ signal, untilGone: true },
  });
}

async function demandTools(): Promise<void> {
  await access(debootstrap).catch((cause: unknown) => {
    throw new RyokanError('unsupported', 'debootstrap is missing on this node: apt install debootstrap', {
      cause,
    });
  });
}

async function buildHost(): Promise<BuildHost> {
  const text = readTextIfPresent('/etc/os-release') ?? '';
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  const { stdout } = await run('dpkg', ['--print-architecture']);
  const codename = field('VERSION_CODENAME');
  return {
    ...{ id: field('ID'), codename, arch: stdout.trim() },
    suites: new Set(await readdir(scripts)),
    mirror: await ownMirror(codename),
  };
}

/** The archive from which the node's own apt takes the suite; undefined when it has none. */
async function ownMirror(suite: string): Promise<string | undefined> {
  const format = ['--format', '$(RELEASE) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages'];
  const asked = await run('apt-get', ['indextargets', ...format]).catch(() => undefined);
  const lines = (asked?.stdout ?? '').split('\n').map((line) => line.split(' '));
  const found = lines.find(([name, component]) => name === suite && component === 'main')?.[2];
  // debootstrap fetches by HTTP alone; apt knows other ways.
  return found !== undefined && /^https?:/.test(found) ? found : undefined;
}

const today = (): string => new Date().toISOString().slice(0, 10).replaceAll('-', '');

const fileOf = ({ filename }: BuildPlan): string => uploadFileName('vztmpl', filename);

const volidOf = ({ storage }: BuildParams, plan: BuildPlan): string =>
  formatVolumeId(storage, `vztmpl/${fileOf(plan)}`);
