/** Suspending a guest to disk: its memory is saved, then QEMU ends. A start brings it back, see wake.ts. */
import type { TaskContext } from '../../../tasks/task.ts';
import type { GuestServices } from '../../guest-services.ts';
import { changeFile, demandUnlocked, readGuest } from '../../guest-store.ts';
import { demandRunning, endProcess, guestLock, withQmp, withQmpIfRunning } from '../power.ts';
import { guestProcess } from '../process.ts';
import { endSaving, runningHardware, saveState } from './save.ts';
import { makeStateVolume, removeState, stateStorage } from './volume.ts';
import { withoutState } from './wake.ts';

export interface SuspendOptions {
  readonly storage?: string | undefined;
  readonly skiplock?: boolean | undefined;
}

export async function suspendToDisk(
  services: GuestServices,
  vmid: number,
  options: SuspendOptions,
  task: TaskContext,
): Promise<void> {
  await guestLock(services, vmid, task, async () => {
    const { properties } = readGuest(services.store, 'qemu', services.settings.node, vmid).file;
    if (!options.skiplock) demandUnlocked(properties);
    const process = demandRunning(services, vmid);
    const storage = await stateStorage(services, properties, options.storage);
    await withQmp(services, vmid, async (qmp) => {
      const { running } = await qmp.execute<{ running: boolean }>('query-status');
      const undo = (volid: string) => task.undo('suspend.settle', { vmid, volid, running: running ? 1 : 0 });
      const request = { purpose: `suspend-${today()}`, storage, onPlaced: undo };
      const volid = await makeStateVolume(services, vmid, properties, request, task);
      const hardware = await runningHardware(services, vmid, qmp);
      await changeFile(services, vmid, task.user, (file) => ({
        ...file,
        properties: { ...file.properties, ...hardware, vmstate: volid, lock: 'suspending' },
      }));
      const { onDisk } = await saveState(services, vmid, qmp, volid, task);
      await onDisk;
    });
    task.signal.throwIfAborted();
    // From here on the guest is asleep: whatever happens, it goes on from the saved memory.
    await changeFile(services, vmid, task.user, (file) => ({
      ...file,
      properties: { ...file.properties, lock: 'suspended' },
    }));
    await endProcess(services, vmid, process, task);
    task.keep();
  });
}

/** Undo: ends what is left of a guest that is asleep; one that is not goes on. Safe to repeat. */
export async function settleSuspend(
  services: GuestServices,
  vmid: number,
  volid: string,
  go: boolean,
): Promise<void> {
  await services.locks.with(`qemu-${vmid}`, async () => {
    const log = { log: () => {}, warn: (reason: string) => services.log.warn({ vmid, reason }, 'suspend') };
    const { properties } = readGuest(services.store, 'qemu', services.settings.node, vmid).file;
    if (properties.lock === 'suspended' && properties.vmstate === volid) {
      const process = guestProcess(services.paths, vmid);
      if (process) await endProcess(services, vmid, process, log);
      return;
    }
    await withQmpIfRunning(services, vmid, async (qmp) => {
      if (qmp) await endSaving(services, vmid, qmp, go);
    });
    if (properties.vmstate === volid) await changeFile(services, vmid, 'undo', withoutState);
    await removeState(services, volid, log);
  });
}

/** `2026-01-31`, in the node's own time. */
function today(): string {
  const now = new Date();
  const two = (number: number) => String(number).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
