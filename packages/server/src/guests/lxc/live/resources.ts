/** CPU and memory of a running container: the same limits that lxc-text.ts gives LXC at the start. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { cgroupMounts } from '../../../host/cgroup.ts';
import { readTextIfPresent } from '../../../host/files.ts';
import type { GuestServices } from '../../guest-services.ts';
import { containerCgroup } from '../cgroup.ts';
import type { LxcConfig } from '../config.ts';
import { cgroupLimits } from '../limits.ts';
import { chosenCpus } from '../start-host.ts';

const resources: ReadonlySet<string> = new Set(['cores', 'cpulimit', 'cpuunits', 'memory', 'swap']);

export const isResource = (key: string): boolean => resources.has(key);

/** Writes every limit of `config`; those that hold already change nothing. */
export async function changeResources(
  services: GuestServices,
  vmid: number,
  config: LxcConfig,
): Promise<'done'> {
  const { name, version, countsSwap } = containerCgroup(vmid, services.settings.node);
  const { v1, v2 } = cgroupMounts();
  const cpus = chosenCpus(config.cores, vmid);
  const limits = cgroupLimits(config, { cgroupVersion: version, countsSwap, cpus: cpus ?? allCpus() }, true);
  const writes = limits.map(([file, value]) => {
    const controller = file.slice(0, file.indexOf('.'));
    const mount = version === 1 ? v1[controller as keyof typeof v1] : v2?.path;
    const path = mount === undefined ? undefined : join(mount, name, file);
    return { path, value };
  });
  // Memory with swap is never less than memory: growing, the sum goes first; shrinking, last.
  for (const { path, value } of inOrder(writes)) {
    if (path === undefined || !existsSync(path)) continue;
    if (path.endsWith('/cpuset.cpus')) writeCpus(path, value);
    else write(path, value);
  }
  return 'done';
}

function allCpus(): string {
  return (readTextIfPresent('/sys/devices/system/cpu/online') ?? '0').trim();
}

interface Write {
  readonly path: string | undefined;
  readonly value: string;
}

function inOrder(writes: readonly Write[]): Write[] {
  const sum = writes.find(({ path }) => path?.endsWith('memory.memsw.limit_in_bytes'));
  if (!sum?.path) return [...writes];
  const grows = Number(sum.value) > Number(readTextIfPresent(sum.path) ?? 0);
  const others = writes.filter((one) => one !== sum);
  return grows ? [sum, ...others] : [...others, sum];
}

/** In version 1 the groups inside never have a CPU that the outer one lacks: they shrink before it and grow after it. */
function writeCpus(path: string, value: string): void {
  const inner = innerGroups(dirname(path)).map((folder) => join(folder, 'cpuset.cpus'));
  const set = (paths: readonly string[]) => {
    for (const one of paths) if (existsSync(one)) write(one, value);
  };
  try {
    write(path, value);
  } catch {
    set([...inner].reverse());
    write(path, value);
    return;
  }
  if (readTextIfPresent(join(dirname(path), 'cgroup.clone_children')) !== undefined) set(inner);
}

/** Every group below a folder, outer ones first. */
function innerGroups(folder: string): string[] {
  const found = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return found.flatMap(({ name }) => [join(folder, name), ...innerGroups(join(folder, name))]);
}

function write(path: string, value: string): void {
  try {
    writeFileSync(path, value);
  } catch (cause) {
    throw new RyokanError(
      'state',
      `the kernel does not take ${value} for ${path}; of memory the container may use more than that now`,
      { cause },
    );
  }
}
