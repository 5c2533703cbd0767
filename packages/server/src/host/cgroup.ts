/**
 * One control group a guest: CPU limit, weight and affinity, on cgroup v1 and v2. Where a controller is missing
 * (containers, small kernels) guests run all the same and the caller gets a warning to show.
 * Interfaces: kernel documentation, admin-guide/cgroup-v1 and cgroup-v2.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { errorCode, readTextIfPresent } from './files.ts';
import { isAlive } from './procfs.ts';

const controllers = ['cpu', 'cpuacct', 'cpuset'] as const;
type Controller = (typeof controllers)[number];
/** What containers use beyond that. */
const containerControllers = ['memory', 'blkio', 'freezer'] as const;

/** Where controllers are mounted. One folder can serve several controllers. */
export interface CgroupMounts {
  readonly v1: Readonly<Partial<Record<Controller | (typeof containerControllers)[number], string>>>;
  /** The unified hierarchy and the controllers it really has. */
  readonly v2?: { readonly path: string; readonly controllers: readonly string[] };
}

export interface CpuSettings {
  /** CPU time in cores, 0.5 is half a core; 0 or undefined: no limit. */
  readonly cpulimit?: number;
  /** Weight against other guests; undefined: the default of the cgroup version (1024 or 100). */
  readonly cpuunits?: number;
  /** Host CPUs to run on: `0,2-3`; undefined: all. */
  readonly affinity?: string;
}

export interface CgroupStats {
  /** CPU time used since the group was made, in microseconds; undefined where no controller counts it. */
  readonly cpuMicroseconds?: number;
  /** Time in which processes waited because of cpulimit. */
  readonly throttledMicroseconds?: number;
}

export interface GuestCgroup {
  /** The group's folders, one a hierarchy in use. */
  readonly folders: readonly string[];
  /** Makes the group and applies settings. Returns what could not be done, one sentence each. */
  apply(settings: CpuSettings): string[];
  /** Puts a process with all its threads into the group. Returns warnings as `apply` does. */
  addProcess(pid: number): string[];
  stats(): CgroupStats;
  /** Removes the group; processes still in it move up. No error when it is not there. */
  remove(): void;
}

/** The quota's period: 100 ms, the kernel's default. */
const periodMicroseconds = 100_000;

/** Reads /proc/self/mountinfo. Layout: proc(5); the fields after ` - ` are type, source and super options. */
export function parseCgroupMounts(
  mountinfo: string,
  readControllers: (mount: string) => string[],
): CgroupMounts {
  const v1: { -readonly [C in keyof CgroupMounts['v1']]: CgroupMounts['v1'][C] } = {};
  let v2: CgroupMounts['v2'];
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    const mountPoint = left?.split(' ')[4];
    const [type, , options] = right?.split(' ') ?? [];
    if (!mountPoint) continue;
    if (type === 'cgroup2') v2 ??= { path: mountPoint, controllers: readControllers(mountPoint) };
    if (type !== 'cgroup') continue;
    const names = options?.split(',') ?? [];
    for (const controller of [...controllers, ...containerControllers])
      if (names.includes(controller)) v1[controller] = mountPoint;
  }
  return v2 ? { v1, v2 } : { v1 };
}

let detected: CgroupMounts | undefined;

/** This host's mounts, looked at once. */
export function cgroupMounts(): CgroupMounts {
  detected ??= parseCgroupMounts(readTextIfPresent('/proc/self/mountinfo') ?? '', (mount) =>
    (readTextIfPresent(join(mount, 'cgroup.controllers')) ?? '').split(/\s+/).filter(Boolean),
  );
  return detected;
}

/**
 * The group of a guest. `node` keeps apart the guests of several nodes on one machine.
 * A hierarchy of version 1 that has the CPU controller wins: a version 2 mount beside it is then for other uses.
 */
export function guestCgroup(vmid: number, node: string, mounts: CgroupMounts = cgroupMounts()): GuestCgroup {
  const name = join(`ryokan-${node}`, String(vmid));
  return mounts.v1.cpu ? new CgroupV1(mounts.v1, name) : new CgroupV2(mounts.v2, name);
}

class CgroupV1 implements GuestCgroup {
  readonly folders: readonly string[];
  private readonly mounts: CgroupMounts['v1'];
  private readonly name: string;

