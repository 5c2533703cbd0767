/** The text of one drive in a configuration: which volume it names, and what asks for a new one. */

import { RyokanError } from '@ryokan/api/errors.ts';
import { formatPropertyString, readPropertyString } from '@ryokan/api/schema/property-string.ts';
import { fieldsOf } from './config.ts';

/** Fields of a drive's property string as far as volumes are concerned; the others stay as they are. */
export interface DriveValue {
  readonly file: string;
  readonly media?: 'cdrom' | 'disk';
  readonly format?: string;
  readonly size?: string;
  readonly 'import-from'?: string;
  readonly [option: string]: unknown;
}

export function parseDrive(key: string, text: string): DriveValue {
  const drive = readDrive(key, text);
  if (!drive) throw new RyokanError('parameter', `'${key}: ${text}' is not a disk`, { context: { key } });
  return drive;
}

/**
 * A drive of a document that somebody may have edited by hand: of a value with wrong options at least its volume, so
 * that the guest can be changed and removed all the same. Undefined when it names nothing.
 */
export function salvageDrive(key: string, text: string): DriveValue | undefined {
  const drive = readDrive(key, text);
  if (drive) return drive;
  const parts = text.split(',');
  const file = parts.map((part) => /^(?:(?:file|volume)=)?([^=]+)$/.exec(part)?.[1]).find(Boolean);
  const kept = [file, ...parts.filter((part) => part === 'media=cdrom')];
  return file === undefined ? undefined : readDrive(key, kept.join(','));
}

function readDrive(key: string, text: string): DriveValue | undefined {
  const fields = fieldsOf(key);
  return fields && (readPropertyString(fields, text).value as unknown as DriveValue | undefined);
}

export function formatDrive(key: string, drive: DriveValue): string {
  const fields = fieldsOf(key);
  if (!fields) throw new Error(`${key} is not a property string`);
  return formatPropertyString(fields, drive as never);
}

export const isCdrom = (drive: DriveValue): boolean => drive.media === 'cdrom';

/** The drive that carries the cloud-init data of a guest: `local:100/vm-100-cloudinit.qcow2`, or `local:cloudinit` for a new one. */
export const isCloudInit = (drive: DriveValue): boolean =>
  /[:/](?:vm-\d+-)?cloudinit(?:\.(?:raw|qcow2|vmdk))?$/.test(drive.file);

/** `local:32`: storage and size in GiB of a volume to be made. */
export function newVolumeRequest(drive: DriveValue): { storage: string; gib: number } | undefined {
  const match = /^([a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]):(\d+(?:\.\d+)?)$/.exec(drive.file);
  return match ? { storage: match[1] as string, gib: Number(match[2]) } : undefined;
}

/** True when the drive names a volume of a storage (not `none`, not `cdrom`, not a path). */
export function namesVolume(drive: DriveValue): boolean {
  return drive.file.includes(':') && !drive.file.startsWith('/');
}
