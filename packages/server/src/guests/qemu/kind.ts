/** Virtual machines, as the operations see them that are the same for every kind of guest. */
import { qemuUnusedKeys } from '@ryokan/api/schema/qemu-config.ts';
import { fillImageVolume } from '../copy/volume-copy.ts';
import type { GuestKind } from '../guest-kind.ts';
import { inSnapshot, isVolumeKey, namesAnywhere, volumeOf } from './config-change.ts';
import { disksOf } from './copy/guest-disks.ts';
import { formatDrive, parseDrive } from './drive-value.ts';
import { cleanUpAfter, isRunning } from './process.ts';

export const qemuKind: GuestKind = {
  type: 'qemu',
  label: 'VM',
  content: 'images',
  formats: ['raw', 'qcow2', 'vmdk'],
  unusedKeys: qemuUnusedKeys,
  isVolumeKey,
  volumeOf,
  namesAnywhere,
  inSnapshot,
  disksOf,
  // The format stands in the volume's name.
  onVolume(key, text, volid, size) {
    const { format: _format, ...drive } = parseDrive(key, text);
    const sized = size === undefined || key.startsWith('unused') ? {} : { size };
    return formatDrive(key, { ...drive, file: volid, ...sized });
  },
  isRunning,
  cleanUpAfter: ({ paths, settings }, vmid) => cleanUpAfter(paths, settings.node, vmid),
  isLinkable: ({ linkedClone, snapshotClone }, format, of) =>
    (of === 'snapshot' ? snapshotClone : linkedClone).includes(format),
  // Clients name a format without asking whether the storage holds it; the state of a TPM is always raw.
  copyFormat({ key, format }, { imageFormats }, wanted) {
    const wish = key === 'tpmstate0' ? 'raw' : (wanted ?? format);
    return (
      imageFormats.find((one) => one === wish) ?? imageFormats.find((one) => qemuKind.formats.includes(one))
    );
  },
  roomFor: async () => 0,
  fill: (services, _vmid, plan, target, options) => fillImageVolume(services, plan, target, options),
};
