/** Answers of the mock server, by method and path. */
import { accessRoutes } from './mock-access.ts';
import { agentRoutes } from './mock-agent.ts';
import { containerRoutes } from './mock-containers.ts';
import type { MockData } from './mock-data.ts';
import { deviceRoutes } from './mock-devices.ts';
import { guestRoutes } from './mock-guests.ts';
import { nodeRoutes } from './mock-nodes.ts';
import { fail, ok, type Params, type Reply } from './mock-reply.ts';
import { snapshotRoutes } from './mock-snapshots.ts';
import { storageRoutes } from './mock-storage.ts';

const routes = [
  ...accessRoutes,
  ...nodeRoutes,
  ...storageRoutes,
  ...guestRoutes,
  ...containerRoutes,
  ...snapshotRoutes,
  ...deviceRoutes,
  ...agentRoutes,
];

export function answer(data: MockData, verb: string, path: string, params: Params): Reply {
  // Nothing stands in the way of what is made up.
  if (params['dry-run'] === '1') return ok({ 'dry-run': 1, accepted: 1, blocked: [] });
  for (const [pattern, handler] of routes) {
    const match = new RegExp(`^${pattern}$`).exec(`${verb} ${path}`);
    if (match) return handler(data, match, params);
  }
  return fail(501, `Method '${verb} ${path}' not implemented`);
}