  constructor(mounts: CgroupMounts['v1'], name: string) {
    this.mounts = mounts;
    this.name = name;
    const used = new Set(controllers.map((one) => mounts[one]).filter((one) => one !== undefined));
    this.folders = [...used].map((mount) => join(mount, name));
  }

  apply(settings: CpuSettings): string[] {
    const warnings = this.create();
    const cpu = this.folderOf('cpu');
    if (cpu) {
      const quota = settings.cpulimit ? Math.round(settings.cpulimit * periodMicroseconds) : -1;
      set(join(cpu, 'cpu.cfs_quota_us'), String(quota), settings.cpulimit ? 'cpulimit' : undefined, warnings);
      const shares = clamp(settings.cpuunits ?? 1024, 2, 262_144);
      set(join(cpu, 'cpu.shares'), String(shares), settings.cpuunits ? 'cpuunits' : undefined, warnings);
    }
    this.applyAffinity(settings.affinity, warnings);
    return warnings;
  }

  addProcess(pid: number): string[] {
    return this.folders.flatMap((folder) => moveProcess(folder, pid));
  }

  stats(): CgroupStats {
    const accounting = this.folderOf('cpuacct');
    const usage = accounting && readTextIfPresent(join(accounting, 'cpuacct.usage'));
    const cpu = this.folderOf('cpu');
    const throttled = cpu && /^throttled_time (\d+)$/m.exec(readTextIfPresent(join(cpu, 'cpu.stat')) ?? '');
    return {
      ...(usage ? { cpuMicroseconds: Math.round(Number(usage) / 1000) } : {}),
      ...(throttled ? { throttledMicroseconds: Math.round(Number(throttled[1]) / 1000) } : {}),
    };
  }

  remove(): void {
    for (const folder of this.folders) removeGroup(folder);
  }

  private folderOf(controller: Controller): string | undefined {
    const mount = this.mounts[controller];
    return mount && join(mount, this.name);
  }

  private create(): string[] {
    const warnings: string[] = [];
    for (const folder of this.folders) for (const one of [dirname(folder), folder]) makeFolder(one, warnings);
    const cpu = this.folderOf('cpu');
    // All guests together weigh as much as one process of the host on each CPU, not as one process in all.
    if (cpu) tryWrite(join(cpu, '..', 'cpu.shares'), String(1024 * availableParallelism()));
    const cpuset = this.mounts.cpuset;
    // A cpuset is born empty, on every level, and takes no process before both files have a value.
    if (cpuset) for (const file of ['cpuset.cpus', 'cpuset.mems']) inherit(cpuset, this.name, file, warnings);
    return warnings;
  }

  private applyAffinity(affinity: string | undefined, warnings: string[]): void {
    const folder = this.folderOf('cpuset');
    if (!folder) {
      if (affinity) warnings.push(missing('affinity', 'cpuset'));
      return;
    }
    const cpus = affinity ?? (readTextIfPresent(join(folder, '..', 'cpuset.cpus')) ?? '').trim();
    set(join(folder, 'cpuset.cpus'), cpus, affinity ? `affinity ${affinity}` : undefined, warnings);
  }
}

class CgroupV2 implements GuestCgroup {
  readonly folders: readonly string[];
  private readonly mount: CgroupMounts['v2'];

  constructor(mount: CgroupMounts['v2'], name: string) {
    this.mount = mount;
    this.folders = mount ? [join(mount.path, name)] : [];
  }

  apply(settings: CpuSettings): string[] {
    const warnings: string[] = [];
    const folder = this.create(warnings);
    const quota = settings.cpulimit ? String(Math.round(settings.cpulimit * periodMicroseconds)) : 'max';
    const wanted: Array<[Controller, string, string, string, boolean]> = [
      ['cpu', 'cpulimit', 'cpu.max', `${quota} ${periodMicroseconds}`, Boolean(settings.cpulimit)],
      [
        'cpu',
        'cpuunits',
        'cpu.weight',
        String(clamp(settings.cpuunits ?? 100, 1, 10_000)),
        settings.cpuunits !== undefined,
      ],
      // An empty list means all CPUs of the parent.
      [
        'cpuset',
        `affinity ${settings.affinity}`,
        'cpuset.cpus',
        settings.affinity ?? '\n',
        settings.affinity !== undefined,
      ],
    ];
    for (const [controller, option, file, value, asked] of wanted) {
      const path = folder && join(folder, file);
      if (path && existsSync(path)) set(path, value, asked ? option : undefined, warnings);
      else if (asked) warnings.push(missing(option, controller));
    }
    return warnings;
  }

