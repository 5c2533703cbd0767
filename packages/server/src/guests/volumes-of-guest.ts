/** The volumes that guests have on the storages. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { Volume } from '../storage/manager.ts';
import type { GuestKind } from './guest-kind.ts';
import type { ChangeContext, GuestServices } from './guest-services.ts';

/** All that belong to a guest, on every storage that can be searched; the others are a warning. */
export async function volumesOfGuest(
  { storage }: Pick<GuestServices, 'storage'>,
  { content }: Pick<GuestKind, 'content'>,
  vmid: number,
  context: Pick<ChangeContext, 'warn'>,
): Promise<Volume[]> {
  const found: Volume[] = [];
  for (const config of storage.configs()) {
    try {
      if (!(await storage.summary(config.storage)).content.includes(content)) continue;
      found.push(...(await storage.list(config.storage, { content, vmid })));
    } catch (error) {
      context.warn(`storage '${config.storage}' was not searched: ${messageOf(error)}`);
    }
  }
  return found;
}

export async function volumeExists(
  services: Pick<GuestServices, 'storage'>,
  volid: string,
): Promise<boolean> {
  try {
    await services.storage.info(volid);
    return true;
  } catch (error) {
    if (error instanceof RyokanError && error.code === 'not-found') return false;
    throw error;
  }
}

/** Removes a volume; false when it was gone already. */
export async function removeIfThere(
  services: Pick<GuestServices, 'storage'>,
  volid: string,
): Promise<boolean> {
  try {
    await services.storage.remove(volid);
    return true;
  } catch (error) {
    if (error instanceof RyokanError && error.code === 'not-found') return false;
    throw error;
  }
}
