/** What giving a volume to another container needs beside the way that all guests go. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { ReassignHands } from '../../copy/reassign.ts';
import type { StoredGuest } from '../../guest-store.ts';
import { requireLxcConfig } from '../config.ts';
import { mergeChange } from '../config-change.ts';
import { idRanges } from '../ids.ts';
import { lxcKind } from '../kind.ts';
import { applyToRunning } from '../live/apply.ts';
import { formatVolume, parseVolume } from '../volume-value.ts';

export const containerReassign: ReassignHands = {
  kind: lxcKind,
  demandOwnVolume(key, text) {
    if (key === 'rootfs') {
      throw new RyokanError(
        'unsupported',
        'a container cannot be without its root file system: make a clone of the container instead',
      );
    }
    const volid = lxcKind.volumeOf(key, text);
    if (volid !== undefined) return volid;
    throw new RyokanError('unsupported', `'${key}' is a directory or device of the node, which has no owner`);
  },
  textFor(_services, { source, target, disk, targetDisk, volid }, size) {
    demandSameIds(source, target);
    if (targetDisk.startsWith('unused')) return formatVolume(targetDisk, { volume: volid });
    const value = parseVolume(disk, source.file.properties[disk] ?? '');
    if (targetDisk === 'rootfs' || value.mp === undefined) {
      throw new ParameterError({
        'target-volume': `'${disk}' cannot be '${targetDisk}' there: give it to unused0, and attach it with a path (mp=)`,
      });
    }
    return formatVolume(targetDisk, { ...value, size });
  },
  without: (file) => file,
  with: (file, key, text, running) =>
    mergeChange(file, { set: { [key]: text }, delete: [], revert: [], force: false }, running),
  plugIn: (services, vmid, key, task) => applyToRunning(services, vmid, [key], task.user, task),
};

/** The files belong to ids of the node; a container with others would find them owned by nobody. */
function demandSameIds(source: StoredGuest, target: StoredGuest): void {
  const idsOf = ({ file, vmid }: StoredGuest) =>
    JSON.stringify(idRanges(requireLxcConfig(file.properties, vmid)));
  if (idsOf(source) === idsOf(target)) return;
  throw new RyokanError(
    'unsupported',
    `CT ${source.vmid} and CT ${target.vmid} have different user ids (unprivileged, lxc.idmap): the files would belong to nobody there`,
  );
}
