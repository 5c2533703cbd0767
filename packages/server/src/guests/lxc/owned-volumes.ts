/** The volumes that belong to a container: which they are, and how they go. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import { allProperties } from '../config-change.ts';
import type { GuestConfigFile } from '../config-file.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { isVolumeKey, volumeOf } from './config-change.ts';

/** Volume ids that the document names anywhere and that are the container's own. */
export function ownVolumes(vmid: number, file: GuestConfigFile): string[] {
  const named = allProperties(file)
    .flatMap((properties) => Object.entries(properties))
    .filter(([key]) => isVolumeKey(key))
    .flatMap(([key, text]) => volumeOf(key, text) ?? []);
  const own = new RegExp(`(^|/)(vm|base|subvol|basevol)-${vmid}-`);
  return [...new Set(named)].filter((volid) => own.test(parseVolumeId(volid).name));
}

/** Removes volumes that a change has dropped, as far as they are the container's own. */
export async function removeVolumes(
  services: GuestServices,
  vmid: number,
  volids: Iterable<string>,
  context: Pick<ChangeContext, 'log' | 'warn'>,
): Promise<void> {
  for (const volid of new Set(volids)) {
    const volume = await services.storage.info(volid).catch((error: unknown) => {
      if (error instanceof RyokanError && error.code === 'not-found')
        context.warn(`volume '${volid}' was gone already`);
      else throw error;
      return undefined;
    });
    if (volume?.vmid !== vmid || rehearsed(`removes the volume '${volid}'`)) continue;
    await services.storage.remove(volid);
    context.log(`removed volume '${volid}'`);
  }
}
