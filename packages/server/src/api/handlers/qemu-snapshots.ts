/** Snapshots of QEMU guests. */
import {
  qemuSnapshotConfig,
  qemuSnapshotDescribe,
  qemuSnapshotIndex,
  qemuSnapshotRemove,
  qemuSnapshotRollback,
  qemuSnapshots,
  qemuSnapshotTake,
} from '@ryokan/api/methods/qemu-snapshots.ts';
import { readGuest } from '../../guests/guest-store.ts';
import { shownValue } from '../../guests/qemu/config-change.ts';
import { qemuKind } from '../../guests/qemu/kind.ts';
import { guestLock } from '../../guests/qemu/power.ts';
import { isRunning } from '../../guests/qemu/process.ts';
import { stateIn } from '../../guests/qemu/saved-state/load.ts';
import { vmSnapshots } from '../../guests/qemu/snapshot/hands.ts';
import { takeVmSnapshot } from '../../guests/qemu/snapshot/snapshot.ts';
import { startGuest } from '../../guests/qemu/start.ts';
import { removeSnapshot } from '../../guests/snapshots/removal.ts';
import { demandRollback, rollbackGuest } from '../../guests/snapshots/rollback.ts';
import { sectionOf, snapshotRows } from '../../guests/snapshots/section.ts';
import { demandSnapshotPossible } from '../../guests/snapshots/snapshot.ts';
import type { Services } from '../../services.ts';
import { childrenOf } from '../directory.ts';
import type { HandlerTable } from '../handler-table.ts';
import { demandSnapshotRemovable, describeSnapshot } from './guest-snapshots.ts';

export function qemuSnapshotHandlers(table: HandlerTable, services: Services): void {
  questions(table, services);
  tasks(table, services);
}

function questions(table: HandlerTable, services: Services): void {
  const read = (vmid: number) => readGuest(services.store, 'qemu', services.settings.node, vmid);
  table.on(qemuSnapshots, ({ vmid }) => {
    const { file, digest } = read(vmid);
    return snapshotRows(file, { running: isRunning(services.paths, vmid), digest });
  });
  table.on(qemuSnapshotIndex, () => childrenOf(qemuSnapshotIndex, 'cmd'));
  table.on(qemuSnapshotConfig, ({ vmid, snapname }) => {
    const section = sectionOf(read(vmid).file, snapname);
    return Object.fromEntries(Object.entries(section).map(([key, text]) => [key, shownValue(key, text)]));
  });
  table.on(qemuSnapshotDescribe, (params, call) => describeSnapshot(services, 'qemu', params, call.user));
}

function tasks(table: HandlerTable, services: Services): void {
  table.onTask(qemuSnapshotTake, {
    check: ({ vmid, snapname }) => demandSnapshotPossible(services, vmSnapshots, vmid, snapname),
    run: ({ vmid, snapname, description, vmstate }, task) =>
      takeVmSnapshot(services, vmid, { name: snapname, description, vmstate }, task),
  });
  table.onTask(qemuSnapshotRemove, {
    check: (params) => demandSnapshotRemovable(services, 'qemu', params),
    run: ({ vmid, snapname, force }, task) =>
      removeSnapshot(services, vmSnapshots, vmid, { name: snapname, force: force === true }, task),
  });
  table.onTask(qemuSnapshotRollback, {
    check: ({ vmid, snapname }) => demandRollback(services, qemuKind, vmid, snapname),
    async run({ vmid, snapname, start }, task) {
      await rollbackGuest(services, vmSnapshots, vmid, snapname, task);
      const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
      // A guest whose memory came back goes on where it was.
      const state = stateIn(sectionOf(file, snapname));
      if (!start && !state) return;
      await guestLock(services, vmid, task, () => startGuest(services, vmid, { state }, task));
    },
  });
}
