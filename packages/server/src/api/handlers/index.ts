/** Handlers that only the daemon has: questions about live state, quick changes, consoles. Tasks: composition.ts. */
import type { DaemonServices } from '../../daemon-services.ts';
import type { HandlerTable } from '../handler-table.ts';
import { openidHandlers } from './access-openid.ts';
import { agentHandlers } from './agent.ts';
import { auditHandlers } from './audit.ts';
import { clusterHandlers } from './cluster.ts';
import { jobHandlers } from './cluster-jobs.ts';
import { mappingHandlers } from './cluster-mapping.ts';
import { clusterQemuHandlers } from './cluster-qemu.ts';
import { consoleHandlers } from './consoles.ts';
import { firewallHandlers } from './firewall.ts';
import { lxcHandlers } from './lxc.ts';
import { capabilityHandlers } from './node-capabilities.ts';
import { hardwareHandlers } from './node-hardware.ts';
import { nodeOptionHandlers } from './node-options.ts';
import { nodeHandlers } from './nodes.ts';
import { poolHandlers } from './pools.ts';
import { qemuHandlers } from './qemu.ts';
import { cloudInitHandlers } from './qemu-cloudinit.ts';
import { repairHandlers } from './qemu-repair.ts';
import { spiceHandlers } from './spice.ts';
import { storageImportHandlers } from './storage-import.ts';
import { taskHandlers } from './tasks.ts';

export function daemonHandlers(table: HandlerTable, services: DaemonServices): void {
  openidHandlers(table, services);
  clusterHandlers(table, services);
  jobHandlers(table, services);
  auditHandlers(table, services);
  nodeHandlers(table, services);
  nodeOptionHandlers(table, services);
  taskHandlers(table, services);
  qemuHandlers(table, services);
  agentHandlers(table, services);
  cloudInitHandlers(table, services);
  repairHandlers(table, services);
  consoleHandlers(table, services);
  spiceHandlers(table, services);
  clusterQemuHandlers(table, services);
  capabilityHandlers(table, services);
  mappingHandlers(table, services);
  hardwareHandlers(table, services);
  storageImportHandlers(table, services);
  firewallHandlers(table, services);
  poolHandlers(table, services);
  lxcHandlers(table, services);
}
