/** Removing snapshots of a guest. */
import { messageOf } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { ConfigProperties, GuestConfigFile } from '../config-file.ts';
import type { GuestDisk, GuestKind } from '../guest-kind.ts';
import { guestLock } from '../guest-lock.ts';
import type { GuestServices } from '../guest-services.ts';
import { changeFile, demandUnlocked, readGuest, unlocked } from '../guest-store.ts';
import { removeIfThere, volumeExists } from '../volumes-of-guest.ts';
import { hasSnapshot, type SnapshotHands } from './hands.ts';
import { keepingVolumes } from './kept-volumes.ts';
import { sectionOf, withoutSnapshot, withSection } from './section.ts';

/**
 * Removes a snapshot from every disk, then from the document. What fails half-way leaves it marked as `delete`, without
 * the disks that are done: it can be removed again, and nobody goes back to it. With `force` failures are only warnings.
 */
export async function removeSnapshot(
  services: GuestServices,
  hands: SnapshotHands,
  vmid: number,
  { name, force }: { readonly name: string; readonly force: boolean },
  task: TaskContext,
): Promise<void> {
  const { kind } = hands;
  await guestLock(services, kind.type, vmid, task, async () => {
    const { file } = readGuest(services.store, kind.type, services.settings.node, vmid);
    demandUnlocked(file.properties, kind.type);
    const disks = kind.disksOf(sectionOf(file, name));
    task.undo('snapshot.end-removal', { vmid, name });
    await changeFile(services, vmid, task.user, (now) => {
      const marked = withSection(now, name, { snapstate: 'delete' });
      return { ...marked, properties: { ...marked.properties, lock: 'snapshot-delete' } };
    });
    await hands.withDisks(services, vmid, task.signal, async ({ remove }) => {
      for (const disk of currentKeys(kind, file, disks)) {
        task.signal.throwIfAborted();
        await remove(disk.now, name).catch((error: unknown) => {
          if (!force) throw error;
          task.warn(`'${disk.then.volid}' keeps its snapshot: ${messageOf(error)}`);
        });
        await changeFile(services, vmid, task.user, (now) => withoutParts(kind, now, name, [disk.then.key]));
      }
    });
    const { vmstate } = sectionOf(file, name);
    if (vmstate !== undefined && (await removeIfThere(services, vmstate))) {
      task.log(`removed volume '${vmstate}' with the memory`);
    }
    await changeFile(services, vmid, task.user, (now) => unlocked(withoutSnapshot(now, name)));
    task.keep();
  });
}

/** Undo: the removal of a snapshot broke off. It stays marked, the guest is free. Safe to repeat. */
export async function endRemoval(
  services: GuestServices,
  hands: SnapshotHands,
  vmid: number,
  name: string,
): Promise<void> {
  const { kind } = hands;
  await services.locks.with(`${kind.type}-${vmid}`, async () => {
    const { file } = readGuest(services.store, kind.type, services.settings.node, vmid);
    if (file.properties.lock !== 'snapshot-delete') return;
    await hands.withDisks(services, vmid, undefined, async ({ settleRemoval }) => {
      for (const disk of kind.disksOf(file.properties)) await settleRemoval(disk, name);
    });
    const gone = await removedParts(services, kind, sectionOf(file, name), name);
    await changeFile(services, vmid, 'undo', (now) => unlocked(withoutParts(kind, now, name, gone)));
  });
}

/** What a snapshot's section names and is not there any more: keys of disks, and `vmstate`. */
async function removedParts(
  services: GuestServices,
  kind: GuestKind,
  section: ConfigProperties,
  name: string,
): Promise<string[]> {
  const gone: string[] = [];
  for (const { key, volid } of kind.disksOf(section)) {
    if (!(await hasSnapshot(services, volid, name))) gone.push(key);
  }
  if (section.vmstate !== undefined && !(await volumeExists(services, section.vmstate))) gone.push('vmstate');
  return gone;
}

/** The volumes of the disks stay with the guest. */
function withoutParts(
  kind: GuestKind,
  file: GuestConfigFile,
  name: string,
  keys: readonly string[],
): GuestConfigFile {
  const section = sectionOf(file, name);
  const disks = kind.disksOf(section).filter(({ key }) => keys.includes(key));
  const without = Object.fromEntries(keys.map((key) => [key, undefined]));
  return keepingVolumes(kind, disks, withSection(file, name, without));
}

/** A disk of a snapshot may be plugged in elsewhere today, or nowhere: a running guest knows it by the key of now. */
function currentKeys(
  kind: GuestKind,
  file: GuestConfigFile,
  disks: readonly GuestDisk[],
): { then: GuestDisk; now: GuestDisk }[] {
  const present = kind.disksOf(file.properties);
  return disks.map((then) => {
    const now = present.find((disk) => disk.volid === then.volid);
    return { then, now: now ?? { key: 'unused', volid: then.volid } };
  });
}
