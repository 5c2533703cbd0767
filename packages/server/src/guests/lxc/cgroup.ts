/** A container's control group: its limits while it runs, and what it uses. Version 1, version 2 or both mounted. */
import { existsSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { type CgroupMounts, cgroupMounts } from '../../host/cgroup.ts';
import { errorCode, readTextIfPresent } from '../../host/files.ts';

/** How long the last processes of a container may take to end (ms), and between two looks: version 1 has no event. */
const patience = 5000;
const pause = 20;
/** How long the kernel may take to hold every process (ms): one that waits for a disk stops when that answers. */
const freezePatience = 30_000;

export interface ContainerUse {
  /** CPU time since its start, in microseconds. */
  readonly cpuMicroseconds: number;
  /** Bytes, without files that the kernel keeps for the case that they are read again. */
  readonly memory: number;
  readonly swap: number;
  /** Bytes read and written on block devices. */
  readonly read: number;
  readonly written: number;
}

/** The kernel's freezer: admin-guide/cgroup-v1/freezer-subsystem, admin-guide/cgroup-v2. */
export interface Freezer {
  /** The file that takes the words, and says which one was the last. */
  readonly path: string;
  readonly freeze: string;
  readonly thaw: string;
  /** Does every process stand still? */
  held(): boolean;
}

export interface ContainerCgroup {
  /** Name below each hierarchy. */
  readonly name: string;
  readonly version: 1 | 2;
  readonly countsSwap: boolean;
  use(): ContainerUse;
  /** Undefined where no hierarchy has one. */
  readonly freezer: Freezer | undefined;
  /** Are all its processes held? */
  frozen(): boolean;
  /**
   * Holds all its processes. Rejects when it is aborted, or when not every process could be held in time: some may
   * be then, until `thaw`.
   */
  freeze(signal: AbortSignal): Promise<void>;
  /** No error when it does not stand still, or is not there. */
  thaw(): void;
  /**
   * Removes the group in every hierarchy; no error when it is not there. Its last processes may still be ending: they
   * are thawed, as a frozen one does not die, a while is waited for them, and what they hold longer stays.
   */
  remove(): Promise<void>;
}

/** `node` keeps apart the containers of several nodes on one machine. */
export function containerCgroup(vmid: number, node: string): ContainerCgroup {
  const name = join(`ryokan-${node}`, String(vmid));
  const { v1, v2 } = cgroupMounts();
  const version = v1.memory === undefined && v1.cpu === undefined ? 2 : 1;
  const freezer = freezerOf({ v1, ...(v2 ? { v2 } : {}) }, name);
  const file = (mount: string | undefined, name_: string) =>
    mount === undefined ? undefined : readTextIfPresent(join(mount, name, name_));
  const countsSwap =
    version === 1
      ? v1.memory !== undefined && existsSync(join(v1.memory, 'memory.memsw.limit_in_bytes'))
      : existsSync('/proc/swaps');
  return {
    name,
    version,
    countsSwap,
    use: () =>
      version === 1 ? useV1((kind, one) => file(v1[kind], one)) : useV2((one) => file(v2?.path, one)),
    freezer,
    frozen: () => freezer?.held() === true,
    freeze: (signal) => freeze(freezer, signal),
    thaw: () => thaw(freezer),
    async remove() {
      thaw(freezer);
      const trees = hierarchies().flatMap((mount) =>
        [name, `${name}-monitor`].map((one) => join(mount, one)),
      );
      const end = performance.now() + patience;
      while (!trees.map(removeTree).every(Boolean) && performance.now() < end) await sleep(pause);
    },
  };
}

/** Where both versions are mounted, that of version 1 when there is one: LXC takes the same. */
function freezerOf({ v1, v2 }: CgroupMounts, name: string): Freezer | undefined {
  const says = (path: string, pattern: RegExp) => () => pattern.test(readTextIfPresent(path) ?? '');
  if (v1.freezer !== undefined) {
    const path = join(v1.freezer, name, 'freezer.state');
    return { path, freeze: 'FROZEN', thaw: 'THAWED', held: says(path, /^FROZEN$/m) };
  }
  if (v2 === undefined) return undefined;
  const group = join(v2.path, name);
  const held = says(join(group, 'cgroup.events'), /^frozen 1$/m);
  return { path: join(group, 'cgroup.freeze'), freeze: '1', thaw: '0', held };
}

async function freeze(freezer: Freezer | undefined, signal: AbortSignal): Promise<void> {
  if (!freezer) throw new RyokanError('unsupported', 'this node has no control groups with a freezer');
  writeFileSync(freezer.path, freezer.freeze);
  const end = performance.now() + freezePatience;
  while (!freezer.held()) {
    if (performance.now() > end) {
      throw new RyokanError('failed', `not every process stood still within ${freezePatience / 1000} s`);
    }
    await sleep(pause, undefined, { signal });
  }
}

function thaw(freezer: Freezer | undefined): void {
  if (freezer && existsSync(freezer.path)) writeFileSync(freezer.path, freezer.thaw);
}

function useV1(
  read: (controller: 'cpuacct' | 'memory' | 'blkio', file: string) => string | undefined,
): ContainerUse {
  const memory = Number(read('memory', 'memory.usage_in_bytes') ?? 0);
  const total = Number(read('memory', 'memory.memsw.usage_in_bytes') ?? memory);
  const io =
    read('blkio', 'blkio.throttle.io_service_bytes_recursive') ??
    read('blkio', 'blkio.throttle.io_service_bytes');
  return {
    cpuMicroseconds: Math.round(Number(read('cpuacct', 'cpuacct.usage') ?? 0) / 1000),
    memory: Math.max(0, memory - statValue(read('memory', 'memory.stat'), 'total_inactive_file')),
    swap: Math.max(0, total - memory),
    read: sumOf(io, /^\d+:\d+ Read (\d+)$/gm),
    written: sumOf(io, /^\d+:\d+ Write (\d+)$/gm),
  };
}

function useV2(read: (file: string) => string | undefined): ContainerUse {
  const memory = Number(read('memory.current') ?? 0);
  const io = read('io.stat');
  return {
    cpuMicroseconds: statValue(read('cpu.stat'), 'usage_usec'),
    memory: Math.max(0, memory - statValue(read('memory.stat'), 'inactive_file')),
    swap: Number(read('memory.swap.current') ?? 0),
    read: sumOf(io, /\brbytes=(\d+)/g),
    written: sumOf(io, /\bwbytes=(\d+)/g),
  };
}

const statValue = (text: string | undefined, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1] ?? 0);

const sumOf = (text: string | undefined, pattern: RegExp): number =>
  [...(text ?? '').matchAll(pattern)].reduce((sum, match) => sum + Number(match[1]), 0);

/** Every mounted hierarchy, also those without a controller: LXC makes its groups in all of them. */
function hierarchies(): string[] {
  return (readTextIfPresent('/proc/self/mountinfo') ?? '')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
}

/** False when a process in it has not ended yet. */
function removeTree(folder: string): boolean {
  if (!existsSync(folder)) return true;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  }
  try {
    rmdirSync(folder);
  } catch (error) {
    if (errorCode(error) === 'EBUSY') return false;
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  return true;
}
