/** What the storages of a container's volumes allow, by the same checks that the operations make. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigProperties } from '../config-file.ts';
import { demandLinkable } from '../copy/clone.ts';
import type { GuestServices } from '../guest-services.ts';
import { demandSnapshotFormat } from '../snapshots/hands.ts';
import { demandCopyable } from './copy/clone.ts';
import { lxcKind } from './kind.ts';
import { demandContainerSnapshots } from './snapshot/hands.ts';

export type ContainerFeature = 'snapshot' | 'clone' | 'copy';

/** Undefined when all its volumes can; else which cannot, and what would help. `snapname`: for the state of that one. */
export async function missingFeature(
  services: GuestServices,
  vmid: number,
  properties: ConfigProperties,
  feature: ContainerFeature,
  snapname?: string,
): Promise<string | undefined> {
  try {
    const disks = lxcKind.disksOf(properties);
    if (feature === 'snapshot') await demandContainerSnapshots(services, properties);
    else if (feature === 'clone') {
      for (const disk of disks) await demandLinkable(services, lxcKind, disk, snapname);
    } else if (snapname === undefined) await demandCopyable(services, vmid, properties);
    else for (const disk of disks) await demandSnapshotFormat(services, lxcKind, disk);
    return undefined;
  } catch (error) {
    if (error instanceof RyokanError && ['unsupported', 'state'].includes(error.code)) return error.message;
    throw error;
  }
}
