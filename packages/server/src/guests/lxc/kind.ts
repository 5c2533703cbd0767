/** Containers, as the operations see them that are the same for every kind of guest. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { lxcUnusedKeys, lxcVolumeKeys } from '@ryokan/api/schema/lxc-config.ts';
import type { ConfigProperties } from '../config-file.ts';
import type { GuestDisk, GuestKind } from '../guest-kind.ts';
import { inSnapshot, isVolumeKey, namesAnywhere, volumeOf } from './config-change.ts';
import { fillVolume, roomFor } from './copy/fill-volume.ts';
import { cleanUpAfter, isRunning } from './process.ts';
import { formatVolume, parseVolume, volumeKind } from './volume-value.ts';
import { containerFormat } from './volumes.ts';

export const lxcKind: GuestKind = {
  type: 'lxc',
  label: 'CT',
  content: 'rootdir',
  formats: ['raw', 'subvol'],
  unusedKeys: lxcUnusedKeys,
  isVolumeKey,
  volumeOf,
  namesAnywhere,
  inSnapshot,
  disksOf,
  onVolume(key, text, volid, size) {
    const sized = size === undefined || key.startsWith('unused') ? {} : { size };
    return formatVolume(key, { ...parseVolume(key, text), volume: volid, ...sized });
  },
  isRunning,
  cleanUpAfter: ({ paths, settings }, vmid) => cleanUpAfter(paths, settings.node, vmid),
  // A storage that keeps no states of a volume makes linked clones in another format, which containers cannot mount.
  isLinkable: ({ linkedClone, snapshotClone, snapshot }, format, of) =>
    of === 'snapshot'
      ? snapshotClone.includes(format)
      : linkedClone.includes(format) && snapshot.includes(format),
  // As for a new volume, whatever the present one is.
  copyFormat: (_disk, capabilities) => containerFormat(capabilities),
  roomFor,
  fill: fillVolume,
};

function disksOf(properties: ConfigProperties): GuestDisk[] {
  const disks: GuestDisk[] = [];
  for (const key of lxcVolumeKeys) {
    const text = properties[key];
    if (text === undefined) continue;
    const value = parseVolume(key, text);
    if (volumeKind(value) !== 'volume') {
      throw new RyokanError(
        'unsupported',
        `'${key}' is '${value.volume}' of the node itself, not a volume of a storage: take it out first`,
        { context: { key } },
      );
    }
    disks.push({ key, volid: value.volume });
  }
  return disks;
}
