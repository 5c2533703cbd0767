/** How the guest layer's changes are taken back when a task fails; see tasks/undo.ts. */
import { textArg, type UndoTable } from '../tasks/undo.ts';
import { endedOutsideTask } from './guest-ended.ts';
import type { GuestServices } from './guest-services.ts';
import { guestOwner, removeGuest } from './guest-store.ts';
import { containerCgroup } from './lxc/cgroup.ts';
import { dropMoment, dropMomentUndo } from './lxc/copy/moment.ts';
import { thawContainerUndo } from './lxc/freeze.ts';
import { lxcKind } from './lxc/kind.ts';
import { endStrayMonitor } from './lxc/process.ts';
import { containerSnapshots } from './lxc/snapshot/hands.ts';
import { release, releaseUndo } from './lxc/snapshot/hold.ts';
import { unmountAll, unmountUndo } from './lxc/task-mount.ts';
import { thawGuest, thawUndo } from './qemu/file-system-freeze.ts';
import { undoPlug } from './qemu/hotplug/unplug-undo.ts';
import { qemuKind } from './qemu/kind.ts';
import { endStrays, signalProcess, waitForExit } from './qemu/process.ts';
import { settleSuspend } from './qemu/saved-state/suspend.ts';
import { settleWake } from './qemu/saved-state/wake.ts';
import { vmSnapshots } from './qemu/snapshot/hands.ts';
import { abandonMemory, abandonSaving } from './qemu/snapshot/snapshot.ts';
import type { SnapshotHands } from './snapshots/hands.ts';
import { endRemoval } from './snapshots/removal.ts';
import { finishRollback } from './snapshots/rollback.ts';
import { abandonSnapshot } from './snapshots/snapshot.ts';
import { removeIfThere } from './volumes-of-guest.ts';

/** How long an undo waits for the guest's lock (ms): another task may have been faster. */
const lockPatience = 60_000;

export function guestUndos(undos: UndoTable, services: GuestServices): void {
  const { node } = services.settings;
  undos.on('volume.remove', async (args) => {
    await removeIfThere(services, textArg(args, 'volid'));
  });
  undos.on('guest.remove-claim', async (args) => {
    const vmid = Number(args.vmid);
    const type = guestOwner(services.store, vmid)?.type ?? 'qemu';
    await removeGuest(services.store, type, node, vmid, 'undo');
  });
  snapshotUndos(undos, services);
  undos.on('snapshot.abandon-memory', (args) =>
    abandonMemory(services, Number(args.vmid), textArg(args, 'name'), textArg(args, 'volid')),
  );
  undos.on('snapshot.end-saving', (args) => abandonSaving(services, Number(args.vmid), args.running === 1));
  undos.on('suspend.settle', (args) =>
    settleSuspend(services, Number(args.vmid), textArg(args, 'volid'), args.running === 1),
  );
  undos.on('suspend.settle-wake', (args) => settleWake(services, Number(args.vmid), textArg(args, 'volid')));
  undos.on(thawUndo, (args) => thawGuest(services, Number(args.vmid)));
  undos.on('guest.clean-up', async (args) => {
    const vmid = Number(args.vmid);
    await endedOutsideTask(services, qemuKind, vmid, lockPatience, () => endStrays(services.paths, vmid));
  });
  undos.on(dropMomentUndo, (args) => dropMoment(services, Number(args.vmid), textArg(args, 'name')));
  undos.on(releaseUndo, (args) => release(services, Number(args.vmid), args.processes === 1));
  undos.on(unmountUndo, (args) => unmountAll(services.paths, Number(args.vmid)));
  undos.on(thawContainerUndo, async (args) => containerCgroup(Number(args.vmid), node).thaw());
  undos.on('lxc.clean-up', async (args) => {
    const vmid = Number(args.vmid);
    await endedOutsideTask(services, lxcKind, vmid, lockPatience, () =>
      endStrayMonitor(services.paths, vmid),
    );
  });
  undos.on('guest.unplug', (args) => undoPlug(services, Number(args.vmid), textArg(args, 'key')));
  undos.on('process.kill', async (args) => {
    // With its start time: after a power cut the number may belong to somebody else.
    const target = { pid: Number(args.pid), startTime: Number(args.startTime) };
    // Asked first: a QEMU that ends without a word counts as crashed.
    signalProcess(target, 'SIGTERM');
    if (await waitForExit(target, 2000)) return;
    signalProcess(target, 'SIGKILL');
    await waitForExit(target, 5000);
  });
}

/** Snapshots of every kind of guest. */
function snapshotUndos(undos: UndoTable, services: GuestServices): void {
  const on = (
    name: string,
    undo: (hands: SnapshotHands, vmid: number, snapshot: string) => Promise<void>,
  ): void =>
    undos.on(name, (args) => {
      const vmid = Number(args.vmid);
      const hands = guestOwner(services.store, vmid)?.type === 'lxc' ? containerSnapshots : vmSnapshots;
      return undo(hands, vmid, textArg(args, 'name'));
    });
  on('snapshot.abandon', (hands, vmid, name) => abandonSnapshot(services, hands, vmid, name));
  on('snapshot.end-removal', (hands, vmid, name) => endRemoval(services, hands, vmid, name));
  on('snapshot.finish-rollback', (hands, vmid, name) => finishRollback(services, hands.kind, vmid, name));
}
