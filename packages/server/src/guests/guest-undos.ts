/** How the guest layer's changes are taken back when a task fails; see tasks/undo.ts. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { isAlive, processStat } from '../host/procfs.ts';
import { textArg, type UndoTable } from '../tasks/undo.ts';
import type { GuestServices } from './guest-services.ts';
import { removeGuest } from './guest-store.ts';
import { cleanUpAfter, isRunning, waitForExit } from './qemu/process.ts';

export function guestUndos(undos: UndoTable, services: GuestServices): void {
  const { node } = services.settings;
  undos.on('volume.remove', async (args) => {
    try {
      await services.storage.remove(textArg(args, 'volid'));
    } catch (error) {
      if (!(error instanceof RyokanError) || error.code !== 'not-found') throw error;
    }
  });
  undos.on('guest.remove-claim', async (args) => {
    await removeGuest(services.store, 'qemu', node, Number(args.vmid), 'undo');
  });
  undos.on('guest.clean-up', async (args) => {
    const vmid = Number(args.vmid);
    if (!isRunning(services.paths, vmid)) await cleanUpAfter(services.paths, node, vmid);
  });
  undos.on('process.kill', async (args) => {
    const pid = Number(args.pid);
    const startTime = processStat(pid)?.startTime;
    if (startTime === undefined || !isAlive(pid)) return;
    process.kill(pid, 'SIGKILL');
    await waitForExit({ pid, startTime }, 5000);
  });
}
