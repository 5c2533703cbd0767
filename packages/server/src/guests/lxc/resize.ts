/** Growing a volume of a container with its file system, also while it runs. */
import { digestMismatch, messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { lxcVolumeKeys } from '@ryokan/api/schema/lxc-config.ts';
import { run } from '../../host/exec.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { formatSize, parseSize } from '../disk-size.ts';
import type { GuestServices } from '../guest-services.ts';
import { demandUnlocked, readGuest, writeGuest } from '../guest-store.ts';
import { fileSystemOf, growMounted, growUnmounted } from './file-system.ts';
import { stagePath } from './host-input.ts';
import { containerLock } from './power.ts';
import { monitorProcess } from './process.ts';
import { type ContainerVolume, withVolume } from './task-mount.ts';
import { volumeOwner } from './volume-owner.ts';
import { formatVolume, parseVolume, type VolumeValue, volumeKind } from './volume-value.ts';

export interface ResizeRequest {
  readonly disk: string;
  /** `10G`, or `+2G` for how much more. */
  readonly size: string;
  readonly digest?: string | undefined;
}

interface Target {
  readonly value: VolumeValue;
  readonly storage: string;
  /** Bytes. */
  readonly present: number;
  readonly wanted: number;
}

/** What is to be done; rejects with what forbids it. */
export async function resizeTarget(
  services: GuestServices,
  vmid: number,
  request: ResizeRequest,
): Promise<Target> {
  const { disk, size, digest } = request;
  const guest = readGuest(services.store, 'lxc', services.settings.node, vmid);
  if (digest !== undefined && digest !== guest.digest) throw digestMismatch();
  demandUnlocked(guest.file.properties, 'lxc');
  const text = guest.file.properties[disk];
  if (!(lxcVolumeKeys as readonly string[]).includes(disk) || text === undefined)
    throw new RyokanError('parameter', `CT ${vmid} has no volume '${disk}'`, { context: { key: 'disk' } });
  const value = parseVolume(disk, text);
  if (volumeKind(value) !== 'volume') {
    throw new RyokanError(
      'parameter',
      `${disk} is a directory or device of the node: its size is not the container's`,
    );
  }
  const info = await services.storage.info(value.volume);
  const given = parseSize(size.replace(/^\+/, ''));
  if (given === undefined) throw new RyokanError('parameter', `'${size}' is no size such as 10G or +2G`);
  const wanted = size.startsWith('+') ? info.size + given : given;
  if (wanted < info.size) {
    throw new RyokanError('parameter', `${disk} has ${formatSize(info.size)}: shrinking it is not supported`);
  }
  return { value, storage: value.volume.slice(0, value.volume.indexOf(':')), present: info.size, wanted };
}

export async function resizeVolume(
  services: GuestServices,
  vmid: number,
  request: ResizeRequest,
  task: TaskContext,
): Promise<void> {
  await containerLock(services, vmid, task, async () => {
    const { value, present, wanted } = await resizeTarget(services, vmid, request);
    const { store, settings, storage } = services;
    if (wanted > present) await storage.resize(value.volume, wanted);
    const { format } = await storage.info(value.volume);
    const guest = readGuest(store, 'lxc', settings.node, vmid);
    const text = formatVolume(request.disk, { ...value, size: formatSize(wanted) });
    const file = { ...guest.file, properties: { ...guest.file.properties, [request.disk]: text } };
    await writeGuest(store, guest, file, task.user);
    if (format === 'raw') await grow(services, vmid, { key: request.disk, value }, task);
    task.log(`${request.disk} has ${formatSize(wanted)} now`);
  });
}

/** A running container has the file in a loop device, which has to see the new size first. */
async function grow(
  services: GuestServices,
  vmid: number,
  volume: ContainerVolume,
  task: TaskContext,
): Promise<void> {
  const path = await services.storage.path(volume.value.volume);
  const fileSystem = await fileSystemOf(path);
  // The monitor sees the node's own programs, and the container's volumes mounted.
  const monitor = monitorProcess(services.paths, vmid);
  const device = monitor && (await loopDevice(path));
  if (!monitor || !device) {
    if (fileSystem !== 'xfs') return growUnmounted(path);
    // XFS grows only while it is mounted.
    const owner = volumeOwner(services, vmid);
    return withVolume(owner, volume, task, (point) => growMounted('xfs', { device: path, point }));
  }
  await run('losetup', ['--set-capacity', device]);
  try {
    await growMounted(fileSystem, { device, point: stagePath(volume.key), pid: monitor.pid });
  } catch (cause) {
    throw new RyokanError(
      'failed',
      `the volume has grown, but its file system cannot while it is in use (${messageOf(cause)}): stop the container and set the same size again`,
      { cause, context: { vmid } },
    );
  }
}

async function loopDevice(path: string): Promise<string | undefined> {
  const options = ['--list', '--noheadings', '--output', 'NAME', '--associated', path];
  return (await run('losetup', options)).stdout.trim().split('\n')[0]?.trim() || undefined;
}
