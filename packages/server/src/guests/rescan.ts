/**
 * Looks at the storages again: sizes in the configuration become those of the volumes, and volumes that belong to a
 * guest but stand nowhere in its configuration become unused disks, so that they can be attached or removed.
 */
import { realpath } from 'node:fs/promises';
import { messageOf } from '@ryokan/api/errors.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import type { Volume } from '../storage/manager.ts';
import type { TaskContext } from '../tasks/task.ts';
import { allProperties } from './config-change.ts';
import type { ConfigProperties, GuestConfigFile } from './config-file.ts';
import { addUnused } from './copy/volume-switch.ts';
import { formatSize } from './disk-size.ts';
import type { GuestKind } from './guest-kind.ts';
import { guestLock } from './guest-lock.ts';
import type { GuestServices } from './guest-services.ts';
import { demandUnlocked, guestPrefix, parseGuestPath, readGuest, writeGuest } from './guest-store.ts';
import { volumesOfGuest } from './volumes-of-guest.ts';

export interface RescanOptions {
  /** All guests of the node when absent. */
  readonly vmid?: number | undefined;
  /** Only say what would change. */
  readonly dryrun?: boolean | undefined;
}

export async function rescanDisks(
  kind: GuestKind,
  services: GuestServices,
  { vmid, dryrun = false }: RescanOptions,
  task: TaskContext,
): Promise<void> {
  if (vmid !== undefined) return rescanGuest(kind, services, vmid, dryrun, task);
  const { store, settings } = services;
  for (const { path } of store.list(guestPrefix(kind.type, settings.node))) {
    task.signal.throwIfAborted();
    const one = parseGuestPath(path)?.vmid;
    if (one === undefined) continue;
    // One guest that is locked or damaged keeps the others from nothing.
    await rescanGuest(kind, services, one, dryrun, task).catch((error) => {
      if (task.signal.aborted) throw error;
      task.warn(`${kind.label} ${one} was left out: ${messageOf(error)}`);
    });
  }
}

/** Under the guest's lock, so that volumes which a task is just making are not taken for forgotten ones. */
function rescanGuest(
  kind: GuestKind,
  services: GuestServices,
  vmid: number,
  dryrun: boolean,
  task: TaskContext,
): Promise<void> {
  const { type } = kind;
  return guestLock(services, type, vmid, task, async () => {
    const guest = readGuest(services.store, type, services.settings.node, vmid);
    demandUnlocked(guest.file.properties, type);
    const volumes = await volumesOfGuest(services, kind, vmid, task);
    const apart = await withoutAliases(kind, services, guest.file, volumes);
    const { file, changes } = rescanned(kind, guest.file, apart);
    for (const change of changes) task.log(`${kind.label} ${vmid}: ${change}`);
    if (!dryrun && changes.length > 0) await writeGuest(services.store, guest, file, task.user);
  });
}

/**
 * Leaves out what the configuration names already in other words (by another storage of the same folder, or without the
 * base of a linked clone): as an unused disk it would be removed, and be in use.
 */
async function withoutAliases(
  kind: GuestKind,
  { storage }: GuestServices,
  file: GuestConfigFile,
  volumes: readonly Volume[],
): Promise<Volume[]> {
  const place = async (volid: string) => {
    const { capabilities } = await storage.driver(parseVolumeId(volid).storage);
    return capabilities.localPath ? realpath(await storage.path(volid)) : volid;
  };
  const named = new Set(allProperties(file).flatMap((properties) => volumesIn(kind, properties)));
  const taken = new Set<string>();
  // A volume that is missing has no place that another one could share.
  for (const volid of named) taken.add(await place(volid).catch(() => volid));
  const left: Volume[] = [];
  for (const volume of volumes) {
    const where = await place(volume.volid);
    if (named.has(volume.volid) || !taken.has(where)) left.push(volume);
    taken.add(where);
  }
  return left;
}

function volumesIn(kind: GuestKind, properties: ConfigProperties): string[] {
  return Object.entries(properties)
    .filter(([key]) => kind.isVolumeKey(key))
    .map(([key, text]) => kind.volumeOf(key, text))
    .filter((volid) => volid !== undefined);
}

/** The document with what the volumes say, and what has changed in words. Pure. */
export function rescanned(
  kind: GuestKind,
  file: GuestConfigFile,
  volumes: readonly Volume[],
): { readonly file: GuestConfigFile; readonly changes: readonly string[] } {
  const changes: string[] = [];
  const properties: Record<string, string> = { ...file.properties };
  const named = Object.entries(file.properties).flatMap(([key, text]) => {
    const volid = kind.isVolumeKey(key) ? kind.volumeOf(key, text) : undefined;
    return volid === undefined ? [] : [{ key, text, volid, unused: kind.unusedKeys.includes(key) }];
  });
  const used = named.filter(({ unused }) => !unused);
  for (const { key, text, volid } of used) {
    const volume = volumes.find((one) => one.volid === volid);
    if (!volume) continue;
    const size = formatSize(volume.size);
    const sized = kind.onVolume(key, text, volid, size);
    if (sized === kind.onVolume(key, text, volid)) continue;
    properties[key] = sized;
    changes.push(`'${key}' has ${size}`);
  }
  for (const { key, volid, unused } of named) {
    if (!unused || !used.some((one) => one.volid === volid)) continue;
    delete properties[key];
    changes.push(`'${key}' is gone: '${volid}' is in use`);
  }
  let result: GuestConfigFile = { ...file, properties };
  for (const { volid } of volumes) {
    if (!isDisk(volid) || kind.namesAnywhere(result, volid)) continue;
    result = addUnused(kind, result, volid);
    changes.push(`'${volid}' is an unused disk now`);
  }
  return { file: result, changes };
}

/** Not the images that the node makes for a guest: cloud-init data, saved memory. */
const isDisk = (volid: string): boolean =>
  !/(^|\/)vm-\d+-(?:cloudinit|state-)/.test(parseVolumeId(volid).name);
