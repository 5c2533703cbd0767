/** One task at a time works on a guest. */
import type { GuestServices } from './guest-services.ts';
import type { GuestType } from './guest-store.ts';

export function guestLock<T>(
  services: Pick<GuestServices, 'locks'>,
  type: GuestType,
  vmid: number,
  task: { readonly signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  return services.locks.with(`${type}-${vmid}`, work, { signal: task.signal });
}

/** Both guests at once; always the lower number first, so that two tasks cannot wait for each other. */
export function bothLocks<T>(
  services: Pick<GuestServices, 'locks'>,
  type: GuestType,
  [one, other]: readonly [number, number],
  task: { readonly signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const [first, second] = [Math.min(one, other), Math.max(one, other)];
  return guestLock(services, type, first, task, () => guestLock(services, type, second, task, work));
}
