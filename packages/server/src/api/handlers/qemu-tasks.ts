/** Tasks on QEMU guests: what the daemon checks first and what a worker then does. */
import { join } from 'node:path';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import {
  qemuConfigSetAsync,
  qemuCreate,
  qemuDestroy,
  qemuReboot,
  qemuReset,
  qemuResize,
  qemuResume,
  qemuShutdown,
  qemuStart,
  qemuStop,
  qemuSuspend,
} from '@ryokan/api/methods/qemu.ts';
import { forgetGuest } from '../../access/acl.ts';
import { addToPool, demandPool } from '../../access/pools.ts';
import { claimGuest, readGuest } from '../../guests/guest-store.ts';
import { warnOf } from '../../guests/live-outcome.ts';
import { changeOf } from '../../guests/qemu/config-change.ts';
import { createGuest, planGuest } from '../../guests/qemu/create.ts';
import { demandRemovable, destroyGuest, planDestroy } from '../../guests/qemu/destroy.ts';
import {
  demandFree,
  demandRunning,
  guestLock,
  resetGuest,
  resumeGuest,
  stopGuest,
  suspendGuest,
} from '../../guests/qemu/power.ts';
import { qemuVersion } from '../../guests/qemu/qemu-facts.ts';
import { demandRoomFor, resizeDisk, resizeTarget } from '../../guests/qemu/resize.ts';
import { suspendToDisk } from '../../guests/qemu/saved-state/suspend.ts';
import { stateStorage } from '../../guests/qemu/saved-state/volume.ts';
import { suspendedState } from '../../guests/qemu/saved-state/wake.ts';
import { shutdownGuest } from '../../guests/qemu/shutdown.ts';
import { demandStartable, startGuest } from '../../guests/qemu/start.ts';
import { planUpdate, updateGuest } from '../../guests/qemu/update.ts';
import type { Services } from '../../services.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { mayStopTask } from '../task-access.ts';
import { demandConfigChange, demandCreate, demandSkiplock, demandTags } from './qemu-permissions.ts';

export function qemuTaskHandlers(table: HandlerTable, services: Services): void {
  lifeHandlers(table, services);
  powerHandlers(table, services);
}

function lifeHandlers(table: HandlerTable, services: Services): void {
  const { store, settings, paths } = services;
  table.onTask(qemuCreate, {
    async check(params, call) {
      const change = changeOf(params);
      demandCreate(call, params, change);
      demandTags(services, call, undefined, change.set.tags);
      if (params.archive !== undefined) {
        throw new RyokanError(
          'unsupported',
          'restoring a backup is not possible yet: create the VM without archive',
        );
      }
      if (params.pool !== undefined) demandPool(store, params.pool);
      await demandRoomFor(services, change.set);
      await claimGuest(store, 'qemu', settings.node, params.vmid, call.user);
      return [{ name: 'guest.remove-claim', args: { vmid: params.vmid } }];
    },
    plan: (params) => planGuest(services, params.vmid, changeOf(params)),
    async run(params, task) {
      const version = await qemuVersion(join(paths.run, 'qemu-version'));
      await createGuest(services, params.vmid, changeOf(params), version, task);
      if (params.pool !== undefined) await addToPool(store, params.pool, params.vmid, task.user);
      task.keep();
      if (params['ha-managed'])
        task.warn('ha-managed: high availability does not exist yet; the VM was created without');
      if (params.start) await startCreated(services, params.vmid, task);
    },
  });
  table.onTask(qemuDestroy, {
    check(params, call) {
      demandSkiplock(call, params.skiplock);
      demandRemovable(services, params.vmid, params.skiplock === true);
    },
    plan: (params, call) =>
      planDestroy(services, params.vmid, params['destroy-unreferenced-disks'] === true, call.user),
    async run(params, task) {
      const unreferenced = params['destroy-unreferenced-disks'] === true;
      await destroyGuest(services, params.vmid, { unreferenced, skiplock: params.skiplock === true }, task);
      await forgetGuest(store, params.vmid, task.user);
      if (params.purge) task.log('no backup job, replication or HA resource names this VM');
    },
  });
  table.onTask(qemuConfigSetAsync, {
    async check(params, call) {
      readGuest(store, 'qemu', settings.node, params.vmid);
      const change = changeOf(params);
      demandConfigChange(services, call, params.vmid, change);
      demandSkiplock(call, params.skiplock);
      await demandRoomFor(services, change.set);
    },
    plan: ({ vmid, digest, skiplock, ...params }, call) =>
      planUpdate(services, vmid, { change: changeOf(params), digest, skiplock, author: call.user }),
    async run(params, task) {
      const { digest, skiplock } = params;
      const options = { change: changeOf(params), digest, skiplock, author: task.user };
      warnOf(await updateGuest(services, params.vmid, options, task), task);
    },
  });
  table.onTask(qemuResize, {
    async check(params, call) {
      demandSkiplock(call, params.skiplock);
      demandFree(services, params.vmid, params.skiplock);
      const { storage } = await resizeTarget(services, params.vmid, params);
      call.demand(`/storage/${storage}`, ['Datastore.AllocateSpace']);
    },
    run: (params, task) => resizeDisk(services, params.vmid, params, task),
  });
}

