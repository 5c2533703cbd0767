/** Taking, removing and describing snapshots of a guest. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import type { GuestConfigFile } from '../../config-file.ts';
import type { GuestServices } from '../../guest-services.ts';
import { demandUnlocked, readGuest, type StoredGuest, writeGuest } from '../../guest-store.ts';
import { namesAnywhere, volumeOf } from '../config-change.ts';
import { guestLock, withQmp } from '../power.ts';
import { isRunning } from '../process.ts';
import type { QmpClient } from '../qmp-client.ts';
import { demandSnapshots, type SnapshotDisk, snapshotDisks } from './disks.ts';
import { removeFromDisk, snapshotAll } from './live.ts';
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
}

const read = (services: GuestServices, vmid: number): StoredGuest =>
  readGuest(services.store, 'qemu', services.settings.node, vmid);

/** Reads the document and writes it changed; the guest's lock key keeps others from it. */
export async function changeFile(
  services: GuestServices,
  vmid: number,
  author: string,
  change: (file: GuestConfigFile) => GuestConfigFile,
): Promise<void> {
  const guest = read(services, vmid);
  await writeGuest(services.store, guest, change(guest.file), author);
}

/** Runs `work` with QEMU's connection, or with none when the guest does not run. */
export function withQmpIfRunning<T>(
  services: GuestServices,
  vmid: number,
  work: (qmp: QmpClient | undefined) => Promise<T>,
): Promise<T> {
  return isRunning(services.paths, vmid) ? withQmp(services, vmid, work) : work(undefined);
}

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
  await demandSnapshots(services, file.properties);
}

export async function takeSnapshot(
  services: GuestServices,
  vmid: number,
  { name, description }: SnapshotRequest,
  task: TaskContext,
): Promise<void> {
  await guestLock(services, vmid, task, async () => {
    await demandSnapshotPossible(services, vmid, name);
    const disks = snapshotDisks(read(services, vmid).file.properties);
    task.undo('snapshot.abandon', { vmid, name });
    const time = Math.floor(Date.now() / 1000);
    await changeFile(services, vmid, task.user, (file) => withPrepared(file, { name, description, time }));
    task.signal.throwIfAborted();
    await withQmpIfRunning(services, vmid, (qmp) =>
      snapshotAll(services, qmp, disks, name, () => task.undo('guest.continue', { vmid })),
    );
    task.signal.throwIfAborted();
    await changeFile(services, vmid, task.user, (file) => withFinished(file, name));
    task.keep();
    task.log(`snapshot '${name}' of ${disks.length} disk(s) taken`);
  });
}

/** Undo: takes a snapshot back that was not finished. Safe to repeat. */
export async function abandonSnapshot(services: GuestServices, vmid: number, name: string): Promise<void> {
  await services.locks.with(`qemu-${vmid}`, async () => {
    const { file } = read(services, vmid);
    const section = file.snapshots[name];
    if (section?.snapstate !== 'prepare') return;
    await withQmpIfRunning(services, vmid, async (qmp) => {
      for (const disk of snapshotDisks(section)) await removeFromDisk(services, qmp, disk, name);
    });
    await changeFile(services, vmid, 'undo', (now) => unlocked(withoutSnapshot(now, name)));
  });
}

/** Undo: lets a guest go on that was stopped for a snapshot. */
export async function continueGuest(services: GuestServices, vmid: number): Promise<void> {
  await withQmpIfRunning(services, vmid, async (qmp) => {
    const state = await qmp?.execute<{ running: boolean }>('query-status');
    if (state && !state.running) await qmp?.execute('cont');
  });
}

/** Undo: the removal of a snapshot broke off. It stays marked, the guest is free. */
export async function endRemoval(services: GuestServices, vmid: number): Promise<void> {
  await changeFile(services, vmid, 'undo', (file) =>
    file.properties.lock === 'snapshot-delete' ? unlocked(file) : file,
  );
}

export function unlocked(file: GuestConfigFile): GuestConfigFile {
  const { lock: _lock, ...properties } = file.properties;
  return { ...file, properties };
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
    task.undo('snapshot.unlock', { vmid });
    await changeFile(services, vmid, task.user, (now) => {
      const marked = withSection(now, name, { snapstate: 'delete' });
      return { ...marked, properties: { ...marked.properties, lock: 'snapshot-delete' } };
    });
    await withQmpIfRunning(services, vmid, async (qmp) => {
      for (const disk of currentKeys(file, disks)) {
        task.signal.throwIfAborted();
        await removeFromDisk(services, qmp, disk.now, name).catch((error: unknown) => {
          if (!force) throw error;
          task.warn(`'${disk.then.volid}' keeps its snapshot: ${messageOf(error)}`);
        });
        await changeFile(services, vmid, task.user, (now) =>
          withSection(now, name, { [disk.then.key]: undefined }),
        );
      }
    });
    await removeState(services, sectionOf(file, name).vmstate, task);
    await changeFile(services, vmid, task.user, (now) =>
      keepingVolumes(disks, unlocked(withoutSnapshot(now, name))),
    );
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

async function removeState(
  services: GuestServices,
  volid: string | undefined,
  task: TaskContext,
): Promise<void> {
  if (volid === undefined) return;
  try {
    await services.storage.remove(volid);
  } catch (error) {
    if (!(error instanceof RyokanError) || error.code !== 'not-found') throw error;
    task.warn(`the saved memory '${volid}' was gone already`);
  }
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
