/** How the guest layer's changes are taken back when a task fails; see tasks/undo.ts. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { restoreDriver } from '../host/pci-binding.ts';
import { textArg, type UndoTable } from '../tasks/undo.ts';
import type { GuestServices } from './guest-services.ts';
import { removeGuest } from './guest-store.ts';
import { undoPlug } from './qemu/hotplug/unplug-undo.ts';
import { cleanUpAfter, endStrays, isRunning, signalProcess, waitForExit } from './qemu/process.ts';
import { finishRollback } from './qemu/snapshot/rollback.ts';
import { abandonSnapshot, continueGuest, endRemoval } from './qemu/snapshot/snapshot.ts';

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
  undos.on('snapshot.abandon', (args) => abandonSnapshot(services, Number(args.vmid), textArg(args, 'name')));
  undos.on('snapshot.unlock', (args) => endRemoval(services, Number(args.vmid)));
  undos.on('snapshot.finish-rollback', (args) =>
    finishRollback(services, Number(args.vmid), textArg(args, 'name')),
  );
  undos.on('guest.continue', (args) => continueGuest(services, Number(args.vmid)));
  undos.on('guest.clean-up', async (args) => {
    const vmid = Number(args.vmid);
    await endStrays(services.paths, vmid);
    if (!isRunning(services.paths, vmid)) await cleanUpAfter(services.paths, node, vmid);
  });
  undos.on('guest.unplug', (args) => undoPlug(services, Number(args.vmid), textArg(args, 'key')));
  undos.on('pci.restore', async (args) => restoreDriver(textArg(args, 'address'), textArg(args, 'driver')));
  undos.on('process.kill', async (args) => {
    // With its start time: after a power cut the number may belong to somebody else.
    const target = { pid: Number(args.pid), startTime: Number(args.startTime) };
    signalProcess(target, 'SIGKILL');
    await waitForExit(target, 5000);
  });
}
