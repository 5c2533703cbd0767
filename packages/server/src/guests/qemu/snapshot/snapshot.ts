/** Taking, removing and describing snapshots of a guest. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import type { ConfigProperties, GuestConfigFile } from '../../config-file.ts';
import type { GuestServices } from '../../guest-services.ts';
import { changeFile, demandUnlocked, readGuest, type StoredGuest, unlocked } from '../../guest-store.ts';
import { namesAnywhere, volumeOf } from '../config-change.ts';
import { resumeUndo } from '../copy/copy-undos.ts';
import { volumeExists } from '../disks.ts';
import { whileFrozen } from '../file-system-freeze.ts';
import { guestLock, withQmpIfRunning } from '../power.ts';
import type { QmpClient } from '../qmp-client.ts';
import { endSaving, runningHardware, saveState } from '../saved-state/save.ts';
import { makeStateVolume, removeState, stateStorage } from '../saved-state/volume.ts';
import { demandSnapshots, hasSnapshot, type SnapshotDisk, snapshotDisks } from './disks.ts';
import { abandonDisk, prepareSnapshot, removeFromDisk, settleRemoval } from './live.ts';
import {
  demandFreeName,
  sectionOf,
  withFinished,
  withoutSnapshot,
  withPrepared,
  withSection,
} from './section.ts';

export interface SnapshotRequest {
  readonly name: string;
  readonly description?: string | undefined;
  /** With the memory of the guest, if it runs. */
  readonly vmstate?: boolean | undefined;
}

const read = (services: GuestServices, vmid: number): StoredGuest =>
  readGuest(services.store, 'qemu', services.settings.node, vmid);

/** What forbids a snapshot, said before a task is made. */
export async function demandSnapshotPossible(
  services: GuestServices,
  vmid: number,
  name: string,
): Promise<void> {
  const { file } = read(services, vmid);
  demandUnlocked(file.properties);
  if (file.properties.template === '1') {
    throw new RyokanError('state', "you can't take a snapshot if it's a template");
  }
  demandFreeName(file, name);
  await demandSnapshots(services, vmid, file.properties);
}

export async function takeSnapshot(
  services: GuestServices,
  vmid: number,
  request: SnapshotRequest,
  task: TaskContext,
): Promise<void> {
  const { name } = request;
  await guestLock(services, vmid, task, async () => {
    await demandSnapshotPossible(services, vmid, name);
    const disks = snapshotDisks(read(services, vmid).file.properties);
    task.undo('snapshot.abandon', { vmid, name });
    await withQmpIfRunning(services, vmid, async (qmp) => {
      const memory = qmp && request.vmstate ? await memoryKeys(services, vmid, qmp, name, task) : {};
      await changeFile(services, vmid, task.user, (file) =>
        withPrepared(file, { ...request, time: Math.floor(Date.now() / 1000) }, memory),
      );
      task.signal.throwIfAborted();
      const guest = { services, vmid, qmp, signal: task.signal };
      const prepared = await prepareSnapshot(guest, disks, name);
      task.signal.throwIfAborted();
      const take = () => prepared.take(() => task.undo(resumeUndo, { vmid }));
      if (qmp && memory.vmstate !== undefined) {
        await withMemory(services, vmid, qmp, memory.vmstate, task, take);
      } else if (!qmp || !(await whileFrozen(services, vmid, qmp, task, take))) await take();
    });
    task.signal.throwIfAborted();
    await changeFile(services, vmid, task.user, (file) => withFinished(file, name));
    task.keep();
    task.log(`snapshot '${name}' of ${disks.length} disk(s) taken`);
  });
}

