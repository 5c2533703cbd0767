/** Another volume in the place of one, wherever a configuration names it now or after the next start. Pure. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigProperties, GuestConfigFile } from '../config-file.ts';
import type { GuestKind } from '../guest-kind.ts';

/** `size` as the configuration writes it; absent: as before. */
export function replaceVolume(
  kind: GuestKind,
  file: GuestConfigFile,
  from: string,
  to: string,
  size?: string,
): GuestConfigFile {
  const replaced = (properties: ConfigProperties) =>
    Object.fromEntries(
      Object.entries(properties).map(([key, text]) => [
        key,
        names(kind, key, text, from) ? kind.onVolume(key, text, to, size) : text,
      ]),
    );
  return {
    ...file,
    properties: replaced(file.properties),
    pending: { ...file.pending, properties: replaced(file.pending.properties) },
  };
}

/** A disk has gone over to another volume. The old one stays as unused disk, unless a snapshot names it. */
export function moveToVolume(
  kind: GuestKind,
  file: GuestConfigFile,
  from: string,
  to: string,
  size?: string,
): GuestConfigFile {
  const moved = replaceVolume(kind, file, from, to, size);
  return kind.namesAnywhere(moved, from) ? moved : addUnused(kind, moved, from);
}

/** Keeps a volume as unused disk. Throws 'failed' when there are too many of them. */
export function addUnused(
  { unusedKeys }: Pick<GuestKind, 'unusedKeys'>,
  file: GuestConfigFile,
  volid: string,
): GuestConfigFile {
  const free = unusedKeys.find((key) => !(key in file.properties));
  if (!free) throw new RyokanError('failed', 'all unusedN keys are taken; remove unused disks first');
  return { ...file, properties: { ...file.properties, [free]: volid } };
}

/** Forgets a volume: whatever names it now or after the next start is taken out. */
export function dropVolume(kind: GuestKind, file: GuestConfigFile, volid: string): GuestConfigFile {
  const without = (properties: ConfigProperties) =>
    Object.fromEntries(Object.entries(properties).filter(([key, text]) => !names(kind, key, text, volid)));
  const removals = Object.entries(file.pending.delete).filter(
    ([key]) => !names(kind, key, file.properties[key], volid),
  );
  return {
    ...file,
    properties: without(file.properties),
    pending: { properties: without(file.pending.properties), delete: Object.fromEntries(removals) },
  };
}

const names = (kind: GuestKind, key: string, text: string | undefined, volid: string): boolean =>
  text !== undefined && kind.isVolumeKey(key) && kind.volumeOf(key, text) === volid;
