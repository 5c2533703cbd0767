/** Clones, templates, disks that move: what the daemon checks first and what a worker then does. */
import { join } from 'node:path';
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { qemuClone, qemuFeature, qemuMoveDisk, qemuTemplate } from '@ryokan/api/methods/qemu-copy.ts';
import { qemuNetKeys } from '@ryokan/api/schema/qemu-config.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { addToPool, demandPool } from '../../access/acl.ts';
import { claimGuest, readGuest } from '../../guests/guest-store.ts';
import { bandwidthLimit, type CopyOperation } from '../../guests/qemu/copy/bandwidth.ts';
import { type ClonePlan, cloneGuest, isLinkable, planClone } from '../../guests/qemu/copy/clone.ts';
import { disksOf } from '../../guests/qemu/copy/guest-disks.ts';
import { moveDisk, planMove } from '../../guests/qemu/copy/move-disk.ts';
import { demandTemplatable, makeTemplate } from '../../guests/qemu/copy/template.ts';
import { qemuVersion } from '../../guests/qemu/qemu-facts.ts';
import type { Services } from '../../services.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { demandBridge } from './qemu-permissions.ts';

export function qemuCopyHandlers(table: HandlerTable, services: Services): void {
  cloneHandler(table, services);
  moveHandler(table, services);
  table.onTask(qemuTemplate, {
    async check({ vmid, disk }) {
      await demandTemplatable(services, vmid, disk);
    },
    run: ({ vmid, disk }, task) => makeTemplate(services, vmid, disk, task),
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
      const storages = await cloneStorages(services, params);
      const rateLimit = limitFor(services, task.user, 'clone', storages, params.bwlimit);
      const version = await qemuVersion(join(paths.run, 'qemu-version'));
      await cloneGuest(services, params, { qemuVersion: version, rateLimit }, task);
      task.keep();
      if (params.pool !== undefined) await addToPool(services.store, params.pool, params.newid, task.user);
    },
  });
}

/** Space for each new disk, and the bridges that the clone's cards are on. */
function demandCloneRights(call: Call, plan: ClonePlan): void {
  const storages = plan.full
    ? plan.copies.map((copy) => copy.storage)
    : plan.disks.map((disk) => parseVolumeId(disk.volid).storage);
  for (const storage of new Set(storages)) call.demand(`/storage/${storage}`, ['Datastore.AllocateSpace']);
  for (const key of qemuNetKeys) {
    const text = plan.properties[key];
    if (text !== undefined) demandBridge(call, text);
  }
}

async function cloneStorages(
  services: Services,
  params: Parameters<typeof planClone>[1],
): Promise<readonly string[]> {
  const { disks, copies } = await planClone(services, params);
  return [...disks.map((disk) => parseVolumeId(disk.volid).storage), ...copies.map((copy) => copy.storage)];
}

function limitFor(
  services: Services,
  user: string,
  operation: CopyOperation,
  storages: readonly string[],
  wanted: number | undefined,
): number | undefined {
  const mayExceed = storages.every((storage) =>
    services.access.privileges(user, `/storage/${storage}`).has('Datastore.Allocate'),
  );
  return bandwidthLimit(services, { operation, storages, wanted, mayExceed });
}

function moveHandler(table: HandlerTable, services: Services): void {
  table.onTask(qemuMoveDisk, {
    async check(params, call) {
      const request = moveRequest(params);
      call.demand(`/storage/${request.storage}`, ['Datastore.AllocateSpace']);
      await planMove(services, request);
    },
    async run(params, task) {
      const request = moveRequest(params);
      const { copy } = await planMove(services, request);
      const storages = [parseVolumeId(copy.source.volid).storage, copy.storage];
      const rateLimit = limitFor(services, task.user, 'move', storages, params.bwlimit);
      await moveDisk(services, request, rateLimit, task);
    },
  });
}

function moveRequest<P extends { storage?: string; 'target-vmid'?: number }>(
  params: P,
): P & { storage: string } {
  if (params['target-vmid'] !== undefined) {
    throw new RyokanError('unsupported', 'giving a disk to another VM is not possible yet: copy its data');
  }
  const { storage } = params;
  if (storage === undefined) throw new ParameterError({ storage: 'storage to move the disk to' });
  return { ...params, storage };
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
  for (const disk of disksOf(properties)) {
    if (feature === 'clone') {
      if (!(await isLinkable(services, disk, snapname))) return false;
      continue;
    }
    if (feature === 'copy' && snapname === undefined) continue;
    const { format } = await services.storage.info(disk.volid);
    const { capabilities } = await services.storage.driver(parseVolumeId(disk.volid).storage);
    if (!capabilities.snapshot.includes(format)) return false;
  }
  return true;
}
