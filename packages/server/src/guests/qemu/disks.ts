/** Volumes behind the disks of a configuration: made for `storage:size`, checked when they exist already. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { formatVolumeId, parseVolumeId, tryParseVolumeName } from '@ryokan/api/schema/volume-id.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import type { VolumeFormat } from '../../storage/driver.ts';
import { stagedFileUndo } from '../../storage/storage-undo.ts';
import type { ConfigProperties } from '../config-file.ts';
import { formatSize } from '../disk-size.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { demandOneCloudInit, makeCloudInitDrive, newCloudInitStorage } from './cloud-init/drive.ts';
import { isVolumeKey } from './config-change.ts';
import {
  type DriveValue,
  formatDrive,
  isCdrom,
  isCloudInit,
  namesVolume,
  newVolumeRequest,
  parseDrive,
  salvageDrive,
} from './drive-value.ts';
import { fittingEfiDrive, makeEfiDisk } from './efi-disk.ts';
import { importVolume } from './import-disk.ts';

/** Smallest state volume of a software TPM. */
const tpmBytes = 4 * 1024 * 1024;

/**
 * Turns one drive value as given by a caller into the one that is stored: makes the volume that it asks for, or checks
 * the one it names. Made volumes are registered for undo.
 */
export async function prepareDrive(
  services: GuestServices,
  vmid: number,
  key: string,
  text: string,
  context: ChangeContext,
): Promise<string> {
  const drive = parseDrive(key, text);
  const cloudInit = newCloudInitStorage(drive);
  if (cloudInit !== undefined) {
    return formatDrive(key, await makeCloudInitDrive(services, vmid, drive, cloudInit, context));
  }
  const request = newVolumeRequest(drive);
  if (!request && drive['import-from'] !== undefined) {
    throw new RyokanError('parameter', `${key}: import-from fills a new disk, such as local:0`);
  }
  if (request) return formatDrive(key, await makeVolume(services, vmid, key, drive, request, context));
  if (!namesVolume(drive)) return formatDrive(key, drive);
  return formatDrive(key, await checkVolume(services, vmid, key, drive));
}

/** In a rehearsal: says which volumes prepareDrive would make. */
export function planVolumes(values: Readonly<Record<string, string>>): void {
  for (const [key, text] of Object.entries(values)) {
    const drive = isVolumeKey(key) ? salvageDrive(key, text) : undefined;
    const cloudInit = drive && newCloudInitStorage(drive);
    const request = drive && newVolumeRequest(drive);
    if (cloudInit !== undefined) rehearsed(`makes a cloud-init volume on storage '${cloudInit}' (${key})`);
    else if (request && drive['import-from'] !== undefined)
      rehearsed(`imports '${drive['import-from']}' to storage '${request.storage}' (${key})`);
    else if (request)
      rehearsed(`makes a volume of ${request.gib} GiB on storage '${request.storage}' (${key})`);
  }
}

async function makeVolume(
  services: GuestServices,
  vmid: number,
  key: string,
  drive: DriveValue,
  request: { storage: string; gib: number },
  context: ChangeContext,
): Promise<DriveValue> {
  const { storage } = services;
  if (isCdrom(drive)) {
    throw new RyokanError(
      'parameter',
      `${key}: a CD-ROM drive takes an existing ISO image, not a new volume`,
    );
  }
  storage.demandContent(request.storage, 'images');
  const { capabilities } = await storage.driver(request.storage);
  const format = (drive.format ??
    (key === 'tpmstate0' ? 'raw' : capabilities.imageFormats[0])) as VolumeFormat;
  const onPlaced = (volid: string) => {
    context.undo('volume.remove', { volid });
    context.log(`made volume '${volid}'`);
  };
  const onStaged = (path: string) => context.undo(stagedFileUndo, { path });
  const { 'import-from': source, ...rest } = drive;
  if (source !== undefined) {
    if (request.gib !== 0) {
      throw new RyokanError(
        'parameter',
        `${key}: with import-from the size comes from the image; give ${request.storage}:0`,
      );
    }
    const wanted = { key, source, storage: request.storage, format, onStaged, onPlaced };
    const made = await importVolume(services, vmid, wanted, context);
    // A disk that nothing uses has no options.
    if (key.startsWith('unused')) return { file: made.volid };
    return { ...withoutFormat(rest), file: made.volid, size: formatSize(made.size) };
  }
  if (key === 'efidisk0') {
    const fitting = fittingEfiDrive(drive);
    if (fitting !== drive) context.log('efidisk0: efitype=4m, the only firmware of this machine');
    const made = await makeEfiDisk(services, vmid, fitting, request.storage, format, onStaged, onPlaced);
    return { ...withoutFormat(fitting), file: made.volid, size: formatSize(made.size) };
  }
  const size = key === 'tpmstate0' ? tpmBytes : Math.round(request.gib * 1024 ** 3);
  if (size <= 0)
    throw new RyokanError(
      'parameter',
      `${key}: a disk of 0 GiB cannot be made; give its size in GiB, such as ${request.storage}:32`,
    );
  const volid = await storage.allocate(request.storage, { vmid, format, size, onStaged, onPlaced });
  return { ...withoutFormat(rest), file: volid, size: formatSize(size) };
}

