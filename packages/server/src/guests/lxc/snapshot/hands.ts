/** What snapshots of a container need beside the way that all guests go. */
import type { ConfigProperties } from '../../config-file.ts';
import type { GuestServices } from '../../guest-services.ts';
import { demandSnapshotFormat, driverOf, hasSnapshot, type SnapshotHands } from '../../snapshots/hands.ts';
import { lxcKind } from '../kind.ts';
import { stopContainer } from '../power.ts';

/** Throws 'unsupported', and says which volume is why, when the storages take no snapshots of them. */
export async function demandContainerSnapshots(
  services: GuestServices,
  properties: ConfigProperties,
): Promise<void> {
  for (const disk of lxcKind.disksOf(properties)) await demandSnapshotFormat(services, lxcKind, disk);
}

export const containerSnapshots: SnapshotHands = {
  kind: lxcKind,
  demandSnapshots: (services, _vmid, properties) => demandContainerSnapshots(services, properties),
  withDisks(services, _vmid, _signal, work) {
    // The storage does it below whatever runs.
    const remove = async ({ volid }: { readonly volid: string }, snapshot: string) => {
      if (!(await hasSnapshot(services, volid, snapshot))) return;
      const { driver, name } = await driverOf(services, volid);
      await driver.snapshotDelete(name, snapshot);
    };
    return work({ remove, abandon: remove, settleRemoval: async () => {} });
  },
  stop: stopContainer,
};
