/** Clones, templates, disks that move: what the daemon checks first and what a worker then does. */
import { join } from 'node:path';
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { ParamsOf } from '@ryokan/api/method.ts';
import {
  qemuClone,
  qemuFeature,
  qemuMoveDisk,
  qemuRescan,
  qemuTemplate,
} from '@ryokan/api/methods/qemu-copy.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { addToPool, demandPool } from '../../access/pools.ts';
import { claimGuest, readGuest } from '../../guests/guest-store.ts';
import { bandwidthLimit, type CopyOperation, type LimitFor } from '../../guests/qemu/copy/bandwidth.ts';
import { type ClonePlan, cloneGuest, isLinkable, planClone } from '../../guests/qemu/copy/clone.ts';
import { disksOf } from '../../guests/qemu/copy/guest-disks.ts';
import { type MoveRequest, moveDisk, planMove } from '../../guests/qemu/copy/move-disk.ts';
import { planReassign, type ReassignRequest, reassignDisk } from '../../guests/qemu/copy/reassign.ts';
import { rescanDisks } from '../../guests/qemu/copy/rescan.ts';
import { demandTemplatable, makeTemplate } from '../../guests/qemu/copy/template.ts';
import { qemuVersion } from '../../guests/qemu/qemu-facts.ts';
import { canSnapshot } from '../../guests/qemu/snapshot/disks.ts';
import type { Services } from '../../services.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { demandDevices } from './qemu-permissions.ts';

export function qemuCopyHandlers(table: HandlerTable, services: Services): void {
  cloneHandler(table, services);
  moveHandler(table, services);
  table.onTask(qemuTemplate, {
    async check({ vmid, disk }) {
      await demandTemplatable(services, vmid, disk);
    },
    run: ({ vmid, disk }, task) => makeTemplate(services, vmid, disk, task),
  });
  table.onTask(qemuRescan, {
    check({ vmid }, call) {
      call.demand(vmid === undefined ? '/vms' : `/vms/${vmid}`, ['VM.Config.Disk']);
      if (vmid !== undefined) readGuest(services.store, 'qemu', services.settings.node, vmid);
    },
    run: (params, task) => rescanDisks(services, params, task),
  });
  table.on(qemuFeature, async ({ vmid, feature, snapname }) => ({
    hasFeature: (await hasFeature(services, vmid, feature, snapname)) ? (1 as const) : (0 as const),
    nodes: [services.settings.node],
  }));
}

function cloneHandler(table: HandlerTable, services: Services): void {
  const { store, settings, paths } = services;
  table.onTask(qemuClone, {
    async check(params, call) {
      const { newid, pool, target } = params;
      if (target !== undefined && target !== settings.node) {
        throw new RyokanError(
          'unsupported',
          `a clone is made on the node of its original: leave out target, or give '${settings.node}'`,
        );
      }
      if (pool !== undefined) demandPool(store, pool);
      const plan = await planClone(services, params);
      demandCloneRights(call, plan);
      await claimGuest(store, 'qemu', settings.node, newid, call.user, 'clone');
      return [{ name: 'guest.remove-claim', args: { vmid: newid } }];
    },
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

/** Where the clone's volumes are. */
function storagesOf({ full, copies, disks }: ClonePlan): string[] {
  return full ? copies.map((copy) => copy.storage) : disks.map((disk) => parseVolumeId(disk.volid).storage);
}

/** Who administers the storages may exceed their limits. */
function limitOf(
  services: Services,
  user: string,
  operation: CopyOperation,
  wanted: number | undefined,
): LimitFor {
  return (storages) => {
    const mayExceed = storages.every((storage) =>
      services.access.privileges(user, `/storage/${storage}`).has('Datastore.Allocate'),
    );
    return bandwidthLimit(services, { operation, storages, wanted, mayExceed });
  };
}

function moveHandler(table: HandlerTable, services: Services): void {
  table.onTask(qemuMoveDisk, {
    async check(params, call) {
      const wish = moveWish(params);
      if (wish.kind === 'reassign') {
        call.demand(`/vms/${wish.targetVmid}`, ['VM.Config.Disk']);
        const { volid } = await planReassign(services, wish);
        call.demand(`/storage/${parseVolumeId(volid).storage}`, ['Datastore.AllocateSpace']);
      } else {
        call.demand(`/storage/${wish.storage}`, ['Datastore.AllocateSpace']);
        await planMove(services, wish);
      }
    },
    async run(params, task) {
      const wish = moveWish(params);
      if (wish.kind === 'reassign') return reassignDisk(services, wish, task);
      await moveDisk(services, wish, limitOf(services, task.user, 'move', params.bwlimit), task);
    },
  });
}

type MoveWish = ({ kind: 'move' } & MoveRequest) | ({ kind: 'reassign' } & ReassignRequest);

/** To another storage, or to another guest: one of the two. */
function moveWish(params: ParamsOf<typeof qemuMoveDisk>): MoveWish {
  const { storage, 'target-vmid': targetVmid, 'target-disk': targetDisk } = params;
  if (targetVmid === undefined) {
    if (storage !== undefined) return { kind: 'move', ...params, storage };
    const text = "both 'storage' and 'target-vmid' missing, either needs to be set";
    throw new ParameterError({ storage: text, 'target-vmid': text });
  }
  if (storage !== undefined) {
    const text = "either set 'storage' or 'target-vmid', but not both";
    throw new ParameterError({ storage: text, 'target-vmid': text });
  }
  if (targetVmid === params.vmid) {
    throw new ParameterError({ 'target-vmid': 'must be different than source VMID to reassign disk' });
  }
  const { vmid, disk, digest, 'target-digest': targetDigest } = params;
  return { kind: 'reassign', vmid, disk, targetVmid, targetDisk, digest, targetDigest };
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
      if (!(await isLinkable(services, disk, snapname))) return false;
      continue;
    }
    if (snapname === undefined) continue;
    const { format } = await services.storage.info(disk.volid);
    const { capabilities } = await services.storage.driver(parseVolumeId(disk.volid).storage);
    if (!capabilities.snapshot.includes(format)) return false;
  }
  return true;
}
