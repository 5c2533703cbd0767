/**
 * Looks at the storages again: sizes in the configuration become those of the volumes, and volumes that belong to a
 * guest but stand nowhere in its configuration become unused disks, so that they can be attached or removed.
 */
import { realpath } from 'node:fs/promises';
import { messageOf } from '@ryokan/api/errors.ts';
import { qemuUnusedKeys, qemuVolumeKeys } from '@ryokan/api/schema/qemu-config.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import type { Volume } from '../../../storage/manager.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import type { ConfigProperties, GuestConfigFile } from '../../config-file.ts';
import { addUnused } from '../../copy/volume-switch.ts';
import { formatSize } from '../../disk-size.ts';
import type { GuestServices } from '../../guest-services.ts';
import { demandUnlocked, guestPrefix, parseGuestPath, readGuest, writeGuest } from '../../guest-store.ts';
import { volumesOfGuest } from '../../volumes-of-guest.ts';
import { allProperties, isVolumeKey, namesAnywhere, volumeOf } from '../config-change.ts';
import { formatDrive, isCloudInit, parseDrive } from '../drive-value.ts';
import { qemuKind } from '../kind.ts';
import { guestLock } from '../power.ts';

export interface RescanOptions {
  /** All guests of the node when absent. */
  readonly vmid?: number | undefined;
  /** Only say what would change. */
  readonly dryrun?: boolean | undefined;
}

export async function rescanDisks(
  services: GuestServices,
  { vmid, dryrun = false }: RescanOptions,
  task: TaskContext,
): Promise<void> {
  if (vmid !== undefined) return rescanGuest(services, vmid, dryrun, task);
  const { store, settings } = services;
  for (const { path } of store.list(guestPrefix('qemu', settings.node))) {
    task.signal.throwIfAborted();
    const one = parseGuestPath(path)?.vmid;
    if (one === undefined) continue;
    // One guest that is locked or damaged keeps the others from nothing.
    await rescanGuest(services, one, dryrun, task).catch((error) => {
      if (task.signal.aborted) throw error;
      task.warn(`VM ${one} was left out: ${messageOf(error)}`);
    });
  }
}

/** Under the guest's lock, so that volumes which a task is just making are not taken for forgotten ones. */
function rescanGuest(
  services: GuestServices,
  vmid: number,
  dryrun: boolean,
  task: TaskContext,
): Promise<void> {
  return guestLock(services, vmid, task, async () => {
    const guest = readGuest(services.store, 'qemu', services.settings.node, vmid);
    demandUnlocked(guest.file.properties);
    const volumes = await volumesOfGuest(services, qemuKind, vmid, task);
    const { file, changes } = rescanned(guest.file, await withoutAliases(services, guest.file, volumes));
    for (const change of changes) task.log(`VM ${vmid}: ${change}`);
    if (!dryrun && changes.length > 0) await writeGuest(services.store, guest, file, task.user);
  });
}

/**
 * Leaves out what the configuration names already in other words (by another storage of the same folder, or without the
 * base of a linked clone): as an unused disk it would be removed, and be in use.
 */
async function withoutAliases(
  { storage }: GuestServices,
  file: GuestConfigFile,
  volumes: readonly Volume[],
): Promise<Volume[]> {
  const place = async (volid: string) => {
    const { capabilities } = await storage.driver(parseVolumeId(volid).storage);
    return capabilities.localPath ? realpath(await storage.path(volid)) : volid;
  };
  const named = new Set(allProperties(file).flatMap(volumesIn));
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

function volumesIn(properties: ConfigProperties): string[] {
  return Object.entries(properties)
    .filter(([key]) => isVolumeKey(key))
    .map(([key, text]) => volumeOf(key, text))
    .filter((volid) => volid !== undefined);
}

/** The document with what the volumes say, and what has changed in words. Pure. */
export function rescanned(
  file: GuestConfigFile,
  volumes: readonly Volume[],
): { readonly file: GuestConfigFile; readonly changes: readonly string[] } {
  const changes: string[] = [];
  let result: GuestConfigFile = { ...file, properties: { ...file.properties } };
  for (const key of qemuVolumeKeys) {
    const sized = withSize(key, file.properties[key], volumes);
    if (sized === undefined) continue;
    result = { ...result, properties: { ...result.properties, [key]: sized.text } };
    changes.push(`'${key}' has ${sized.size}`);
  }
  const used = new Set(qemuVolumeKeys.map((key) => volumeIn(key, file.properties[key])));
  for (const key of qemuUnusedKeys) {
    const volid = volumeIn(key, file.properties[key]);
    if (volid === undefined || !used.has(volid)) continue;
    const { [key]: _dropped, ...properties } = result.properties;
    result = { ...result, properties };
    changes.push(`'${key}' is gone: '${volid}' is in use`);
  }
  for (const { volid } of volumes) {
    if (!isDisk(volid) || namesAnywhere(result, volid)) continue;
    result = addUnused(qemuKind, result, volid);
    changes.push(`'${volid}' is an unused disk now`);
  }
  return { file: result, changes };
}

const volumeIn = (key: string, text: string | undefined): string | undefined =>
  text === undefined ? undefined : volumeOf(key, text);

function withSize(
  key: string,
  text: string | undefined,
  volumes: readonly Volume[],
): { readonly text: string; readonly size: string } | undefined {
  const volume = volumes.find(({ volid }) => volid === volumeIn(key, text));
  if (text === undefined || !volume) return undefined;
  const drive = parseDrive(key, text);
  const size = formatSize(volume.size);
  return drive.size === size ? undefined : { text: formatDrive(key, { ...drive, size }), size };
}

/** Not the images that the node makes for a guest: cloud-init data, saved memory. */
function isDisk(volid: string): boolean {
  return !isCloudInit({ file: volid }) && !/(^|\/)vm-\d+-state-/.test(parseVolumeId(volid).name);
}
