/** Handlers that only the daemon has: questions about live state, quick changes, consoles. Tasks: composition.ts. */
import type { DaemonServices } from '../../daemon-services.ts';
import type { HandlerTable } from '../handler-table.ts';
import { agentHandlers } from './agent.ts';
import { clusterHandlers } from './cluster.ts';
import { consoleHandlers } from './consoles.ts';
import { nodeHandlers } from './nodes.ts';
import { qemuHandlers } from './qemu.ts';
import { taskHandlers } from './tasks.ts';

export function daemonHandlers(table: HandlerTable, services: DaemonServices): void {
  clusterHandlers(table, services);
  nodeHandlers(table, services);
  taskHandlers(table, services);
  qemuHandlers(table, services);
  agentHandlers(table, services);
  consoleHandlers(table, services);
}
