/**
 * Changes of a running container, key by key: resources by its control group, network cards and mount points by the
 * kernel. What cannot be done now (features, names) waits in [PENDING] for the next start.
 */
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { readGuest, writeGuest } from '../../guest-store.ts';
import { failed, type Outcome, type Problems, problemsOf, type Waiting, waits } from '../../live-outcome.ts';
import { noteWaiting } from '../../waiting-reasons.ts';
import { type LxcConfig, readLxcConfig } from '../config.ts';
import { applyPending } from '../config-change.ts';
import { lxcRunPaths } from '../run-paths.ts';
import { changeCard } from './cards.ts';
import { changeMountPoint } from './mount-points.ts';
import { changeResources, isResource } from './resources.ts';

export const betweenStates = 'the container is just starting or ending';

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

/**
 * Carries out what waits under `keys` as far as that is possible now; never rejects for what the container or the kernel
 * refuses. Resolves with what was tried and did not work. The caller holds the container's lock.
 */
export async function applyToRunning(
  services: GuestServices,
  vmid: number,
  keys: readonly string[],
  author: string,
  context: ChangeContext,
): Promise<Problems> {
  const { store, settings, paths } = services;
  const waiting: Record<string, Waiting> = {};
  for (const key of keys) {
    const guest = readGuest(store, 'lxc', settings.node, vmid);
    const { properties, pending } = guest.file;
    if (!(key in pending.properties) && !(key in pending.delete)) continue;
    const next = applyPending(guest.file, key);
    const change = { services, vmid, key, before: properties[key], after: next.properties[key], context };
    const outcome = await tryChange(change, readLxcConfig(next.properties).config);
    if (outcome === 'done') await writeGuest(store, guest, next, author);
    else {
      waiting[key] = outcome;
      if (outcome.reason !== '') context.log(`${key}: waits for the next start: ${outcome.reason}`);
    }
  }
  const { file } = readGuest(store, 'lxc', settings.node, vmid);
  await noteWaiting(lxcRunPaths(paths, vmid).waiting, file, keys, waiting);
  return problemsOf(waiting);
}

async function tryChange(change: LiveChange, config: LxcConfig): Promise<Outcome> {
  const { services, vmid, key } = change;
  try {
    if (isResource(key)) return await changeResources(services, vmid, config);
    if (isCard(key)) return await changeCard(change);
    return isMountPoint(key) ? await changeMountPoint(change) : waits('');
  } catch (error) {
    return failed(error);
  }
}

const isMountPoint = (key: string): boolean => /^mp\d+$/.test(key);
const isCard = (key: string): boolean => /^net\d+$/.test(key);
