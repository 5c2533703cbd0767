/** What a login answer and GET /access/permissions tell about the rights of a user. */
import type { Privilege } from '@ryokan/api/privileges.ts';
import type { LoginResult } from './access-control.ts';
import { heldOn } from './permissions.ts';
import type { UserConfigView } from './user-config.ts';

type Capabilities = LoginResult['cap'];

/** Which privileges count in which area of the user interface: by the start of their name. */
const areas: Readonly<Record<string, readonly string[]>> = {
  vms: ['VM.', 'Permissions.Modify'],
  access: ['User.', 'Group.', 'Permissions.Modify'],
  storage: ['Datastore.', 'Permissions.Modify'],
  nodes: ['Sys.', 'Permissions.Modify'],
  sdn: ['SDN.', 'Permissions.Modify'],
  dc: ['Sys.Audit', 'Sys.Modify', 'SDN.'],
  mapping: ['Mapping.', 'Permissions.Modify'],
};

/** A right in a pool is a right on guests or storages. */
const inPool: Readonly<Record<string, readonly string[]>> = {
  vms: ['VM.', 'Permissions.Modify'],
  storage: ['Datastore.', 'Permissions.Modify'],
};

const basePaths = [
  '/',
  '/access',
  '/access/groups',
  '/mapping',
  '/nodes',
  '/pool',
  '/sdn',
  '/storage',
  '/vms',
];

/** By area: what the user may do somewhere in it. Tells a UI what to offer; decides nothing. */
export function capabilities(config: UserConfigView, user: string): Capabilities {
  const result = new Map(Object.keys(areas).map((area) => [area, {} as Record<string, 1>]));
  for (const path of new Set([...basePaths, ...config.acl.keys()])) {
    const top = path === '/' ? 'dc' : (path.split('/')[1] ?? '');
    const targets = top === 'pool' ? Object.entries(inPool) : [[top, areas[top] ?? []] as const];
    for (const priv of heldOn(config, user, path).set) {
      for (const [area, starts] of targets) {
        const found = result.get(area);
        if (found && starts.some((start) => priv.startsWith(start))) found[priv] = 1;
      }
    }
  }
  return Object.fromEntries(result);
}

/** Every path that says something on its own, with what the user holds there: privilege to "propagates". */
export function effectivePermissions(
  config: UserConfigView,
  user: string,
): Record<string, ReadonlyMap<Privilege, boolean>> {
  const pooled = [...config.pools.values()].flatMap((pool) => [
    ...[...pool.vms].map((vmid) => `/vms/${vmid}`),
    ...[...pool.storages].map((storage) => `/storage/${storage}`),
  ]);
  const result: Record<string, ReadonlyMap<Privilege, boolean>> = {};
  for (const path of [...new Set([...basePaths, ...config.acl.keys(), ...pooled])].sort()) {
    const { propagate } = heldOn(config, user, path);
    if (propagate.size > 0) result[path] = propagate;
  }
  return result;
}
