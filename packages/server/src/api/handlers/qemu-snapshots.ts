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
import { changeFile, demandUnlocked, readGuest } from '../../guests/guest-store.ts';
import { shownValue } from '../../guests/qemu/config-change.ts';
import { guestLock } from '../../guests/qemu/power.ts';
import { isRunning } from '../../guests/qemu/process.ts';
import { demandRollback, memoryOf, rollbackGuest } from '../../guests/qemu/snapshot/rollback.ts';
import { sectionOf, snapshotRows, withSection } from '../../guests/qemu/snapshot/section.ts';
import { demandSnapshotPossible, removeSnapshot, takeSnapshot } from '../../guests/qemu/snapshot/snapshot.ts';
import { startGuest } from '../../guests/qemu/start.ts';
import type { Services } from '../../services.ts';
import { childrenOf } from '../directory.ts';
import type { HandlerTable } from '../handler-table.ts';

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
  table.on(qemuSnapshotDescribe, async ({ vmid, snapname, description }, call) => {
    if (description !== undefined) {
      demandUnlocked(read(vmid).file.properties);
      const change = { description: description === '' ? undefined : description };
      await changeFile(services, vmid, call.user, (file) => withSection(file, snapname, change));
    } else sectionOf(read(vmid).file, snapname);
    return null;
  });
}

function tasks(table: HandlerTable, services: Services): void {
  table.onTask(qemuSnapshotTake, {
    check: ({ vmid, snapname }) => demandSnapshotPossible(services, vmid, snapname),
    run: ({ vmid, snapname, description, vmstate }, task) =>
      takeSnapshot(services, vmid, { name: snapname, description, vmstate }, task),
  });
  table.onTask(qemuSnapshotRemove, {
    check({ vmid, snapname }) {
      const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
      demandUnlocked(file.properties);
      sectionOf(file, snapname);
    },
    run: ({ vmid, snapname, force }, task) =>
      removeSnapshot(services, vmid, { name: snapname, force: force === true }, task),
  });
  table.onTask(qemuSnapshotRollback, {
    check: ({ vmid, snapname }) => demandRollback(services, vmid, snapname),
    async run({ vmid, snapname, start }, task) {
      await rollbackGuest(services, vmid, snapname, task);
      // A guest whose memory came back goes on where it was.
      const state = memoryOf(services, vmid, snapname);
      if (!start && !state) return;
      await guestLock(services, vmid, task, () => startGuest(services, vmid, { state }, task));
    },
  });
}
