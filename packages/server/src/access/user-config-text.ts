/** Writes `user.cfg`; user-config.ts has the format. The order of everything is fixed, so that equal content is equal text. */
import type { AclNode, RoleFlags, UserConfigView, View } from './user-config.ts';

export function formatUserConfig(config: UserConfigView): string {
  const sections = [
    [...userLines(config)],
    sorted(config.groups).map(([id, group]) => line('group', id, list(group.users), encode(group.comment))),
    sorted(config.pools).map(([id, pool]) => {
      const vms = [...pool.vms].sort((a, b) => a - b);
      return line('pool', id, encode(pool.comment), vms.join(','), list(pool.storages));
    }),
    sorted(config.roles).map(([id, privs]) => line('role', id, list(privs))),
    sorted(config.acl).flatMap(([path, node]) => aclLines(path, node)),
    config.unknown,
  ];
  return sections.map((lines) => lines.map((one) => `${one}\n`).join('')).join('\n');
}

function* userLines(config: UserConfigView): Iterable<string> {
  for (const [id, user] of sorted(config.users)) {
    const names = [encode(user.firstname), encode(user.lastname), user.email, encode(user.comment)];
    yield line('user', id, flag(user.enable), String(user.expire), ...names, user.keys);
    for (const [token, info] of sorted(user.tokens)) {
      yield line('token', `${id}!${token}`, String(info.expire), flag(info.privsep), encode(info.comment));
    }
  }
}

/** One line for all who have the same roles with the same propagation on a path. */
function aclLines(path: string, node: View<AclNode>): string[] {
  const lines: string[] = [];
  for (const propagate of [false, true]) {
    for (const [prefix, entries] of [
      ['@', node.groups],
      ['', node.users],
      ['', node.tokens],
    ] as const) {
      const byRoles = new Map<string, string[]>();
      for (const [name, flags] of sorted(entries)) {
        const roles = rolesWith(flags, propagate);
        if (roles === '') continue;
        byRoles.set(roles, [...(byRoles.get(roles) ?? []), prefix + name]);
      }
      for (const [roles, names] of sorted(byRoles)) {
        lines.push(line('acl', flag(propagate), path, names.join(','), roles));
      }
    }
  }
  return lines;
}

function rolesWith(flags: View<RoleFlags>, propagate: boolean): string {
  return list([...flags].filter(([, one]) => one === propagate).map(([role]) => role));
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

const line = (...fields: string[]): string => `${fields.join(':')}:`;
const flag = (value: boolean): string => (value ? '1' : '0');
const list = (values: Iterable<string>): string => [...values].sort().join(',');

/** Control characters, non-ASCII, the separator `:` and the escape `%` as percent-encoded UTF-8. */
function encode(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x39\x3b-\x7e]+/gu, (part) =>
    [...Buffer.from(part, 'utf8')]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}
