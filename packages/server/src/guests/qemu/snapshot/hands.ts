/** What snapshots of a virtual machine need beside the way that all guests go. */
import type { SnapshotHands } from '../../snapshots/hands.ts';
import { qemuKind } from '../kind.ts';
import { stopGuest, withQmpIfRunning } from '../power.ts';
import { demandSnapshots } from './disks.ts';
import { abandonDisk, removeFromDisk, settleRemoval } from './live.ts';

export const vmSnapshots: SnapshotHands = {
  kind: qemuKind,
  demandSnapshots,
  withDisks: (services, vmid, signal, work) =>
    withQmpIfRunning(services, vmid, (qmp) => {
      const guest = { services, vmid, qmp, ...(signal ? { signal } : {}) };
      return work({
        remove: (disk, snapshot) => removeFromDisk(guest, disk, snapshot),
        abandon: (disk, snapshot) => abandonDisk(guest, disk, snapshot),
        settleRemoval: (disk, snapshot) => settleRemoval(guest, disk, snapshot),
      });
    }),
  stop: stopGuest,
};
