/** What a start makes on the node: volumes mounted in the container's namespace, cards, rules. */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { deviceFields, lxcDeviceKeys, lxcMountKeys, lxcNetKeys } from '@ryokan/api/schema/lxc-config.ts';
import { run } from '../../host/exec.ts';
import { readTextIfPresent } from '../../host/files.ts';
import { hostId, type IdRange } from '../../host/user-namespace.ts';
import type { GuestServices } from '../guest-services.ts';
import { makeCard } from './card.ts';
import { containerCgroup } from './cgroup.ts';
import { featuresOf, fieldsOfKey, type LxcConfig } from './config.ts';
import { type LxcHost, lxcfsRoot, type PreparedMount } from './host-input.ts';
import { type MountNamespace, makeReadOnly } from './mount-namespace.ts';
import { lxcRunPaths } from './run-paths.ts';
import { seccompText } from './seccomp.ts';
import { parseVolume } from './volume-value.ts';
import { mountArguments } from './volumes.ts';

export interface ContainerStart {
  readonly services: GuestServices;
  readonly vmid: number;
  readonly config: LxcConfig;
  readonly ids: readonly IdRange[];
  readonly namespace: MountNamespace;
}

/** Mounts the root file system; returns its path as the node reaches it. */
export async function mountRoot({ services, config, namespace }: ContainerStart): Promise<string> {
  if (config.rootfs === undefined) {
    throw new RyokanError('state', 'the container has no root file system (rootfs); give it one');
  }
  const target = namespace.folder('root');
  const value = parseVolume('rootfs', config.rootfs);
  await namespace.mount(await mountArguments({ services }, 'rootfs', value, target));
  return namespace.path(target);
}

/** Everything beyond the root file system. */
export async function gatherHost(start: ContainerStart): Promise<LxcHost> {
  const { services, vmid, config, ids } = start;
  const { seccomp } = lxcRunPaths(services.paths, vmid);
  const features = featuresOf(config);
  writeFileSync(seccomp, seccompText({ keyctl: ids.length === 0 || features.keyctl === true }));
  const mounts = await mountPoints(start);
  const devices = await passDevices(start);
  const cards = [];
  for (const key of lxcNetKeys) {
    const text = config[key];
    const card = text === undefined ? undefined : await makeCard(services, vmid, key, text);
    if (card) cards.push(card);
  }
  const cgroup = containerCgroup(vmid, services.settings.node);
  const cpus = chosenCpus(config.cores, vmid);
  return {
    vmid,
    cgroup: cgroup.name,
    cgroupVersion: cgroup.version,
    countsSwap: cgroup.countsSwap,
    ...(cpus === undefined ? {} : { cpus }),
    ids,
    mounts: [...mounts, ...devices.mounts],
    cards,
    devices: devices.rules,
    lxcfs: lxcfsFiles(),
    seccomp,
    apparmor: readTextIfPresent('/sys/module/apparmor/parameters/enabled')?.trim() === 'Y',
  };
}

async function mountPoints({ services, config, namespace }: ContainerStart): Promise<PreparedMount[]> {
  const prepared: PreparedMount[] = [];
  for (const key of lxcMountKeys) {
    const text = config[key];
    if (text === undefined) continue;
    const value = parseVolume(key, text);
    const source = namespace.folder(key);
    await namespace.mount(await mountArguments({ services }, key, value, source));
    if (value.ro) await makeReadOnly(namespace.pid, source);
    prepared.push({
      source,
      target: value.mp ?? '/',
      kind: 'dir',
      options: value.ro ? ['ro'] : [],
    });
  }
  // A mount point below another one has to be mounted behind it.
  return prepared.sort((a, b) => a.target.split('/').length - b.target.split('/').length);
}

/**
 * Devices of the node: nodes of their own on the container's stage, with the owner that the configuration names, so that
 * the node's own device keeps its rights.
 */
async function passDevices({
  config,
  ids,
  namespace,
}: ContainerStart): Promise<{ mounts: PreparedMount[]; rules: string[] }> {
  const mounts: PreparedMount[] = [];
  const rules: string[] = [];
  for (const key of lxcDeviceKeys) {
    const text = config[key];
    if (text === undefined) continue;
    const device = fieldsOfKey(deviceFields, key, text);
    const path = device.path ?? '';
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats?.isCharacterDevice() && !stats?.isBlockDevice())
      throw new RyokanError('not-found', `${key}: '${path}' is no device of this node`, { context: { key } });
    const type = stats.isBlockDevice() ? 'b' : 'c';
    const [major, minor] = deviceNumbers(stats.rdev);
    const source = `${namespace.folder(`${key}.d`)}/${key}`;
    const node = namespace.path(source);
    await run('mknod', ['--mode', device.mode ?? '0660', node, type, String(major), String(minor)]);
    const owner = (id: number | undefined) => String(hostId(ids, id ?? 0) ?? 0);
    await run('chown', [`${owner(device.uid)}:${owner(device.gid)}`, node]);
    const readOnly = device['deny-write'] === true;
    mounts.push({ source, target: path, kind: 'file', options: readOnly ? ['ro'] : [] });
    rules.push(`${type} ${major}:${minor} ${readOnly ? 'r' : 'rw'}m`);
  }
  return { mounts, rules };
}

/** Major and minor number of a device in the form of stat(2) on Linux. */
function deviceNumbers(rdev: number): [number, number] {
  const value = BigInt(rdev);
  const major = ((value >> 8n) & 0xfffn) | ((value >> 32n) & 0xfffff000n);
  const minor = (value & 0xffn) | ((value >> 12n) & 0xffffff00n);
  return [Number(major), Number(minor)];
}

/** CPUs for a container of so many cores: those of neighbours differ, so that they do not all sit on the first ones. */
export function chosenCpus(
  cores: number | undefined,
  vmid: number,
  present = availableParallelism(),
): string | undefined {
  if (cores === undefined || cores >= present) return undefined;
  const first = (vmid * cores) % present;
  const chosen = Array.from({ length: cores }, (_, i) => (first + i) % present);
  return chosen.sort((a, b) => a - b).join(',');
}

/** What a running lxcfs (lxcfs.ts) offers: /proc files, and CPUs in /sys. */
function lxcfsFiles(): string[] {
  const proc = join(lxcfsRoot, 'proc');
  if (!existsSync(proc)) return [];
  const cpus = '/sys/devices/system/cpu/online';
  return [
    ...readdirSync(proc)
      .sort()
      .map((name) => `/proc/${name}`),
    ...(existsSync(join(lxcfsRoot, cpus)) ? [cpus] : []),
  ];
}
