/** Clones, templates, disks that move: what the daemon checks first and what a worker then does. */
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ParamsOf } from '@ryokan/api/method.ts';
import {
  qemuClone,
  qemuFeature,
  qemuMoveDisk,
  qemuRescan,
  qemuTemplate,
} from '@ryokan/api/methods/qemu-copy.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { addToPool } from '../../access/pools.ts';
import { type ClonePlan, isLinkable } from '../../guests/copy/clone.ts';
import { reassignDisk } from '../../guests/copy/reassign.ts';
import { demandTemplatable, makeTemplate } from '../../guests/copy/template.ts';
import { readGuest } from '../../guests/guest-store.ts';
import { cloneGuest, planVmClone } from '../../guests/qemu/copy/clone.ts';
import { disksOf } from '../../guests/qemu/copy/guest-disks.ts';
import { moveDisk, planMove } from '../../guests/qemu/copy/move-disk.ts';
import { vmReassign } from '../../guests/qemu/copy/reassign.ts';
import { qemuKind } from '../../guests/qemu/kind.ts';
import { qemuVersion } from '../../guests/qemu/qemu-facts.ts';
import { canSnapshot } from '../../guests/qemu/snapshot/disks.ts';
import { rescanDisks } from '../../guests/rescan.ts';
import type { Services } from '../../services.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { checkClone, checkMove, limitOf, moveWish, storagesOf } from './guest-copy.ts';
import { demandDevices } from './qemu-permissions.ts';

export function qemuCopyHandlers(table: HandlerTable, services: Services): void {
  cloneHandler(table, services);
  moveHandler(table, services);
  table.onTask(qemuTemplate, {
    async check({ vmid, disk }) {
      await demandTemplatable(services, qemuKind, vmid, disk);
    },
    run: ({ vmid, disk }, task) => makeTemplate(services, qemuKind, vmid, disk, task.user, task),
  });
  table.onTask(qemuRescan, {
    check({ vmid }, call) {
      call.demand(vmid === undefined ? '/vms' : `/vms/${vmid}`, ['VM.Config.Disk']);
      if (vmid !== undefined) readGuest(services.store, 'qemu', services.settings.node, vmid);
    },
    run: (params, task) => rescanDisks(qemuKind, services, params, task),
  });
  table.on(qemuFeature, async ({ vmid, feature, snapname }) => ({
    hasFeature: (await hasFeature(services, vmid, feature, snapname)) ? (1 as const) : (0 as const),
    nodes: [services.settings.node],
  }));
}

function cloneHandler(table: HandlerTable, services: Services): void {
  const { paths } = services;
  table.onTask(qemuClone, {
    check: (params, call) =>
      checkClone(services, 'qemu', params, call, async () =>
        demandCloneRights(call, await planVmClone(services, params)),
      ),
    async run(params, task) {
      const version = await qemuVersion(join(paths.run, 'qemu-version'));
      const limitFor = limitOf(services, task.user, 'clone', params.bwlimit);
      await cloneGuest(services, params, { qemuVersion: version, limitFor }, task);
      task.keep();
      if (params.pool !== undefined) await addToPool(services.store, params.pool, params.newid, task.user);
    },
  });
}

/**
 * Space for each new disk and for saved memory, and what of the node the clone reaches: bridges, mapped devices. Discs
 * and snippets of the original go along: whoever may clone it may see all that is in it.
 */
function demandCloneRights(call: Call, plan: ClonePlan): void {
  const storages = new Set(storagesOf(plan));
  const { vmstatestorage } = plan.properties;
  if (vmstatestorage !== undefined) storages.add(vmstatestorage);
  for (const storage of storages) call.demand(`/storage/${storage}`, ['Datastore.AllocateSpace']);
  demandDevices(call, plan.properties);
}

function moveHandler(table: HandlerTable, services: Services): void {
  const wishOf = (params: ParamsOf<typeof qemuMoveDisk>) =>
    moveWish({ ...params, targetDisk: params['target-disk'] });
  table.onTask(qemuMoveDisk, {
    check: (params, call) =>
      checkMove(services, vmReassign, wishOf(params), call, (request) => planMove(services, request)),
    async run(params, task) {
      const wish = wishOf(params);
      if (wish.kind === 'reassign') return reassignDisk(services, vmReassign, wish, task);
      await moveDisk(services, wish, limitOf(services, task.user, 'move', params.bwlimit), task);
    },
  });
}

async function hasFeature(
  services: Services,
  vmid: number,
  feature: 'snapshot' | 'clone' | 'copy',
  snapname: string | undefined,
): Promise<boolean> {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  const properties = snapname === undefined ? file.properties : file.snapshots[snapname];
  if (!properties) throw new RyokanError('not-found', `snapshot '${snapname}' does not exist`);
  if (feature === 'snapshot') return canSnapshot(services, vmid, properties);
  for (const disk of disksOf(properties)) {
    if (feature === 'clone') {
      if (!(await isLinkable(services, qemuKind, disk, snapname))) return false;
      continue;
    }
    if (snapname === undefined) continue;
    const { format } = await services.storage.info(disk.volid);
    const { capabilities } = await services.storage.driver(parseVolumeId(disk.volid).storage);
    if (!capabilities.snapshot.includes(format)) return false;
  }
  return true;
}
