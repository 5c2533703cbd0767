/** Tasks on containers: what the daemon checks first and what a worker then does. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import {
  lxcCreate,
  lxcDestroy,
  lxcReboot,
  lxcResize,
  lxcResume,
  lxcShutdown,
  lxcStart,
  lxcStop,
  lxcSuspend,
} from '@ryokan/api/methods/lxc.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { forgetGuest } from '../../access/acl.ts';
import { addToPool, demandPool } from '../../access/pools.ts';
import { claimGuest } from '../../guests/guest-store.ts';
import { changeOf } from '../../guests/lxc/config-change.ts';
import { createContainer, demandTemplate, storagesOf } from '../../guests/lxc/create.ts';
import { demandRemovable, destroyContainer } from '../../guests/lxc/destroy.ts';
import {
  demandResumable,
  demandSuspendable,
  resumeContainer,
  suspendContainer,
} from '../../guests/lxc/freeze.ts';
import {
  containerLock,
  demandFree,
  demandRunning,
  shutdownContainer,
  stopContainer,
} from '../../guests/lxc/power.ts';
import { resizeTarget, resizeVolume } from '../../guests/lxc/resize.ts';
import { demandStartable, startContainer } from '../../guests/lxc/start.ts';
import type { Services } from '../../services.ts';
import { demandReadVolume } from '../../storage/volume-access.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { mayStopTask } from '../task-access.ts';
import { demandLxcCreate } from './lxc-permissions.ts';
import { demandSkiplock, demandTags } from './qemu-permissions.ts';

export function lxcTaskHandlers(table: HandlerTable, services: Services): void {
  lifeHandlers(table, services);
  powerHandlers(table, services);
}

function lifeHandlers(table: HandlerTable, services: Services): void {
  const { store, settings } = services;
  table.onTask(lxcCreate, {
    async check(params, call) {
      const { vmid, ostemplate, pool, storage, restore, force } = params;
      const change = changeOf(params);
      if (restore || force)
        throw new RyokanError(
          'unsupported',
          'restoring a backup is not possible yet: give a template (vztmpl)',
        );
      demandLxcCreate(call, params, change);
      demandTags(services, call, undefined, change.set.tags);
      for (const one of storagesOf(change, storage)) {
        call.demand(`/storage/${one}`, ['Datastore.AllocateSpace']);
        services.storage.demandContent(one, 'rootdir');
      }
      demandReadVolume(call, { storage: parseVolumeId(ostemplate).storage, content: 'vztmpl' });
      await demandTemplate(services, ostemplate);
      if (pool !== undefined) demandPool(store, pool);
      await claimGuest(store, 'lxc', settings.node, vmid, call.user);
      return [{ name: 'guest.remove-claim', args: { vmid } }];
    },
    async run(params, task) {
      const { vmid, ostemplate, storage, password, pool } = params;
      const sshKeys = params['ssh-public-keys'];
      const options = { change: changeOf(params), template: ostemplate, storage, password, sshKeys };
      await containerLock(services, vmid, task, () => createContainer(services, vmid, options, task));
      if (pool !== undefined) await addToPool(store, pool, vmid, task.user);
      task.keep();
      if (params['ha-managed'])
        task.warn('ha-managed: high availability does not exist yet; the container was created without');
      if (params.start) await startCreated(services, vmid, task);
    },
  });
  table.onTask(lxcResize, {
    async check(params, call) {
      const { storage } = await resizeTarget(services, params.vmid, params);
      call.demand(`/storage/${storage}`, ['Datastore.AllocateSpace']);
    },
    run: (params, task) => resizeVolume(services, params.vmid, params, task),
  });
  table.onTask(lxcDestroy, {
    check: (params) => demandRemovable(services, params.vmid, params.force === true),
    async run(params, task) {
      const unreferenced = params['destroy-unreferenced-disks'] === true;
      await destroyContainer(services, params.vmid, { force: params.force === true, unreferenced }, task);
      await forgetGuest(store, params.vmid, task.user);
    },
  });
}

/** The container stands, so a failing start is a warning of the creation; what it left is taken back here. */
async function startCreated(services: Services, vmid: number, task: TaskContext): Promise<void> {
  try {
    await containerLock(services, vmid, task, () => startContainer(services, vmid, {}, task));
  } catch (error) {
    if (task.signal.aborted) throw error;
    task.warn(`CT ${vmid} was created, but did not start: ${messageOf(error)}`);
    await task.takeBack();
  }
}

function powerHandlers(table: HandlerTable, services: Services): void {
  table.onTask(lxcStart, {
    check(params, call) {
      demandSkiplock(call, params.skiplock);
      demandStartable(services, params.vmid, params.skiplock === true);
    },
    run: ({ vmid, skiplock, debug }, task) =>
      containerLock(services, vmid, task, () => startContainer(services, vmid, { skiplock, debug }, task)),
  });
  table.onTask(lxcStop, {
    async check(params, call) {
      demandSkiplock(call, params.skiplock);
      demandFree(services, params.vmid, params.skiplock);
      if (params['overrule-shutdown']) await endShutdowns(services, params.vmid, call);
    },
    run: (params, task) => stopContainer(services, params.vmid, task),
  });
  table.onTask(lxcShutdown, {
    check: ({ vmid }) => demandFree(services, vmid),
    run: (params, task) => shutdownContainer(services, params.vmid, params, task),
  });
  table.onTask(lxcReboot, {
    check({ vmid }) {
      demandFree(services, vmid);
      demandRunning(services, vmid);
    },
    async run({ vmid, timeout }, task) {
      await shutdownContainer(services, vmid, { timeout }, task);
      await containerLock(services, vmid, task, () => startContainer(services, vmid, {}, task));
    },
  });
  table.onTask(lxcSuspend, {
    check: ({ vmid }) => demandSuspendable(services, vmid),
    run: ({ vmid }, task) => suspendContainer(services, vmid, task),
  });
  table.onTask(lxcResume, {
    check: ({ vmid }) => demandResumable(services, vmid),
    run: ({ vmid }, task) => resumeContainer(services, vmid, task),
  });
}

/** Ends the shutdowns of a container that wait for it, as far as the caller may; they hold its lock. */
async function endShutdowns(services: Services, vmid: number, call: Call): Promise<void> {
  const { tasks } = services;
  const { rows } = tasks.list({ source: 'active', vmid, typefilter: 'vzshutdown' });
  for (const row of rows.filter((one) => mayStopTask(call, one))) await tasks.stop(row.upid);
}
