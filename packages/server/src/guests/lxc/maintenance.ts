/** Work on the file systems of a container: giving freed space back, checking, mounting them on the node. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../../host/exec.ts';
import { type MountedSpace, mountedSpace } from '../../host/mounted-space.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { parseSize } from '../disk-size.ts';
import type { GuestServices } from '../guest-services.ts';
import { demandUnlocked, readGuest, type StoredGuest, unlocked, writeGuest } from '../guest-store.ts';
import { checkFileSystem } from './file-system.ts';
import { stagePath } from './host-input.ts';
import { containerLock } from './power.ts';
import { isRunning, monitorProcess } from './process.ts';
import {
  type ContainerVolume,
  containerVolumes,
  mountVolumes,
  unmountAll,
  withVolume,
} from './task-mount.ts';
import { volumeOwner } from './volume-owner.ts';

/** The lock key while volumes are mounted on the node for a person. */
const mountedLock = 'mounted';

const read = ({ store, settings }: GuestServices, vmid: number): StoredGuest =>
  readGuest(store, 'lxc', settings.node, vmid);

/** Tells the storages which blocks of raw volumes are free, also while the container runs. */
export async function trimVolumes(
  services: GuestServices,
  vmid: number,
  options: { readonly rootOnly: boolean },
  task: TaskContext,
): Promise<void> {
  await containerLock(services, vmid, task, async () => {
    const { properties } = read(services, vmid).file;
    demandUnlocked(properties, 'lxc');
    for (const volume of containerVolumes(properties)) {
      if (options.rootOnly && volume.key !== 'rootfs') continue;
      const { format } = await services.storage.info(volume.value.volume);
      if (format === 'subvol') task.log(`${volume.key}: a subvolume gives space back by itself`);
      else if (volume.value.ro) task.log(`${volume.key}: is read-only and left as it is`);
      else await trimVolume(services, vmid, volume, task);
    }
  });
}

async function trimVolume(
  services: GuestServices,
  vmid: number,
  volume: ContainerVolume,
  task: TaskContext,
): Promise<void> {
  const monitor = monitorProcess(services.paths, vmid);
  try {
    const { stdout } = monitor
      ? await run('nsenter', [
          ...['--target', String(monitor.pid), '--mount'],
          ...['fstrim', '--verbose', stagePath(volume.key)],
        ])
      : await withVolume(volumeOwner(services, vmid), volume, task, (path) =>
          run('fstrim', ['--verbose', path]),
        );
    task.log(`${volume.key}: ${stdout.trim().replace(/^.*?: /, '')}`);
  } catch (error) {
    // The other volumes can still be trimmed.
    task.warn(`${volume.key} was not trimmed: ${messageOf(error)}`);
  }
}

/** The raw volume of a key in a container that does not run; rejects with what forbids a check. */
export async function checkTarget(
  services: GuestServices,
  vmid: number,
  key: string,
): Promise<ContainerVolume> {
  const { properties } = read(services, vmid).file;
  demandUnlocked(properties, 'lxc');
  demandStopped(services, vmid, 'its file systems can be checked');
  const volume = containerVolumes(properties).find((one) => one.key === key);
  if (!volume) {
    throw new RyokanError('parameter', `CT ${vmid} has no volume '${key}' on a storage`, {
      context: { key: 'device' },
    });
  }
  const { format } = await services.storage.info(volume.value.volume);
  if (format === 'raw') return volume;
  throw new RyokanError(
    'unsupported',
    `${key} is a subvolume, a part of its storage's file system: that is checked as a whole (btrfs scrub)`,
  );
}

export async function checkVolume(
  services: GuestServices,
  vmid: number,
  { key, force }: { readonly key: string; readonly force: boolean },
  task: TaskContext,
): Promise<void> {
  await containerLock(services, vmid, task, async () => {
    const { value } = await checkTarget(services, vmid, key);
    await checkFileSystem(await services.storage.path(value.volume), force, task);
  });
}

/** Mounts all volumes on the node and locks the container until they are unmounted. Logs where they are. */
export async function mountContainer(
  services: GuestServices,
  vmid: number,
  task: TaskContext,
): Promise<void> {
  await containerLock(services, vmid, task, async () => {
    const guest = read(services, vmid);
    demandMountable(services, vmid);
    const volumes = containerVolumes(guest.file.properties);
    const root = await mountVolumes(volumeOwner(services, vmid), volumes, task);
    const { file } = guest;
    const properties = { ...file.properties, lock: mountedLock };
    await writeGuest(services.store, guest, { ...file, properties }, task.user);
    task.keep();
    task.log(`mounted CT ${vmid} in '${root}'`);
  });
}

export function demandMountable(services: GuestServices, vmid: number): void {
  demandUnlocked(read(services, vmid).file.properties, 'lxc');
  demandStopped(services, vmid, 'its volumes can be mounted');
}

/** The end of mountContainer; no error when it is not mounted. */
export async function unmountContainer(
  services: GuestServices,
  vmid: number,
  task: TaskContext,
): Promise<void> {
  await containerLock(services, vmid, task, async () => {
    const guest = read(services, vmid);
    const isMounted = guest.file.properties.lock === mountedLock;
    if (!isMounted) demandUnlocked(guest.file.properties, 'lxc');
    await unmountAll(services.paths, vmid);
    if (isMounted) await writeGuest(services.store, guest, unlocked(guest.file), task.user);
  });
}

/**
 * Takes the lock of a dead operation away, and what that may have left mounted: a start would mount it once more.
 * Rejects with 'locked' while a task works on the container: the lock is that task's.
 */
export async function unlockContainer(services: GuestServices, vmid: number, author: string): Promise<void> {
  const work = async () => {
    const guest = read(services, vmid);
    await unmountAll(services.paths, vmid);
    if (guest.file.properties.lock !== undefined)
      await writeGuest(services.store, guest, unlocked(guest.file), author);
  };
  await services.locks.with(`lxc-${vmid}`, work, { timeout: 0 });
}

function demandStopped({ paths }: GuestServices, vmid: number, what: string): void {
  if (!isRunning(paths, vmid)) return;
  throw new RyokanError('state', `CT ${vmid} is running: stop it before ${what}`);
}

export interface VolumeSpace extends Partial<Pick<MountedSpace, 'used' | 'available'>> {
  readonly key: string;
  readonly volume: string;
  readonly size: number;
  readonly mp: string;
}

/** What each volume takes; of a container that does not run only the sizes are known. */
export function volumeSpaces(services: GuestServices, vmid: number): VolumeSpace[] {
  const monitor = monitorProcess(services.paths, vmid);
  return containerVolumes(read(services, vmid).file.properties).map(({ key, value }) => {
    const space = monitor && mountedSpace(monitor.pid, stagePath(key));
    return {
      key,
      volume: value.volume,
      mp: value.mp ?? '/',
      size: space?.total ?? parseSize(value.size ?? '') ?? 0,
      ...(space ? { used: space.used, available: space.available } : {}),
    };
  });
}
