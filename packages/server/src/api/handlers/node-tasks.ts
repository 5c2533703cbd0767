/** Tasks of the node as a whole; the handlers of its questions stand in nodes.ts, which only the daemon loads. */

import { nodeNatBridge, nodeNatBridgeRemove, nodeStartall, nodeStopall } from '@ryokan/api/methods/nodes.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { startInOrder, stopInOrder } from '../../guests/qemu/bulk.ts';
import { createNatBridge, removeNatBridge } from '../../network/nat-bridge.ts';
import type { Services } from '../../services.ts';
import type { HandlerTable } from '../handler-table.ts';

const vmids = (text: string | undefined): Set<number> | undefined =>
  text === undefined ? undefined : new Set(splitList(text).map(Number));

export function nodeTaskHandlers(table: HandlerTable, services: Services): void {
  table.onTask(nodeStartall, {
    check: (params, call) => demandGuests(services, vmids(params.vms), call.can),
    run: (params, task) =>
      startInOrder(services, { only: vmids(params.vms), force: params.force === true }, task),
  });
  table.onTask(nodeStopall, {
    check: (params, call) => demandGuests(services, vmids(params.vms), call.can),
    run: (params, task) => {
      const { timeout = 180, 'force-stop': forceStop = true } = params;
      return stopInOrder(services, { only: vmids(params.vms), timeout, forceStop }, task);
    },
  });
  table.onTask(nodeNatBridge, {
    run: (params, task) =>
      createNatBridge(services, { name: params.iface ?? 'vmbr0', cidr: params.cidr }, task),
  });
  table.onTask(nodeNatBridgeRemove, {
    run: (params, task) => removeNatBridge(services, params.iface ?? 'vmbr0', task),
  });
}
