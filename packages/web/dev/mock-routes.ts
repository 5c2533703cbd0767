/** Answers of the mock server, by method and path. */
import { accessRoutes } from './mock-access.ts';
import { agentRoutes } from './mock-agent.ts';
import type { MockData } from './mock-data.ts';
import { deviceRoutes } from './mock-devices.ts';
import { guestRoutes } from './mock-guests.ts';
import { nodeRoutes } from './mock-nodes.ts';
import { fail, type Params, type Reply } from './mock-reply.ts';
import { snapshotRoutes } from './mock-snapshots.ts';
import { storageRoutes } from './mock-storage.ts';

const routes = [
  ...accessRoutes,
  ...nodeRoutes,
  ...storageRoutes,
  ...guestRoutes,
  ...snapshotRoutes,
  ...deviceRoutes,
  ...agentRoutes,
];

export function answer(data: MockData, verb: string, path: string, params: Params): Reply {
  for (const [pattern, handler] of routes) {
    const match = new RegExp(`^${pattern}$`).exec(`${verb} ${path}`);
    if (match) return handler(data, match, params);
  }
  return fail(501, `Method '${verb} ${path}' not implemented`);
}