/** The volume's name says its format; only flat names keep the option. */
function withoutFormat(drive: DriveValue): DriveValue {
  const { format: _format, ...rest } = drive;
  return rest as DriveValue;
}

async function checkVolume(
  services: GuestServices,
  vmid: number,
  key: string,
  drive: DriveValue,
): Promise<DriveValue> {
  const volume = await services.storage.info(drive.file);
  if (volume.content === 'import') {
    throw new RyokanError(
      'parameter',
      `${key}: '${drive.file}' is an image to import from and would be changed; give a new disk import-from=${drive.file}`,
    );
  }
  if (volume.content !== 'images' && volume.content !== 'iso') {
    throw new RyokanError(
      'parameter',
      `${key}: '${drive.file}' is of content type '${volume.content}' and cannot be a disk`,
    );
  }
  if (volume.content === 'iso' && !isCdrom(drive)) {
    throw new RyokanError('parameter', `${key}: '${drive.file}' is an ISO image; add media=cdrom`);
  }
  if (volume.content === 'images' && volume.vmid !== vmid) {
    throw new RyokanError(
      'parameter',
      `${key}: '${drive.file}' belongs to guest ${volume.vmid ?? 'unknown'}`,
    );
  }
  return { ...drive, size: formatSize(volume.size) };
}

/** Refuses a guest whose one volume would be two drives: they would destroy it; and two cloud-init drives. */
export function demandDistinctVolumes(properties: ConfigProperties): void {
  demandOneCloudInit(properties);
  const seen = new Map<string, string>();
  for (const [key, text] of Object.entries(properties)) {
    if (!isVolumeKey(key) || key.startsWith('unused')) continue;
    const drive = salvageDrive(key, text);
    if (!drive || newVolumeRequest(drive) || !namesVolume(drive)) continue;
    const { storage, name } = parseVolumeId(drive.file);
    // One ISO image may be in several drives.
    if (tryParseVolumeName(name)?.kind !== 'image') continue;
    const volid = formatVolumeId(storage, name);
    const other = seen.get(volid);
    if (other) throw new RyokanError('parameter', `${key} and ${other} name the same volume '${volid}'`);
    seen.set(volid, key);
  }
}

/** Removes volumes that a change has dropped, as far as they are the guest's own. */
export async function removeVolumes(
  services: GuestServices,
  vmid: number,
  volids: Iterable<string>,
  context: ChangeContext,
): Promise<void> {
  for (const volid of new Set(volids)) {
    const volume = await services.storage.info(volid).catch(() => undefined);
    if (!volume || volume.vmid !== vmid) continue;
    await services.storage.remove(volid);
    context.log(`removed volume '${volid}'`);
  }
}

/** The volume ids that a guest's drives name, as long as they are its own (not ISO images). */
export function ownVolumes(
  vmid: number,
  drives: Iterable<readonly [string, string]>,
): { key: string; volid: string }[] {
  const found: { key: string; volid: string }[] = [];
  for (const [key, text] of drives) {
    const drive = salvageDrive(key, text);
    if (!drive || !namesVolume(drive) || (isCdrom(drive) && !isCloudInit(drive))) continue;
    const { name } = parseVolumeId(drive.file);
    if (new RegExp(`(^|/)(vm|base)-${vmid}-`).test(name)) found.push({ key, volid: drive.file });
  }
  return found;
}
