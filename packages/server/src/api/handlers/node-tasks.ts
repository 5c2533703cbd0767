/** Tasks of the node as a whole; the handlers of its questions stand in nodes.ts, which only the daemon loads. */

import { nodeNatBridge, nodeNatBridgeRemove, nodeStartall, nodeStopall } from '@ryokan/api/methods/nodes.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import { startInOrder, stopInOrder } from '../../guests/bulk.ts';
import {
  createNatBridge,
  demandNatBridge,
  demandPossibleNatBridge,
  removeNatBridge,
} from '../../network/nat-bridge.ts';
import type { Services } from '../../services.ts';
import type { Call, HandlerTable } from '../handler-table.ts';

const vmids = (text: string | undefined): Set<number> | undefined =>
  text === undefined ? undefined : new Set(splitList(text).map(Number));

/** The caller must have the power over each guest named, or with none named over all (privileges on /). */
function demandPower(call: Call, only: Set<number> | undefined): void {
  if (!only) return call.demand('/', ['VM.PowerMgmt']);
  for (const vmid of only) call.demand(`/vms/${vmid}`, ['VM.PowerMgmt']);
}

export function nodeTaskHandlers(table: HandlerTable, services: Services): void {
  table.onTask(nodeStartall, {
    check: (params, call) => demandPower(call, vmids(params.vms)),
    run: (params, task) =>
      startInOrder(services, { only: vmids(params.vms), force: params.force === true }, task),
  });
  table.onTask(nodeStopall, {
    check: (params, call) => demandPower(call, vmids(params.vms)),
    run: (params, task) => {
      const { timeout = 180, 'force-stop': forceStop = true } = params;
      return stopInOrder(services, { only: vmids(params.vms), timeout, forceStop }, task);
    },
  });
  table.onTask(nodeNatBridge, {
    plan({ iface: name = 'vmbr0', cidr }) {
      const request = { name, ...(cidr === undefined ? {} : { cidr }) };
      const text = `makes the bridge ${name} with addresses by DHCP and the way out`;
      if (!demandPossibleNatBridge(services, request)) rehearsed(text);
    },
    async run({ iface = 'vmbr0', cidr }, task) {
      const request = { name: iface, ...(cidr === undefined ? {} : { cidr }) };
      const { bridge } = await createNatBridge(services, request, task);
      task.log(`guests get ${bridge.dhcpStart} to ${bridge.dhcpEnd} by DHCP`);
    },
  });
  table.onTask(nodeNatBridgeRemove, {
    plan({ iface }) {
      const bridge = demandNatBridge(services, iface);
      if (bridge) rehearsed(`removes the bridge ${bridge.name}; guests on it lose their link`);
    },
    run: ({ iface }, task) => removeNatBridge(services, iface, task),
  });
}
