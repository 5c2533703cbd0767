/** Drives that are a file or device of the node itself: its CD-ROM drive (`cdrom`), or an absolute path. Root sets them. */
import { chownSync, realpathSync, statSync } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import { guestUser, requireUser } from '../../host/users.ts';
import { type DriveValue, isCdrom } from './drive-value.ts';
import type { ResolvedVolume } from './host-input.ts';

/** The node's first CD-ROM drive, as Debian names it. */
const nodeDrive = '/dev/cdrom';

/** How QEMU opens such a drive; undefined when it is none. Devices are given to the user of the guests. */
export function hostDrive(drive: DriveValue): ResolvedVolume | undefined {
  if (drive.file !== 'cdrom' && !drive.file.startsWith('/')) return undefined;
  const filename = drive.file === 'cdrom' ? nodeDrive : drive.file;
  const stats = statSync(filename, { throwIfNoEntry: false });
  if (!stats) throw new RyokanError('not-found', `the node has no '${filename}'`);
  const readOnly = isCdrom(drive) ? { readOnly: true } : {};
  if (stats.isFile()) return { source: { driver: 'file', filename }, format: formatOf(drive), ...readOnly };
  if (!stats.isBlockDevice())
    throw new RyokanError('parameter', `'${filename}' is neither a file nor a block device`);
  const device = realpathSync(filename);
  // QEMU opens it without any right of its own; udev gives it back when the device comes anew.
  chownSync(device, requireUser(guestUser).uid, -1);
  const optical = isCdrom(drive) && /^\/dev\/sr\d+$/.test(device);
  return { source: { driver: optical ? 'host_cdrom' : 'host_device', filename }, format: 'raw', ...readOnly };
}

function formatOf({ file, format }: DriveValue): ResolvedVolume['format'] {
  const name = format ?? file.split('.').at(-1);
  return name === 'qcow2' || name === 'vmdk' ? name : 'raw';
}
