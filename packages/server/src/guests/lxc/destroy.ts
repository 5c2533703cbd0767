/** Removing a container with its volumes. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { GuestServices } from '../guest-services.ts';
import { demandUnlocked, removeGuest, salvageGuest } from '../guest-store.ts';
import { volumesOfGuest } from '../volumes-of-guest.ts';
import { lxcKind } from './kind.ts';
import { ownVolumes, removeVolumes } from './owned-volumes.ts';
import { containerLock, kill } from './power.ts';
import { isRunning } from './process.ts';

export interface DestroyOptions {
  /** Stop it first when it runs. */
  readonly force: boolean;
  readonly unreferenced: boolean;
}

/** What forbids the removal, said before a task starts. */
export function demandRemovable(services: GuestServices, vmid: number, force: boolean): void {
  const { file } = salvageGuest(services.store, 'lxc', services.settings.node, vmid);
  if (file.properties.protection === '1') {
    throw new RyokanError(
      'state',
      `can't remove CT ${vmid} - protection mode enabled: switch the protection option off first`,
    );
  }
  demandUnlocked(file.properties, 'lxc');
  if (!force && isRunning(services.paths, vmid)) {
    throw new RyokanError('state', `CT ${vmid} is running - destroy failed: stop it first, or use force`);
  }
}

/** Volumes go first, the document last: what fails half-way can be tried again. */
export async function destroyContainer(
  services: GuestServices,
  vmid: number,
  options: DestroyOptions,
  task: TaskContext,
): Promise<void> {
  const { store, settings } = services;
  await containerLock(services, vmid, task, async () => {
    demandRemovable(services, vmid, options.force);
    if (isRunning(services.paths, vmid)) await kill(services, vmid, task);
    const { file, problems } = salvageGuest(store, 'lxc', settings.node, vmid);
    for (const { line, problem } of problems) {
      task.warn(`line ${line} of the configuration: ${problem}; a volume that only this line named is kept`);
    }
    const volumes = new Set(ownVolumes(vmid, file));
    if (options.unreferenced) {
      for (const { volid } of await volumesOfGuest(services, lxcKind, vmid, task)) volumes.add(volid);
    }
    await removeVolumes(services, vmid, volumes, task);
    await removeGuest(store, 'lxc', settings.node, vmid, task.user);
  });
}