/** Makes the volume for the memory, and returns what the snapshot's section says about it. */
async function memoryKeys(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  name: string,
  task: TaskContext,
): Promise<Readonly<Record<string, string>>> {
  const { properties } = read(services, vmid).file;
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

/** Undo: takes a snapshot back that was not finished. Safe to repeat. */
export async function abandonSnapshot(services: GuestServices, vmid: number, name: string): Promise<void> {
  await services.locks.with(`qemu-${vmid}`, async () => {
    const { file } = read(services, vmid);
    const section = file.snapshots[name];
    if (section?.snapstate !== 'prepare') return;
    await withQmpIfRunning(services, vmid, async (qmp) => {
      for (const disk of snapshotDisks(section)) await abandonDisk({ services, vmid, qmp }, disk, name);
    });
    await changeFile(services, vmid, 'undo', (now) => unlocked(withoutSnapshot(now, name)));
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
    const section = read(services, vmid).file.snapshots[name];
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

/** Undo: the removal of a snapshot broke off. It stays marked, the guest is free. Safe to repeat. */
export async function endRemoval(services: GuestServices, vmid: number, name: string): Promise<void> {
  await services.locks.with(`qemu-${vmid}`, async () => {
    const { file } = read(services, vmid);
    if (file.properties.lock !== 'snapshot-delete') return;
    await withQmpIfRunning(services, vmid, async (qmp) => {
      for (const disk of snapshotDisks(file.properties)) {
        await settleRemoval({ services, vmid, qmp }, disk, name);
      }
    });
    const gone = await removedParts(services, sectionOf(file, name), name);
    await changeFile(services, vmid, 'undo', (now) => unlocked(withoutParts(now, name, gone)));
  });
}

/** What a snapshot's section names and is not there any more: keys of disks, and `vmstate`. */
async function removedParts(
  services: GuestServices,
  section: ConfigProperties,
  name: string,
): Promise<string[]> {
  const gone: string[] = [];
  for (const { key, volid } of snapshotDisks(section)) {
    if (!(await hasSnapshot(services, volid, name))) gone.push(key);
  }
  if (section.vmstate !== undefined && !(await volumeExists(services, section.vmstate))) gone.push('vmstate');
  return gone;
}

/** The volumes of the disks stay with the guest. */
function withoutParts(file: GuestConfigFile, name: string, keys: readonly string[]): GuestConfigFile {
  const section = sectionOf(file, name);
  const disks = snapshotDisks(section).filter(({ key }) => keys.includes(key));
  const without = Object.fromEntries(keys.map((key) => [key, undefined]));
  return keepingVolumes(disks, withSection(file, name, without));
}

/**
 * Removes a snapshot from every disk, then from the document. What fails half-way leaves it marked as `delete`, without
 * the disks that are done: it can be removed again, and nobody goes back to it. With `force` failures are only warnings.
 */
export async function removeSnapshot(
  services: GuestServices,
  vmid: number,
  { name, force }: { readonly name: string; readonly force: boolean },
  task: TaskContext,
): Promise<void> {
  await guestLock(services, vmid, task, async () => {
    const { file } = read(services, vmid);
    demandUnlocked(file.properties);
    const disks = snapshotDisks(sectionOf(file, name));
    task.undo('snapshot.end-removal', { vmid, name });
    await changeFile(services, vmid, task.user, (now) => {
      const marked = withSection(now, name, { snapstate: 'delete' });
      return { ...marked, properties: { ...marked.properties, lock: 'snapshot-delete' } };
    });
    await withQmpIfRunning(services, vmid, async (qmp) => {
      for (const disk of currentKeys(file, disks)) {
        task.signal.throwIfAborted();
        const guest = { services, vmid, qmp, signal: task.signal };
        await removeFromDisk(guest, disk.now, name).catch((error: unknown) => {
          if (!force) throw error;
          task.warn(`'${disk.then.volid}' keeps its snapshot: ${messageOf(error)}`);
        });
        await changeFile(services, vmid, task.user, (now) => withoutParts(now, name, [disk.then.key]));
      }
    });
    const { vmstate } = sectionOf(file, name);
    if (vmstate !== undefined) await removeState(services, vmstate, task);
    await changeFile(services, vmid, task.user, (now) => unlocked(withoutSnapshot(now, name)));
    task.keep();
  });
}

/** A disk of a snapshot may be plugged in elsewhere today, or nowhere: QEMU knows it by the key of now. */
function currentKeys(
  file: GuestConfigFile,
  disks: readonly SnapshotDisk[],
): { then: SnapshotDisk; now: SnapshotDisk }[] {
  const present = snapshotDisks(file.properties);
  return disks.map((then) => {
    const now = present.find((disk) => disk.volid === then.volid);
    return { then, now: now ?? { key: 'unused', volid: then.volid } };
  });
}

/** Volumes that nothing names any more stay with the guest as unusedN. */
export function keepingVolumes(disks: readonly SnapshotDisk[], file: GuestConfigFile): GuestConfigFile {
  const properties: Record<string, string> = { ...file.properties };
  const has = (volid: string) =>
    namesAnywhere({ ...file, properties }, volid) ||
    Object.entries(properties).some(
      ([key, text]) => /^unused\d+$/.test(key) && volumeOf(key, text) === volid,
    );
  for (const { volid } of disks) {
    if (has(volid)) continue;
    for (let number = 0; ; number++) {
      if (`unused${number}` in properties) continue;
      properties[`unused${number}`] = volid;
      break;
    }
  }
  return { ...file, properties };
}