/** The VM stands, so a failing start is a warning of the creation; what it left is taken back here. */
async function startCreated(services: Services, vmid: number, task: TaskContext): Promise<void> {
  try {
    await guestLock(services, vmid, task, () => startGuest(services, vmid, {}, task));
  } catch (error) {
    if (task.signal.aborted) throw error;
    task.warn(`VM ${vmid} was created, but did not start: ${messageOf(error)}`);
    await task.takeBack();
  }
}

function powerHandlers(table: HandlerTable, services: Services): void {
  const { store, settings } = services;
  /** What all power actions ask first: the guest is there, not locked, and runs. */
  const demand = (params: { vmid: number; skiplock?: boolean }, call: Call) => {
    demandSkiplock(call, params.skiplock);
    demandFree(services, params.vmid, params.skiplock);
  };
  const demandUp = (params: { vmid: number; skiplock?: boolean }, call: Call) => {
    demand(params, call);
    demandRunning(services, params.vmid);
  };
  table.onTask(qemuStart, {
    check(params, call) {
      demandSkiplock(call, params.skiplock);
      demandNoMigration(call, params);
      demandStartable(services, params.vmid, params.skiplock === true);
    },
    run: (params, task) =>
      guestLock(services, params.vmid, task, () => {
        const timeout = params.timeout ? params.timeout * 1000 : undefined;
        return startGuest(
          services,
          params.vmid,
          { skiplock: params.skiplock, machine: params.machine, timeout },
          task,
        );
      }),
  });
  table.onTask(qemuStop, {
    async check(params, call) {
      demand(params, call);
      if (params['overrule-shutdown']) await endShutdowns(services, params.vmid, call);
    },
    run: (params, task) => stopGuest(services, params.vmid, task),
  });
  table.onTask(qemuShutdown, {
    check: demand,
    run: (params, task) => shutdownGuest(services, params.vmid, params, task),
  });
  table.onTask(qemuReset, {
    check: demandUp,
    run: (params, task) => resetGuest(services, params.vmid, task),
  });
  table.onTask(qemuSuspend, {
    async check(params, call) {
      demandUp(params, call);
      if (!params.todisk) return;
      call.demand(`/vms/${params.vmid}`, ['VM.Config.Disk']);
      const { properties } = readGuest(store, 'qemu', settings.node, params.vmid).file;
      const storage = await stateStorage(services, properties, params.statestorage);
      call.demand(`/storage/${storage}`, ['Datastore.AllocateSpace']);
    },
    run: ({ vmid, todisk, statestorage, skiplock }, task) =>
      todisk
        ? suspendToDisk(services, vmid, { storage: statestorage, skiplock }, task)
        : suspendGuest(services, vmid, task),
  });
  table.onTask(qemuResume, {
    check(params, call) {
      if (suspendedState(services, params.vmid)) demandSkiplock(call, params.skiplock);
      else demandUp(params, call);
    },
    run: ({ vmid, skiplock }, task) =>
      suspendedState(services, vmid)
        ? guestLock(services, vmid, task, () => startGuest(services, vmid, { skiplock }, task))
        : resumeGuest(services, vmid, task),
  });
  table.onTask(qemuReboot, {
    check: demandUp,
    async run(params, task) {
      await shutdownGuest(services, params.vmid, { timeout: params.timeout }, task);
      await guestLock(services, params.vmid, task, () => startGuest(services, params.vmid, {}, task));
    },
  });
}

/** Ends the shutdowns of a guest that wait for it, as far as the caller may; they hold its lock. */
async function endShutdowns(services: Services, vmid: number, call: Call): Promise<void> {
  const { tasks } = services;
  const { rows } = tasks.list({ source: 'active', vmid, typefilter: 'qmshutdown' });
  for (const row of rows.filter((one) => mayStopTask(call, one))) await tasks.stop(row.upid);
}

/** Parameters by which another node starts a guest that moves there. */
const migrationParameters = [
  'force-cpu',
  'stateuri',
  'migratedfrom',
  'migration_network',
  'migration_type',
  'targetstorage',
] as const;

function demandNoMigration(call: Call, params: Partial<Record<string, unknown>>): void {
  const given = migrationParameters.find((name) => params[name] !== undefined);
  if (given === undefined) return;
  if (!call.isRoot) throw new RyokanError('forbidden', `only root may use this option: ${given}`);
  throw new RyokanError('unsupported', `${given}: migration is not possible yet; start without it`);
}
