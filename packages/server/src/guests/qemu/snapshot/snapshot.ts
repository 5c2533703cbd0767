/** Snapshots of a virtual machine, with its memory or without. */
import type { TaskContext } from '../../../tasks/task.ts';
import type { GuestServices } from '../../guest-services.ts';
import { readGuest } from '../../guest-store.ts';
import { type SnapshotRequest, takeSnapshot } from '../../snapshots/snapshot.ts';
import { resumeUndo } from '../copy/copy-undos.ts';
import { whileFrozen } from '../file-system-freeze.ts';
import { withQmpIfRunning } from '../power.ts';
import type { QmpClient } from '../qmp-client.ts';
import { endSaving, runningHardware, saveState } from '../saved-state/save.ts';
import { makeStateVolume, removeState, stateStorage } from '../saved-state/volume.ts';
import { vmSnapshots } from './hands.ts';
import { prepareSnapshot } from './live.ts';

export interface VmSnapshotRequest extends SnapshotRequest {
  /** With the memory of the guest, if it runs. */
  readonly vmstate?: boolean | undefined;
}

export async function takeVmSnapshot(
  services: GuestServices,
  vmid: number,
  request: VmSnapshotRequest,
  task: TaskContext,
): Promise<void> {
  const { name, description, vmstate } = request;
  await takeSnapshot(
    services,
    vmSnapshots,
    vmid,
    { name, description },
    (disks, enter) =>
      withQmpIfRunning(services, vmid, async (qmp) => {
        const memory = qmp && vmstate ? await memoryKeys(services, vmid, qmp, name, task) : {};
        await enter(memory);
        const prepared = await prepareSnapshot({ services, vmid, qmp, signal: task.signal }, disks, name);
        task.signal.throwIfAborted();
        const take = () => prepared.take(() => task.undo(resumeUndo, { vmid }));
        if (qmp && memory.vmstate !== undefined) {
          await withMemory(services, vmid, qmp, memory.vmstate, task, take);
        } else if (!qmp || !(await whileFrozen(services, vmid, qmp, task, take))) await take();
      }),
    task,
  );
}

/** Makes the volume for the memory, and returns what the snapshot's section says about it. */
async function memoryKeys(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  name: string,
  task: TaskContext,
): Promise<Readonly<Record<string, string>>> {
  const { properties } = readGuest(services.store, 'qemu', services.settings.node, vmid).file;
  const storage = await stateStorage(services, properties);
  const onPlaced = (volid: string) => task.undo('snapshot.abandon-memory', { vmid, name, volid });
  const volid = await makeStateVolume(services, vmid, properties, { purpose: name, storage, onPlaced }, task);
  return { vmstate: volid, ...(await runningHardware(services, vmid, qmp)) };
}

/** Saves the memory, and takes the disks at the moment in which all of it is saved. */
async function withMemory(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  volid: string,
  task: TaskContext,
  takeDisks: () => Promise<void>,
): Promise<void> {
  const { running } = await qmp.execute<{ running: boolean }>('query-status');
  task.undo('snapshot.end-saving', { vmid, running: running ? 1 : 0 });
  const stood = standstill(qmp);
  const { onDisk } = await saveState(services, vmid, qmp, volid, task, takeDisks);
  // A guest that was paused runs for a moment: nothing else gives QEMU its disks back.
  await qmp.execute('cont');
  if (!running) await qmp.execute('stop');
  else task.log(`the guest stood still for ${await stood} ms`);
  await onDisk;
}

/** Milliseconds between the next stop of the guest and the moment from which it runs again, by QEMU's clock. */
function standstill(qmp: QmpClient): Promise<number> {
  return new Promise((resolve) => {
    let since = 0;
    const end = qmp.onEvent(({ event, time }) => {
      if (event === 'STOP') since = time;
      if (event !== 'RESUME') return;
      end();
      resolve(time - since);
    });
  });
}

/** Undo: removes the memory of a snapshot that was not finished. Safe to repeat. */
export async function abandonMemory(
  services: GuestServices,
  vmid: number,
  name: string,
  volid: string,
): Promise<void> {
  await services.locks.with(`qemu-${vmid}`, async () => {
    const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
    const section = file.snapshots[name];
    if (section && section.snapstate !== 'prepare') return;
    await removeState(services, volid, { log: () => {} });
  });
}

/** Undo: the memory of a guest was being saved; it goes on. */
export async function abandonSaving(services: GuestServices, vmid: number, go: boolean): Promise<void> {
  await services.locks.with(`qemu-${vmid}`, () =>
    withQmpIfRunning(services, vmid, async (qmp) => {
      if (qmp) await endSaving(services, vmid, qmp, go);
    }),
  );
}
