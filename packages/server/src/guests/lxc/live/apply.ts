/**
 * Changes of a running container, key by key: resources by its control group, network cards and mount points by the
 * kernel. What cannot be done now (features, names) waits in [PENDING] for the next start.
 */
import { messageOf } from '@ryokan/api/errors.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { readGuest, writeGuest } from '../../guest-store.ts';
import { readLxcConfig } from '../config.ts';
import { applyPending } from '../config-change.ts';
import { changeCard } from './cards.ts';
import { changeMountPoint } from './mount-points.ts';
import { changeResources, isResource } from './resources.ts';

export interface LiveChange {
  readonly services: GuestServices;
  readonly vmid: number;
  readonly key: string;
  /** Value that the running container has; undefined: none. */
  readonly before: string | undefined;
  /** Value that it is to have; undefined: the key goes. */
  readonly after: string | undefined;
  readonly context: ChangeContext;
}

/** Carries out what waits under `keys` as far as that is possible now. The caller holds the container's lock. */
export async function applyToRunning(
  services: GuestServices,
  vmid: number,
  keys: readonly string[],
  author: string,
  context: ChangeContext,
): Promise<void> {
  const { store, settings } = services;
  for (const key of keys) {
    const guest = readGuest(store, 'lxc', settings.node, vmid);
    const { properties, pending } = guest.file;
    if (!(key in pending.properties) && !(key in pending.delete)) continue;
    const next = applyPending(guest.file, key);
    const change = { services, vmid, key, before: properties[key], after: next.properties[key], context };
    try {
      const done = isResource(key)
        ? await changeResources(services, vmid, readLxcConfig(next.properties).config)
        : isCard(key)
          ? await changeCard(change)
          : isMountPoint(key) && (await changeMountPoint(change));
      if (done) await writeGuest(store, guest, next, author);
    } catch (error) {
      context.warn(
        `${key}: waits for the next start, since it could not be changed now: ${messageOf(error)}`,
      );
    }
  }
}

const isMountPoint = (key: string): boolean => /^mp\d+$/.test(key);
const isCard = (key: string): boolean => /^net\d+$/.test(key);
