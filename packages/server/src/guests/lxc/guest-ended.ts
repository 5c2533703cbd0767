/** What is done when a container has ended, by a task or by itself. */
import { messageOf } from '@ryokan/api/errors.ts';
import { guardGuest } from '../../network/firewall/guard.ts';
import type { GuestServices } from '../guest-services.ts';
import { type HookLog, postStop } from '../hookscript.ts';
import { cleanUpAfter, isRunning } from './process.ts';

/** Removes what the container has left and runs the hook script. The caller holds its lock; safe to repeat. */
export async function lxcEnded(services: GuestServices, vmid: number, log: HookLog): Promise<void> {
  await cleanUpAfter(services.paths, services.settings.node, vmid);
  // Rules without a card harm nobody, so that what keeps them from going does not keep the container from ending.
  await guardGuest(services, vmid, []).catch((error: unknown) => log.warn(messageOf(error)));
  await postStop(services, vmid, log);
}

/** For an end that no task is at work on. `patience`: how long the container's lock is waited for (ms). */
export async function lxcEndedOutsideTask(
  services: GuestServices,
  vmid: number,
  patience: number,
  before: () => Promise<void> = async () => {},
): Promise<void> {
  const { locks, log, paths } = services;
  const endLog = {
    log: (line: string) => log.info({ vmid, line }, 'container'),
    warn: (line: string) => log.warn({ vmid, reason: line }, 'container'),
  };
  const work = async () => {
    await before();
    if (!isRunning(paths, vmid)) await lxcEnded(services, vmid, endLog);
  };
  await locks.with(`lxc-${vmid}`, work, { timeout: patience });
}
