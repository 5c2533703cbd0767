/** What the storages of a container's volumes allow. */
import type { ConfigProperties } from '../config-file.ts';
import type { GuestServices } from '../guest-services.ts';
import { isVolumeKey } from './config-change.ts';
import { parseVolume, volumeKind } from './volume-value.ts';

export type ContainerFeature = 'snapshot' | 'clone' | 'copy';

/** Undefined when all its volumes can; else which cannot, and what would help. */
export async function missingFeature(
  services: GuestServices,
  properties: ConfigProperties,
  feature: ContainerFeature,
): Promise<string | undefined> {
  if (feature === 'copy') return undefined;
  for (const [key, text] of Object.entries(properties)) {
    if (!isVolumeKey(key) || key.startsWith('unused')) continue;
    const value = parseVolume(key, text);
    if (volumeKind(value) !== 'volume') {
      return `${key} is a directory or device of the node, which has no snapshots; take it out first`;
    }
    const storage = value.volume.slice(0, value.volume.indexOf(':'));
    const [{ format }, { capabilities }] = [
      await services.storage.info(value.volume),
      await services.storage.driver(storage),
    ];
    // A storage that keeps no states of a volume makes linked clones in another format, which containers cannot mount.
    const able =
      capabilities.snapshot.includes(format) &&
      (feature === 'snapshot' || capabilities.linkedClone.includes(format));
    if (!able) {
      return `${key}: storage '${storage}' has no ${feature === 'snapshot' ? 'snapshots' : 'linked clones'} of ${format} volumes; a storage of type btrfs, zfspool or lvmthin has`;
    }
  }
  return undefined;
}
