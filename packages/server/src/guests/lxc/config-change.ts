/** What a call changes in a container's configuration; the rules of all guests are in ../config-change.ts. */
import { lxcConfigFields, lxcUnusedKeys, lxcVolumeKeys } from '@ryokan/api/schema/lxc-config.ts';
import { type ConfigChange, configChanges, readChange } from '../config-change.ts';
import { salvageVolume, volumeKind } from './volume-value.ts';

/** Keys that hold at once, also while the container runs: it does not see them, or not before its next start. */
const immediate: ReadonlySet<string> = new Set(
  'description tags onboot startup protection lock hookscript cmode debug'.split(' '),
);

const volumeKeys: ReadonlySet<string> = new Set([...lxcVolumeKeys, ...lxcUnusedKeys]);

export const isVolumeKey = (key: string): boolean => volumeKeys.has(key);

/** Collects the change from a call's parameters. */
export const changeOf = (params: Readonly<Record<string, unknown>>): ConfigChange =>
  readChange({ fields: lxcConfigFields }, params);

/** The volume of a mount point; undefined for folders and devices of the node. */
export function volumeOf(key: string, text: string): string | undefined {
  const value = salvageVolume(key, text);
  return value && volumeKind(value) === 'volume' ? value.volume : undefined;
}

export const { mergeChange, applyPending, namesAnywhere, inSnapshot, droppedVolumes } = configChanges({
  fields: lxcConfigFields,
  immediate,
  unusedKeys: lxcUnusedKeys,
  isVolumeKey,
  volumeOf,
  ownVolumeOf: volumeOf,
});
