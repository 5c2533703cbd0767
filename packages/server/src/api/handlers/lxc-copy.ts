/** Clones of containers, volumes that move: what the daemon checks first and what a worker then does. */
import type { ParamsOf } from '@ryokan/api/method.ts';
import { lxcClone, lxcMoveVolume, lxcTemplate } from '@ryokan/api/methods/lxc-copy.ts';
import { lxcNetKeys } from '@ryokan/api/schema/lxc-config.ts';
import { addToPool } from '../../access/pools.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import type { ClonePlan } from '../../guests/copy/clone.ts';
import { reassignDisk } from '../../guests/copy/reassign.ts';
import { makeTemplate } from '../../guests/copy/template.ts';
import { cloneContainer, planContainerClone } from '../../guests/lxc/copy/clone.ts';
import { moveContainerVolume, planContainerMove } from '../../guests/lxc/copy/move-volume.ts';
import { containerReassign } from '../../guests/lxc/copy/reassign.ts';
import { lxcKind } from '../../guests/lxc/kind.ts';
import type { Services } from '../../services.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { withUndo } from '../inline-change.ts';
import { checkClone, checkMove, limitOf, moveWish, storagesOf } from './guest-copy.ts';
import { demandCardBridge } from './lxc-permissions.ts';

export function lxcCopyHandlers(table: HandlerTable, services: Services): void {
  table.onTask(lxcClone, {
    check: (params, call) =>
      checkClone(services, 'lxc', params, call, async () =>
        demandCloneRights(call, await planContainerClone(services, params)),
      ),
    async run(params, task) {
      const limitFor = limitOf(services, task.user, 'clone', params.bwlimit);
      await cloneContainer(services, params, limitFor, task);
      task.keep();
      if (params.pool !== undefined) await addToPool(services.store, params.pool, params.newid, task.user);
    },
  });
  const wishOf = ({ volume, ...params }: ParamsOf<typeof lxcMoveVolume>) =>
    moveWish({ ...params, disk: volume, targetDisk: params['target-volume'] });
  table.onTask(lxcMoveVolume, {
    check: (params, call) =>
      checkMove(services, containerReassign, wishOf(params), call, (request) =>
        planContainerMove(services, request),
      ),
    async run(params, task) {
      const wish = wishOf(params);
      if (wish.kind === 'reassign') return reassignDisk(services, containerReassign, wish, task);
      const limitFor = limitOf(services, task.user, 'move', params.bwlimit);
      await moveContainerVolume(services, wish, limitFor, task);
    },
  });
}

/** At once and not as a task, as the public API has it: no data moves. */
export function lxcTemplateHandler(table: HandlerTable, services: DaemonServices): void {
  table.on(lxcTemplate, async ({ vmid }, call) => {
    await withUndo(services, call, (context) =>
      makeTemplate(services, lxcKind, vmid, undefined, call.user, context),
    );
    return null;
  });
}

/** Space for each new volume, and the bridges that the clone is connected to. */
function demandCloneRights(call: Call, plan: ClonePlan): void {
  for (const storage of new Set(storagesOf(plan))) {
    call.demand(`/storage/${storage}`, ['Datastore.AllocateSpace']);
  }
  for (const key of lxcNetKeys) {
    const text = plan.properties[key];
    if (text !== undefined) demandCardBridge(call, key, text);
  }
}
