/** What the firewall's operations have in common at each level: datacenter, node, guest. */
import { defineFormat, isCidr, isIpv4, isIpv6 } from './formats.ts';
import { Bit, Digest, Enum, Format, Type } from './types.ts';

const Optional = Type.Optional;

const isAddress = (text: string): boolean => isIpv4(text) || isIpv6(text) || isCidr(text);
const namePattern = '[A-Za-z][A-Za-z0-9\\-_]+';
const aliasPattern = new RegExp(`^(dc/|guest/)?${namePattern}$`);

defineFormat('IPorCIDR', (text) =>
  isAddress(text) ? undefined : 'value does not look like a valid IP address or CIDR network',
);
defineFormat('IPorCIDRorAlias', (text) =>
  isAddress(text) || aliasPattern.test(text)
    ? undefined
    : 'value does not look like a valid IP address, CIDR network or alias',
);

export const firewallLogLevels = [
  'emerg',
  'alert',
  'crit',
  'err',
  'warning',
  'notice',
  'info',
  'debug',
  'nolog',
] as const;

export const logLevel = (description: string) => Optional(Enum(firewallLogLevels, { description }));
const comment = Optional(Type.String({ description: 'A note.' }));

/** Name of an alias or an IP set. */
export const firewallName = (description: string) =>
  Type.String({ pattern: namePattern, minLength: 2, maxLength: 64, description });
export const groupName = (description = 'Name of the security group.') =>
  Type.String({ pattern: namePattern, minLength: 2, maxLength: 18, description });

export const rulePosition = Type.Integer({ minimum: 0, description: 'Position of the rule, from 0.' });

const address = (what: string) =>
  Optional(
    Type.String({
      maxLength: 512,
      description: `${what}: addresses, networks and ranges separated by commas, an alias, or +IPSET.`,
    }),
  );
const ports = (what: string) =>
  Optional(Type.String({ description: `${what}: numbers, names and ranges (80:85), separated by commas.` }));
const ruleType = Enum(['in', 'out', 'forward', 'group'], { description: 'Which packets it is about.' });
const action = Type.String({
  pattern: namePattern,
  minLength: 2,
  maxLength: 20,
  description: 'ACCEPT, DROP, REJECT, or the name of a security group.',
});

/** Fields of a rule that may be left out. */
const ruleOptions = {
  enable: Optional(Type.Integer({ minimum: 0, description: '0: the rule is switched off.' })),
  macro: Optional(Type.String({ maxLength: 128, description: 'Name of a well-known service.' })),
  iface: Optional(
    Type.String({ minLength: 2, maxLength: 20, description: 'Network card: net0, or one of the node.' }),
  ),
  source: address('Senders'),
  dest: address('Receivers'),
  proto: Optional(Type.String({ description: 'IP protocol: name or number.' })),
  dport: ports('Ports of the receiver'),
  sport: ports('Ports of the sender'),
  'icmp-type': Optional(
    Type.String({ description: 'Kind of ICMP message; with the protocol icmp or icmpv6.' }),
  ),
  log: logLevel('Log the packets it decides about.'),
  comment,
};

export const newRule = {
  type: ruleType,
  action,
  ...ruleOptions,
  pos: Optional(Type.Integer({ minimum: 0, description: 'Has no effect: a new rule becomes the first.' })),
  digest: Optional(Digest()),
};

export const changedRule = {
  type: Optional(ruleType),
  action: Optional(action),
  ...ruleOptions,
  pos: rulePosition,
  moveto: Optional(
    Type.Integer({
      minimum: 0,
      description: 'Move it in front of this position; all else is left as it is.',
    }),
  ),
  delete: Optional(Format('pve-configid-list', { description: 'Fields to remove.' })),
  digest: Optional(Digest()),
};

const ruleRow = {
  type: Type.String(),
  action: Type.String(),
  enable: Optional(Type.Integer()),
  macro: Optional(Type.String()),
  iface: Optional(Type.String()),
  source: Optional(Type.String()),
  dest: Optional(Type.String()),
  proto: Optional(Type.String()),
  dport: Optional(Type.String()),
  sport: Optional(Type.String()),
  'icmp-type': Optional(Type.String()),
  log: Optional(Type.String()),
  comment: Optional(Type.String()),
  ipversion: Optional(Type.Integer()),
  digest: Optional(Type.String()),
  errors: Optional(
    Type.Record(Type.String(), Type.String(), { description: 'What is wrong with the rule, by field.' }),
  ),
};
export const listedRule = Type.Object({ ...ruleRow, pos: Type.Integer() });
/** Asked for alone, a rule has its position as text: clients with strict types expect that. */
export const singleRule = Type.Object({ ...ruleRow, pos: Type.String() });

export const alias = { cidr: Format('IPorCIDR', { description: 'Address or network.' }), comment };
export const aliasRow = Type.Object({
  name: Type.String(),
  cidr: Type.String(),
  ipversion: Type.Integer(),
  comment: Optional(Type.String()),
  digest: Type.String(),
});

export const setMember = {
  comment,
  nomatch: Optional(Type.Boolean({ description: 'Take these addresses out of the set.' })),
};
export const setAddress = Format('IPorCIDRorAlias', { description: 'Address, network or alias.' });
export const setMemberRow = Type.Object({
  cidr: Type.String(),
  nomatch: Optional(Bit()),
  comment: Optional(Type.String()),
  digest: Type.String(),
  errors: Optional(Type.Record(Type.String(), Type.String())),
});
export const setRow = Type.Object({
  name: Type.String(),
  comment: Optional(Type.String()),
  digest: Type.String(),
});

export const referenceRow = Type.Object({
  type: Enum(['alias', 'ipset']),
  name: Type.String(),
  ref: Type.String({ description: 'As it stands in a rule.' }),
  scope: Type.String({ description: 'dc: the datacenter; guest: this guest.' }),
  comment: Optional(Type.String()),
});

export const policy = (description: string) => Optional(Enum(['ACCEPT', 'REJECT', 'DROP'], { description }));

/** Options of a guest; booleans. */
export const guestSwitches = {
  enable: 'Filter the cards that have firewall=1. Default: off.',
  dhcp: 'Let DHCP pass. Default: on.',
  ipfilter:
    'Drop what is sent with other addresses than the own; IP sets ipfilter-netN add to them. Default: off.',
  macfilter: 'Drop what is sent with another MAC address than the own. Default: on.',
  ndp: 'Let IPv6 neighbour discovery pass. Default: on.',
  radv: 'Let the guest announce itself as an IPv6 router. Default: off.',
} as const;

export const logQuery = {
  start: Optional(Type.Integer({ minimum: 0, description: 'First line, from 0.' })),
  limit: Optional(Type.Integer({ minimum: 0, description: 'Most lines; default 50.' })),
  since: Optional(Type.Integer({ minimum: 0, description: 'Seconds since the epoch.' })),
  until: Optional(Type.Integer({ minimum: 0, description: 'Seconds since the epoch.' })),
};
export const logLines = Type.Array(Type.Object({ n: Type.Integer(), t: Type.String() }));
