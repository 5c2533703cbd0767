/** Another volume in the place of one, wherever a configuration names it now or after the next start. Pure. */

import { RyokanError } from '@ryokan/api/errors.ts';
import { qemuUnusedKeys } from '@ryokan/api/schema/qemu-config.ts';
import type { ConfigProperties, GuestConfigFile } from '../../config-file.ts';
import { isVolumeKey, namesAnywhere, volumeOf } from '../config-change.ts';
import { formatDrive, parseDrive } from '../drive-value.ts';

/** `size` as the configuration writes it; absent: as before. */
export function replaceVolume(
  file: GuestConfigFile,
  from: string,
  to: string,
  size?: string,
): GuestConfigFile {
  const replaced = (properties: ConfigProperties) => replaceIn(properties, from, to, size);
  return {
    ...file,
    properties: replaced(file.properties),
    pending: { ...file.pending, properties: replaced(file.pending.properties) },
  };
}

function replaceIn(
  properties: ConfigProperties,
  from: string,
  to: string,
  size: string | undefined,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(properties).map(([key, text]) => {
      if (!isVolumeKey(key) || volumeOf(key, text) !== from) return [key, text];
      const { format: _format, ...drive } = parseDrive(key, text);
      const sized = size === undefined || key.startsWith('unused') ? {} : { size };
      return [key, formatDrive(key, { ...drive, file: to, ...sized } as never)];
    }),
  );
}

/** A disk has gone over to another volume. The old one stays as unused disk, unless a snapshot names it. */
export function moveToVolume(
  file: GuestConfigFile,
  from: string,
  to: string,
  size?: string,
): GuestConfigFile {
  const moved = replaceVolume(file, from, to, size);
  return namesAnywhere(moved, from) ? moved : addUnused(moved, from);
}

/** Keeps a volume as unused disk. Throws 'failed' when there are too many of them. */
export function addUnused(file: GuestConfigFile, volid: string): GuestConfigFile {
  const free = qemuUnusedKeys.find((key) => !(key in file.properties));
  if (!free) throw new RyokanError('failed', 'all unusedN keys are taken; remove unused disks first');
  return { ...file, properties: { ...file.properties, [free]: volid } };
}

/** Forgets a volume: whatever names it now or after the next start is taken out. */
export function dropVolume(file: GuestConfigFile, volid: string): GuestConfigFile {
  const names = (properties: ConfigProperties, key: string) =>
    isVolumeKey(key) && properties[key] !== undefined && volumeOf(key, properties[key]) === volid;
  const without = (properties: ConfigProperties) =>
    Object.fromEntries(Object.entries(properties).filter(([key]) => !names(properties, key)));
  const removals = Object.entries(file.pending.delete).filter(([key]) => !names(file.properties, key));
  return {
    ...file,
    properties: without(file.properties),
    pending: { properties: without(file.pending.properties), delete: Object.fromEntries(removals) },
  };
}
