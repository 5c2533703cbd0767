/** The firewall of the datacenter, of nodes and of guests. */
import { defineMethod } from '../method.ts';
import { groupName, guestSwitches, logLevel, policy } from '../schema/firewall.ts';
import { Bit, Enum, Node, Null, type TProperties, Type, Vmid } from '../schema/types.ts';
import {
  aliasMethods,
  below,
  digest,
  index,
  type Level,
  logMethod,
  optionMethods,
  references,
  ruleMethods,
  setMethods,
  switches,
} from './firewall-parts.ts';

const Optional = Type.Optional;

const guestLevel = <const T extends 'qemu' | 'lxc'>(type: T) =>
  ({
    id: `${type}.firewall`,
    base: `/nodes/{node}/${type}/{vmid}/firewall`,
    params: { node: Node(), vmid: Vmid() },
    read: { perm: '/vms/{vmid}', privs: ['VM.Audit'] },
    write: { perm: '/vms/{vmid}', privs: ['VM.Config.Network'] },
    proxyTo: 'node',
  }) as const satisfies Level<TProperties>;

const guestSwitch = switches(guestSwitches);
const guestTexts = {
  policy_in: policy('What happens to packets to the guest that no rule is about. Default: DROP.'),
  policy_out: policy('What happens to packets of the guest that no rule is about. Default: ACCEPT.'),
  log_level_in: logLevel('Log what policy_in drops.'),
  log_level_out: logLevel('Log what policy_out drops.'),
};

function guestMethods<const T extends 'qemu' | 'lxc'>(type: T) {
  const level = guestLevel(type);
  return {
    index: index(level),
    rules: ruleMethods(below(level, 'rules'), 'a guest'),
    aliases: aliasMethods(level),
    ipset: setMethods(level),
    refs: references(level),
    options: optionMethods(
      level,
      { ...guestSwitch.shown, ...guestTexts },
      { ...guestSwitch.settable, ...guestTexts },
    ),
    log: logMethod(level, { perm: '/vms/{vmid}', privs: ['VM.Console'] }),
    status: defineMethod({
      id: `${type}.firewall.status`,
      verb: 'GET',
      path: `/nodes/{node}/${type}/{vmid}/firewall/status`,
      description: 'Whether rules hold for a guest now, and what keeps them from it.',
      params: Type.Object(level.params),
      returns: Type.Object({
        datacenter: Bit('The switch of the datacenter is on.'),
        guest: Bit('The switch of the guest is on.'),
        cards: Type.Array(Type.String(), {
          description: 'Cards of the running guest that rules hold for: net0.',
        }),
        problems: Type.Array(Type.String(), { description: 'Why the documents do not hold as they are.' }),
        notes: Type.Array(Type.String(), { description: "What this node's kernel cannot do." }),
      }),
      permission: level.read,
      proxyTo: 'node',
      extension: true,
    }),
  };
}

export const guestFirewall = guestMethods('qemu');
export const containerFirewall = guestMethods('lxc');

const clusterLevel = {
  id: 'cluster.firewall',
  base: '/cluster/firewall',
  params: {},
  read: { perm: '/', privs: ['Sys.Audit'] },
  write: { perm: '/', privs: ['Sys.Modify'] },
} as const satisfies Level<TProperties>;

const groupLevel = {
  ...below(clusterLevel, 'groups'),
  id: 'cluster.firewall.group.rules',
  base: '/cluster/firewall/groups/{group}',
  params: { group: groupName() },
} as const satisfies Level<TProperties>;

const clusterTexts = {
  enable: Optional(
    Type.Integer({ minimum: 0, description: 'The firewall of all nodes and guests. Default: 0, off.' }),
  ),
  log_ratelimit: Optional(
    Type.String({ description: 'Most packets that a rule logs: enable=1,rate=1/second,burst=5.' }),
  ),
  policy_in: policy('What happens to packets to nodes that no rule is about. Default: DROP.'),
  policy_out: policy('What happens to packets of nodes that no rule is about. Default: ACCEPT.'),
  policy_forward: Optional(
    Enum(['ACCEPT', 'DROP'], { description: 'What happens to packets that nodes route. Default: ACCEPT.' }),
  ),
};
const clusterSwitch = switches({
  ebtables: 'Filter what is not IP too: forged ARP and MAC addresses. Default: on.',
});

export const clusterFirewall = {
  index: index(clusterLevel),
  options: optionMethods(
    clusterLevel,
    { ...clusterSwitch.shown, ...clusterTexts },
    { ...clusterSwitch.settable, ...clusterTexts },
  ),
  rules: ruleMethods(below(clusterLevel, 'rules'), 'the datacenter, for all nodes'),
  aliases: aliasMethods(clusterLevel),
  ipset: setMethods(clusterLevel),
  refs: references(clusterLevel),
  groups: {
    list: defineMethod({
      id: 'cluster.firewall.groups.list',
      verb: 'GET',
      path: '/cluster/firewall/groups',
      description: 'Security groups: lists of rules that guests and nodes insert.',
      params: Type.Object({}),
      returns: Type.Array(
        Type.Object({ group: Type.String(), comment: Optional(Type.String()), digest: Type.String() }),
      ),
      permission: { user: 'all' },
    }),
    create: defineMethod({
      id: 'cluster.firewall.groups.create',
      verb: 'POST',
      dryRun: 'documents',
      path: '/cluster/firewall/groups',
      description: "Makes a security group; with 'rename' it changes the name or the comment of one.",
      params: Type.Object({
        group: groupName(),
        comment: Optional(Type.String({ description: 'A note.' })),
        rename: Optional(groupName('The group that gets this name; the same name changes the comment only.')),
        digest,
      }),
      returns: Null(),
      permission: clusterLevel.write,
    }),
    remove: defineMethod({
      id: 'cluster.firewall.groups.delete',
      verb: 'DELETE',
      dryRun: 'documents',
      path: '/cluster/firewall/groups/{group}',
      description: 'Removes a security group that is empty.',
      params: Type.Object({ group: groupName() }),
      returns: Null(),
      permission: clusterLevel.write,
    }),
    rules: ruleMethods(groupLevel, 'a security group'),
  },
  macros: defineMethod({
    id: 'cluster.firewall.macros',
    verb: 'GET',
    path: '/cluster/firewall/macros',
    description: 'Names of well-known services that rules can use instead of ports.',
    params: Type.Object({}),
    returns: Type.Array(Type.Object({ macro: Type.String(), descr: Type.String() })),
    permission: { user: 'all' },
  }),
};
