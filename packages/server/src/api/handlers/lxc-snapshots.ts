/** Snapshots of containers. */
import {
  lxcSnapshotConfig,
  lxcSnapshotDescribe,
  lxcSnapshotIndex,
  lxcSnapshotRemove,
  lxcSnapshotRollback,
  lxcSnapshots,
  lxcSnapshotTake,
} from '@ryokan/api/methods/lxc-snapshots.ts';
import { readGuest } from '../../guests/guest-store.ts';
import { lxcKind } from '../../guests/lxc/kind.ts';
import { containerLock } from '../../guests/lxc/power.ts';
import { isRunning } from '../../guests/lxc/process.ts';
import { containerSnapshots } from '../../guests/lxc/snapshot/hands.ts';
import { takeContainerSnapshot } from '../../guests/lxc/snapshot/snapshot.ts';
import { startContainer } from '../../guests/lxc/start.ts';
import { removeSnapshot } from '../../guests/snapshots/removal.ts';
import { demandRollback, rollbackGuest } from '../../guests/snapshots/rollback.ts';
import { sectionOf, snapshotRows } from '../../guests/snapshots/section.ts';
import { demandSnapshotPossible } from '../../guests/snapshots/snapshot.ts';
import type { Services } from '../../services.ts';
import { childrenOf } from '../directory.ts';
import type { HandlerTable } from '../handler-table.ts';
import { demandSnapshotRemovable, describeSnapshot } from './guest-snapshots.ts';
import { typedValues } from './lxc.ts';

export function lxcSnapshotHandlers(table: HandlerTable, services: Services): void {
  questions(table, services);
  tasks(table, services);
}

function questions(table: HandlerTable, services: Services): void {
  const read = (vmid: number) => readGuest(services.store, 'lxc', services.settings.node, vmid);
  table.on(lxcSnapshots, ({ vmid }) => {
    const { file, digest } = read(vmid);
    const rows = snapshotRows(file, { running: isRunning(services.paths, vmid), digest });
    return rows.map(({ vmstate: _never, ...row }) => row);
  });
  table.on(lxcSnapshotIndex, () => childrenOf(lxcSnapshotIndex, 'cmd'));
  table.on(lxcSnapshotConfig, ({ vmid, snapname }) => typedValues(sectionOf(read(vmid).file, snapname)));
  table.on(lxcSnapshotDescribe, (params, call) => describeSnapshot(services, 'lxc', params, call.user));
}

function tasks(table: HandlerTable, services: Services): void {
  table.onTask(lxcSnapshotTake, {
    check: ({ vmid, snapname }) => demandSnapshotPossible(services, containerSnapshots, vmid, snapname),
    run: ({ vmid, snapname, description }, task) =>
      takeContainerSnapshot(services, vmid, { name: snapname, description }, task),
  });
  table.onTask(lxcSnapshotRemove, {
    check: (params) => demandSnapshotRemovable(services, 'lxc', params),
    run: ({ vmid, snapname, force }, task) =>
      removeSnapshot(services, containerSnapshots, vmid, { name: snapname, force: force === true }, task),
  });
  table.onTask(lxcSnapshotRollback, {
    check: ({ vmid, snapname }) => demandRollback(services, lxcKind, vmid, snapname),
    async run({ vmid, snapname, start }, task) {
      await rollbackGuest(services, containerSnapshots, vmid, snapname, task);
      if (!start) return;
      await containerLock(services, vmid, task, () => startContainer(services, vmid, {}, task));
    },
  });
}
