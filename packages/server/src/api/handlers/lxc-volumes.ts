/** Tasks on the volumes of containers: rescan, trim, check, mount. */
import { lxcCheck, lxcMount, lxcRescan, lxcTrim, lxcUnmount } from '@ryokan/api/methods/lxc-volumes.ts';
import { readGuest } from '../../guests/guest-store.ts';
import { lxcKind } from '../../guests/lxc/kind.ts';
import {
  checkTarget,
  checkVolume,
  demandMountable,
  mountContainer,
  trimVolumes,
  unmountContainer,
} from '../../guests/lxc/maintenance.ts';
import { demandFree } from '../../guests/lxc/power.ts';
import { rescanDisks } from '../../guests/rescan.ts';
import type { Services } from '../../services.ts';
import type { HandlerTable } from '../handler-table.ts';

export function lxcVolumeHandlers(table: HandlerTable, services: Services): void {
  const exists = (vmid: number) => readGuest(services.store, 'lxc', services.settings.node, vmid);
  table.onTask(lxcRescan, {
    check({ vmid }, call) {
      call.demand(vmid === undefined ? '/vms' : `/vms/${vmid}`, ['VM.Config.Disk']);
      if (vmid !== undefined) exists(vmid);
    },
    run: (params, task) => rescanDisks(lxcKind, services, params, task),
  });
  table.onTask(lxcTrim, {
    check: ({ vmid }) => demandFree(services, vmid),
    run: (params, task) =>
      trimVolumes(services, params.vmid, { rootOnly: params['ignore-mountpoints'] === true }, task),
  });
  table.onTask(lxcCheck, {
    async check({ vmid, device = 'rootfs' }) {
      await checkTarget(services, vmid, device);
    },
    run: ({ vmid, device = 'rootfs', force = false }, task) =>
      checkVolume(services, vmid, { key: device, force }, task),
  });
  table.onTask(lxcMount, {
    check: ({ vmid }) => demandMountable(services, vmid),
    run: ({ vmid }, task) => mountContainer(services, vmid, task),
  });
  table.onTask(lxcUnmount, {
    check({ vmid }) {
      exists(vmid);
    },
    run: ({ vmid }, task) => unmountContainer(services, vmid, task),
  });
}
