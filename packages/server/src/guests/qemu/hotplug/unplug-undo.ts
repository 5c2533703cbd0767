/** The undo `guest.unplug`: a device that was plugged in, and whose key never came into the document. */
import { qemuUsbKeys } from '@ryokan/api/schema/qemu-config.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { readGuest } from '../../guest-store.ts';
import { withQmp } from '../power.ts';
import { isRunning } from '../process.ts';
import { dropDrive } from './drive.ts';
import { type LiveGuest, liveGuest } from './live-guest.ts';
import { dropCard } from './network.ts';
import { releaseDevice } from './release.ts';

/**
 * Takes the device of `key` out of the running guest, unless its configuration has that key now. Safe to repeat. The
 * change stays pending, as if it had not been tried.
 */
export async function undoPlug(services: GuestServices, vmid: number, key: string): Promise<void> {
  const { store, settings, paths, locks, log } = services;
  await locks.with(`qemu-${vmid}`, async () => {
    if (!isRunning(paths, vmid)) return;
    const { file } = readGuest(store, 'qemu', settings.node, vmid);
    if (file.properties[key] !== undefined) return;
    const line = (text: string) => log.info({ vmid, key }, text);
    const context: ChangeContext = {
      log: line,
      warn: line,
      undo: () => {},
      signal: new AbortController().signal,
    };
    await withQmp(services, vmid, async (qmp) => {
      await drop(
        await liveGuest(services, vmid, file.properties, qmp, context),
        key,
        file.pending.properties[key],
      );
    });
  });
}

async function drop(live: LiveGuest, key: string, pending: string | undefined): Promise<void> {
  if (/^net\d+$/.test(key)) await dropCard(live, key);
  else if ((qemuUsbKeys as readonly string[]).includes(key)) await releaseDevice(live.qmp, key);
  else await dropDrive(live, key, pending ?? 'none,media=cdrom');
}
