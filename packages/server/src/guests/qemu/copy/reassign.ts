/** What giving a disk to another virtual machine needs beside the way that all guests go. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ReassignHands } from '../../copy/reassign.ts';
import { withoutBootDevice } from '../boot-order.ts';
import { recordChanges } from '../cloud-init/changes.ts';
import { applyPending, mergeChange } from '../config-change.ts';
import { demandDistinctVolumes } from '../disks.ts';
import { formatDrive, isCdrom, namesVolume, parseDrive } from '../drive-value.ts';
import { applyToRunning } from '../hotplug/apply.ts';
import { qemuKind } from '../kind.ts';

export const vmReassign: ReassignHands = {
  kind: qemuKind,
  demandOwnVolume(disk, text) {
    const drive = parseDrive(disk, text);
    if (!namesVolume(drive)) {
      throw new RyokanError('unsupported', `disk '${disk}' has no associated volume: it is '${drive.file}'`);
    }
    if (isCdrom(drive)) {
      throw new RyokanError('parameter', `CD drive contents can't be moved to another VM ('${disk}')`);
    }
    return drive.file;
  },
  /** Not every bus has all options: `iothread` is none of an IDE disk. */
  textFor(_services, { source, disk, targetDisk, volid }, size) {
    if (targetDisk.startsWith('unused')) return formatDrive(targetDisk, { file: volid });
    const drive = parseDrive(disk, source.file.properties[disk] ?? '');
    const text = formatDrive(targetDisk, { ...drive, size });
    try {
      return formatDrive(targetDisk, parseDrive(targetDisk, text));
    } catch (cause) {
      throw new RyokanError(
        'parameter',
        `the options of '${disk}' do not fit '${targetDisk}': change them first, or give it to unused0 and attach it there`,
        { cause },
      );
    }
  },
  without: (file, disk) => ({ ...file, properties: withoutBootDevice(file.properties, disk) }),
  /** An unused disk is nothing to QEMU. */
  with(file, key, text, running) {
    const change = { set: { [key]: text }, delete: [], revert: [], force: false };
    const changed = recordChanges(file, mergeChange(file, change, running && !key.startsWith('unused')));
    demandDistinctVolumes(applyPending(changed).properties);
    return changed;
  },
  plugIn: (services, vmid, key, task) => applyToRunning(services, vmid, [key], task.user, task),
};
