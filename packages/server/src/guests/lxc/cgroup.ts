/** A container's control group: its limits while it runs, and what it uses. Version 1, version 2 or both mounted. */
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupMounts } from '../../host/cgroup.ts';
import { errorCode, readTextIfPresent } from '../../host/files.ts';

/** How long the last processes of a container may take to end (ms), and between two looks: version 1 has no event. */
const patience = 5000;
const pause = 20;

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

export interface ContainerCgroup {
  /** Name below each hierarchy. */
  readonly name: string;
  readonly version: 1 | 2;
  readonly countsSwap: boolean;
  use(): ContainerUse;
  /** Are all its processes held? */
  frozen(): boolean;
  /**
   * Removes the group in every hierarchy; no error when it is not there. Its last processes may still be ending: a while
   * is waited for them, and what they hold longer stays.
   */
  remove(): Promise<void>;
}

/** `node` keeps apart the containers of several nodes on one machine. */
export function containerCgroup(vmid: number, node: string): ContainerCgroup {
  const name = join(`ryokan-${node}`, String(vmid));
  const { v1, v2 } = cgroupMounts();
  const version = v1.memory === undefined && v1.cpu === undefined ? 2 : 1;
  // Where both versions are mounted, LXC takes the freezer of version 1 when there is one.
  const freezers = [
    ...(v1.freezer === undefined ? [] : [{ path: join(v1.freezer, name, 'freezer.state'), held: 'FROZEN' }]),
    ...(v2 === undefined ? [] : [{ path: join(v2.path, name, 'cgroup.freeze'), held: '1' }]),
  ];
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
    frozen: () => freezers.some(({ path, held }) => readTextIfPresent(path)?.trim() === held),
    async remove() {
      const trees = hierarchies().flatMap((mount) =>
        [name, `${name}-monitor`].map((one) => join(mount, one)),
      );
      const end = performance.now() + patience;
      while (!trees.map(removeTree).every(Boolean) && performance.now() < end) await sleep(pause);
    },
  };
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
