/** Removing a QEMU guest with its volumes. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { GuestConfigFile } from '../config-file.ts';
import type { GuestServices } from '../guest-services.ts';
import { demandUnlocked, removeGuest, salvageGuest } from '../guest-store.ts';
import { volumesOfGuest } from '../volumes-of-guest.ts';
import { allProperties, isVolumeKey } from './config-change.ts';
import { ownVolumes } from './disks.ts';
import { qemuKind } from './kind.ts';
import { guestLock } from './power.ts';
import { isRunning } from './process.ts';

export interface DestroyOptions {
  readonly unreferenced: boolean;
  readonly skiplock: boolean;
}

/** What forbids the removal, said before a task starts. */
export function demandRemovable(services: GuestServices, vmid: number, skiplock: boolean): void {
  const { file } = salvageGuest(services.store, 'qemu', services.settings.node, vmid);
  if (file.properties.protection === '1') {
    throw new RyokanError(
      'state',
      `can't remove VM ${vmid} - protection mode enabled: switch the protection option off first`,
    );
  }
  if (!skiplock) demandUnlocked(file.properties);
  if (isRunning(services.paths, vmid))
    throw new RyokanError('state', `VM ${vmid} is running - destroy failed: stop it first`);
}

/** Volumes go first, the document last: what fails half-way can be tried again. */
export async function destroyGuest(
  services: GuestServices,
  vmid: number,
  options: DestroyOptions,
  task: TaskContext,
): Promise<void> {
  const { store, settings, storage } = services;
  await guestLock(services, vmid, task, async () => {
    demandRemovable(services, vmid, options.skiplock);
    const { file, problems } = salvageGuest(store, 'qemu', settings.node, vmid);
    for (const { line, problem } of problems) {
      task.warn(`line ${line} of the configuration: ${problem}; a volume that only this line named is kept`);
    }
    const volumes = await volumesToRemove(services, vmid, file, options.unreferenced, task);
    for (const volid of volumes) {
      try {
        await storage.remove(volid);
        task.log(`removed volume '${volid}'`);
      } catch (error) {
        if (!(error instanceof RyokanError) || error.code !== 'not-found') throw error;
        task.warn(`volume '${volid}' was gone already`);
      }
    }
    await removeGuest(store, 'qemu', settings.node, vmid, task.user);
  });
}

/** Says in a rehearsal what destroyGuest would remove. */
export async function planDestroy(
  services: GuestServices,
  vmid: number,
  unreferenced: boolean,
  author: string,
): Promise<void> {
  const { store, settings } = services;
  const { file } = salvageGuest(store, 'qemu', settings.node, vmid);
  const quiet = { log: () => {}, warn: () => {} };
  for (const volid of await volumesToRemove(services, vmid, file, unreferenced, quiet))
    rehearsed(`removes the volume '${volid}'`);
  await removeGuest(store, 'qemu', settings.node, vmid, author);
}

async function volumesToRemove(
  services: GuestServices,
  vmid: number,
  file: GuestConfigFile,
  unreferenced: boolean,
  task: Pick<TaskContext, 'log' | 'warn'>,
): Promise<Set<string>> {
  const drives = allProperties(file)
    .flatMap((properties) => Object.entries(properties))
    .filter(([key]) => isVolumeKey(key));
  const states = allProperties(file).flatMap(({ vmstate }) => (vmstate === undefined ? [] : [vmstate]));
  const volumes = new Set([...ownVolumes(vmid, drives).map((one) => one.volid), ...states]);
  if (unreferenced)
    for (const { volid } of await volumesOfGuest(services, qemuKind, vmid, task)) volumes.add(volid);
  return volumes;
}
