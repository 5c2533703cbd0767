import type { Privilege } from '@ryokan/api/privileges.ts';
import type { UserConfigView } from '../access/user-config.ts';
import type { Call } from './handler-table.ts';

/** Oneself, and all users or those in groups on which the caller has one of the privileges. */
export function visibleUsers(
  config: UserConfigView,
  call: Call,
  privileges: readonly Privilege[],
): (user: string) => boolean {
  if (call.can('/access/groups', privileges, true)) return () => true;
  const members = new Set<string>();
  for (const [id, group] of config.groups) {
    if (!call.can(`/access/groups/${id}`, privileges, true)) continue;
    for (const user of group.users) members.add(user);
  }
  return (user) => user === call.user || members.has(user);
}