  addProcess(pid: number): string[] {
    return this.folders.flatMap((folder) => moveProcess(folder, pid));
  }

  stats(): CgroupStats {
    const folder = this.folders[0];
    const text = folder && readTextIfPresent(join(folder, 'cpu.stat'));
    const value = (name: string) => new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1];
    const usage = value('usage_usec');
    const throttled = value('throttled_usec');
    return {
      ...(usage ? { cpuMicroseconds: Number(usage) } : {}),
      ...(throttled ? { throttledMicroseconds: Number(throttled) } : {}),
    };
  }

  remove(): void {
    for (const folder of this.folders) removeGroup(folder);
  }

  /** A group has a controller only when its parents pass it on; that can be refused, so each is tried alone. */
  private create(warnings: string[]): string | undefined {
    const folder = this.folders[0];
    if (!this.mount || !folder) return undefined;
    const parent = join(folder, '..');
    makeFolder(parent, warnings);
    for (const controller of ['cpu', 'cpuset']) {
      if (!this.mount.controllers.includes(controller)) continue;
      for (const level of [this.mount.path, parent]) {
        tryWrite(join(level, 'cgroup.subtree_control'), `+${controller}`);
      }
    }
    makeFolder(folder, warnings);
    return folder;
  }
}

function clamp(value: number, minimum: number, maximum: number): number {
  return Math.min(maximum, Math.max(minimum, Math.round(value)));
}

function missing(option: string, controller: string): string {
  return `${option} has no effect: this host offers no '${controller}' control group`;
}

/** Writes a setting. A failure matters only when the setting was asked for (`option` names it). */
function set(path: string, value: string, option: string | undefined, warnings: string[]): void {
  const problem = tryWrite(path, value);
  if (problem && option) warnings.push(`${option} has no effect: ${problem}`);
}

/** Undefined when it worked, else the reason. */
function tryWrite(path: string, value: string): string | undefined {
  try {
    writeFileSync(path, value);
    return undefined;
  } catch (error) {
    return explain(error, path);
  }
}

function explain(error: unknown, path: string): string {
  const code = errorCode(error);
  if (code === 'EACCES' && path.endsWith('cpuset.cpus')) return 'not all of these CPUs are open to this node';
  if (code === 'ERANGE' || code === 'EINVAL') return `the kernel refused the value for ${path} (${code})`;
  return error instanceof Error ? error.message : String(error);
}

/** The upper one is the containers' too, and their root has to get through it, whatever the mask of this process. */
function makeFolder(folder: string, warnings: string[]): void {
  try {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
  } catch (error) {
    warnings.push(`CPU settings have no effect: ${explain(error, folder)}`);
  }
}

/** Copies a value down from `mount` along `name` where a level has none yet. */
function inherit(mount: string, name: string, file: string, warnings: string[]): void {
  let folder = mount;
  for (const part of name.split('/')) {
    const inherited = (readTextIfPresent(join(folder, file)) ?? '').trim();
    folder = join(folder, part);
    const own = (readTextIfPresent(join(folder, file)) ?? '').trim();
    if (own === '') set(join(folder, file), inherited, `the group's ${file}`, warnings);
  }
}

function moveProcess(folder: string, pid: number): string[] {
  if (!existsSync(folder)) return [];
  const problem = tryWrite(join(folder, 'cgroup.procs'), String(pid));
  return problem && isAlive(pid) ? [`CPU settings have no effect on process ${pid}: ${problem}`] : [];
}

function removeGroup(folder: string): void {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      if (errorCode(error) !== 'EBUSY') throw error;
      emptyGroup(folder);
    }
  }
}

/** Moves what is left in a group to its parent's parent (version 2 allows no process in a group that has children). */
function emptyGroup(folder: string): void {
  for (const child of readdirSync(folder, { withFileTypes: true })) {
    if (child.isDirectory()) removeGroup(join(folder, child.name));
  }
  for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
    tryWrite(join(folder, '..', '..', 'cgroup.procs'), pid);
  }
}
