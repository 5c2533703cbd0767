/**
 * Firewall documents to an nftables ruleset of family bridge. Pure; golden cases stand in test/firewall.
 *
 * Each card with firewall=1 has two chains, by the name of its tap: `-out` for what the guest sends (hook prerouting) and
 * `-in` for what it gets (hook postrouting), so that packets from and to the node itself are seen as well as those
 * between guests. In both, in this order: forged senders, DHCP, neighbour discovery, ARP, known connections, the
 * guest's rules, its policy.
 */
import { effectiveRanges, type Family, formatRange, linkLocalAddress, parseAddress } from './address.ts';
import { braces, type Direction, type Names, ruleMatches, setRanges } from './compile-rule.ts';
import { documentProblems, entries, type FirewallDocument, sections } from './document.ts';
import type { Rule } from './rule.ts';

/** A card that rules hold for. */
export interface FirewallCard {
  /** `net0` */
  readonly key: string;
  readonly ifname: string;
  readonly mac: string;
  /** Addresses that the configuration gives the guest here: its senders with `ipfilter`. */
  readonly addresses?: readonly string[] | undefined;
}

export interface FirewallGuest {
  readonly vmid: number;
  readonly document: FirewallDocument;
  readonly cards: readonly FirewallCard[];
}

export interface FirewallInput {
  /** Name of the tables; a node's own. */
  readonly table: string;
  readonly cluster: FirewallDocument;
  readonly guests: readonly FirewallGuest[];
  /**
   * How packets of known connections are told: by the kernel's connection tracking for bridges (nf_conntrack_bridge),
   * or by marks that br_netfilter's way through the tables of IP lets a second table set.
   */
  readonly tracking: 'bridge' | 'marks';
  /** The kernel can refuse packets on a bridge (nft_reject_bridge), where that is possible: on what a guest sends. */
  readonly reject: boolean;
}

/** Marks of packets, in bits that hardly anybody uses. */
const knownMark = '0x10000000';
const invalidMark = '0x20000000';

/** Values of [OPTIONS] by name; the last one counts. */
export function optionsOf(document: FirewallDocument): Record<string, string> {
  return Object.fromEntries(entries(document, 'options').map(({ key, value }) => [key, value]));
}

const isOn = (value: string | undefined, fallback: boolean): boolean =>
  value === undefined ? fallback : /^(1|on|yes|true)$/i.test(value);

/** The datacenter's switch: without it no rule holds anywhere. */
export function isEnabled(document: FirewallDocument): boolean {
  return isOn(optionsOf(document).enable, false);
}

/** Text that removes the node's tables, whether they are there or not. */
export function removalText(table: string): string {
  return ['bridge', 'inet']
    .map((family) => `table ${family} ${table} {}\ndelete table ${family} ${table}\n`)
    .join('');
}

/**
 * One transaction for `nft -f`: the old tables go, the new ones come, and no packet passes in between. Without anything
 * to enforce it only removes. Throws an Error that names the document's line or rule that cannot be.
 */
export function compileFirewall(input: FirewallInput): string {
  const guests = isEnabled(input.cluster) ? input.guests.filter((guest) => isEnabled(guest.document)) : [];
  const cards = guests.flatMap((guest) => guest.cards.map((card) => ({ guest, card })));
  if (cards.length === 0) return removalText(input.table);
  demandUnderstood('cluster.fw', input.cluster);
  for (const { vmid, document } of guests) demandUnderstood(`${vmid}.fw`, document);
  const verdicts = (direction: Direction) =>
    cards.map(({ card }) => `"${card.ifname}" : jump ${card.ifname}-${direction}`).join(', ');
  return [
    removalText(input.table).trimEnd(),
    ...(input.tracking === 'marks' ? marksTable(input.table) : []),
    `table bridge ${input.table} {`,
    ...(input.reject ? rejectChain : []),
    ...cards.flatMap(({ guest, card }) =>
      (['out', 'in'] as const).flatMap((direction) => cardChain(input, guest, card, direction)),
    ),
    // Behind br_netfilter, which works at priority 0.
    '  chain from-guests {',
    '    type filter hook prerouting priority 10; policy accept;',
    `    iifname vmap { ${verdicts('out')} }`,
    '  }',
    '  chain to-guests {',
    '    type filter hook postrouting priority 10; policy accept;',
    `    oifname vmap { ${verdicts('in')} }`,
    '  }',
    '}',
    '',
  ].join('\n');
}

function demandUnderstood(name: string, document: FirewallDocument): void {
  const [problem] = documentProblems(document).filter(
    ({ text }) => !text.endsWith('this section is not known'),
  );
  if (problem) throw new Error(`firewall/${name} line ${problem.line}: ${problem.text}`);
}

const marksTable = (table: string): string[] => [
  `table inet ${table} {`,
  ...['prerouting', 'output'].flatMap((hook) => [
    `  chain ${hook} {`,
    `    type filter hook ${hook} priority -150; policy accept;`,
    `    ct state established,related meta mark set meta mark | ${knownMark}`,
    `    ct state invalid meta mark set meta mark | ${invalidMark}`,
    '  }',
  ]),
  '}',
];

const rejectChain = [
  '  chain refuse {',
  '    meta l4proto tcp reject with tcp reset',
  '    meta protocol { ip, ip6 } reject with icmpx type port-unreachable',
  '    drop',
  '  }',
];

const known: Readonly<Record<FirewallInput['tracking'], readonly string[]>> = {
  bridge: [
    'meta protocol { ip, ip6 } ct state vmap { established : accept, related : accept, invalid : drop }',
  ],
  marks: [`meta mark & ${knownMark} != 0 accept`, `meta mark & ${invalidMark} != 0 drop`],
};

function cardChain(
  input: FirewallInput,
  guest: FirewallGuest,
  card: FirewallCard,
  direction: Direction,
): string[] {
  const names = { dc: input.cluster, guest: guest.document };
  const options = optionsOf(guest.document);
  const out = direction === 'out';
  const statements = [
    ...(out ? macFilter(options, card) : []),
    ...dhcp(options, out),
    ...(out && !isOn(options.radv, false) ? ['meta protocol ip6 icmpv6 type nd-router-advert drop'] : []),
    ...(out ? ipFilter(options, card, names) : []),
    ...neighbours(options, out),
    'meta protocol arp accept',
    ...known[input.tracking],
    ...ruleStatements(input, guest, card, direction),
    ...policy(input, guest.vmid, card, direction, options),
  ];
  return [`  chain ${card.ifname}-${direction} {`, ...statements.map((line) => `    ${line}`), '  }'];
}

/** On unless switched off. */
function macFilter(options: Record<string, string>, { mac }: FirewallCard): string[] {
  if (!isOn(options.macfilter, true)) return [];
  return [
    `ether saddr != ${mac.toLowerCase()} drop`,
    `meta protocol arp arp saddr ether != ${mac.toLowerCase()} drop`,
  ];
}

/** On unless switched off, as in Proxmox VE (whose reference says otherwise). */
function dhcp(options: Record<string, string>, out: boolean): string[] {
  if (!isOn(options.dhcp, true)) return [];
  const ports = (client: number, server: number) =>
    out ? `udp sport ${client} udp dport ${server}` : `udp sport ${server} udp dport ${client}`;
  return [`meta protocol ip ${ports(68, 67)} accept`, `meta protocol ip6 ${ports(546, 547)} accept`];
}

/** On unless switched off; what a router announces passes to the guest always, from it with `radv`. */
function neighbours(options: Record<string, string>, out: boolean): string[] {
  if (!isOn(options.ndp, true)) return [];
  const types = ['nd-router-solicit', 'nd-neighbor-solicit', 'nd-neighbor-advert'];
  if (!out || isOn(options.radv, false)) types.push('nd-router-advert');
  return [`meta protocol ip6 icmpv6 type { ${types.join(', ')} } accept`];
}

/** Holds with the option, or where the guest has the IP set `ipfilter-netN`. */
function ipFilter(options: Record<string, string>, card: FirewallCard, names: Names): string[] {
  const set = `ipfilter-${card.key}`;
  const hasSet = names.guest !== undefined && sections(names.guest, 'ipset', set).length > 0;
  if (!hasSet && !isOn(options.ipfilter, false)) return [];
  const senders = (family: Family, ...implied: string[]): string => {
    const own = [...(card.addresses ?? []), ...implied].flatMap((text) => {
      const range = parseAddress(text);
      return range ? [{ range, nomatch: false }] : [];
    });
    const listed = hasSet ? setRanges(names, 'guest', set, family) : [];
    const all = [...own, ...listed.map((range) => ({ range, nomatch: false }))];
    return braces(effectiveRanges(all, family).map(formatRange));
  };
  // Without an address yet a guest asks from the unspecified one.
  const v4 = senders(4, '0.0.0.0');
  return [
    `meta protocol ip ip saddr != ${v4} drop`,
    `meta protocol arp arp saddr ip != ${v4} drop`,
    `meta protocol ip6 ip6 saddr != ${senders(6, '::', linkLocalAddress(card.mac))} drop`,
  ];
}

function ruleStatements(
  input: FirewallInput,
  guest: FirewallGuest,
  card: FirewallCard,
  direction: Direction,
): string[] {
  const own: Names = { dc: input.cluster, guest: guest.document };
  const statements = (rule: Rule, names: Names, where: string): string[] => {
    if (!rule.enable || (rule.iface !== undefined && rule.iface !== card.key)) return [];
    if (rule.type === 'group') return groupStatements(rule.action);
    if (rule.type !== direction) return [];
    try {
      return ruleMatches(rule, names).flatMap((match) => [
        ...logStatement(input, guest.vmid, card, direction, rule.log, rule.action, match),
        `${match} ${verdict(input, direction, rule.action)}`.trim(),
      ]);
    } catch (error) {
      throw new Error(`${where}: ${(error as Error).message}`);
    }
  };
  const groupStatements = (name: string): string[] => {
    if (sections(input.cluster, 'group', name).length === 0) {
      throw new Error(`firewall/${guest.vmid}.fw: there is no security group '${name}'`);
    }
    const rules = entries(input.cluster, 'group', name).filter((rule) => rule.type !== 'group');
    // An interface in a group would be the guest's, of which the group knows nothing.
    return rules.flatMap((rule) =>
      statements(rule, { dc: input.cluster }, `firewall/cluster.fw group ${name}`),
    );
  };
  return entries(guest.document, 'rules').flatMap((rule, pos) =>
    statements(rule, own, `firewall/${guest.vmid}.fw rule ${pos}`),
  );
}

/** In: DROP, out: ACCEPT, unless the guest says otherwise. */
function policy(
  input: FirewallInput,
  vmid: number,
  card: FirewallCard,
  direction: Direction,
  options: Record<string, string>,
): string[] {
  const action = options[`policy_${direction}`] ?? (direction === 'in' ? 'DROP' : 'ACCEPT');
  if (!['ACCEPT', 'DROP', 'REJECT'].includes(action)) {
    throw new Error(`firewall/${vmid}.fw: policy_${direction} is '${action}', not ACCEPT, DROP or REJECT`);
  }
  const log = action === 'ACCEPT' ? undefined : options[`log_level_${direction}`];
  return [
    ...logStatement(input, vmid, card, direction, log, `policy ${action}`, ''),
    verdict(input, direction, action),
  ];
}

/** The kernel refuses on a bridge only what comes in from a port; elsewhere refusing is dropping. */
function verdict(input: FirewallInput, direction: Direction, action: string): string {
  if (action === 'ACCEPT') return 'accept';
  return action === 'REJECT' && direction === 'out' && input.reject ? 'jump refuse' : 'drop';
}

const levels: Readonly<Record<string, string>> = { warning: 'warn' };

function logStatement(
  input: FirewallInput,
  vmid: number,
  card: FirewallCard,
  direction: Direction,
  level: string | undefined,
  what: string,
  match: string,
): string[] {
  if (level === undefined || level === 'nolog') return [];
  const prefix = `${input.table}:${vmid}:${card.ifname}-${direction} ${what}: `;
  return [
    `${match} ${rateLimit(input.cluster)}log prefix ${JSON.stringify(prefix)} level ${levels[level] ?? level}`.trim(),
  ];
}

/** The datacenter's `log_ratelimit`: `enable=1,rate=1/second,burst=5` unless it says otherwise. */
function rateLimit(cluster: FirewallDocument): string {
  const text = optionsOf(cluster).log_ratelimit ?? '1';
  const value = (key: string) => new RegExp(`(?:^|,)${key}=([^,]+)`).exec(text)?.[1];
  if (!isOn(value('enable') ?? /^[^,=]+/.exec(text)?.[0], true)) return '';
  const rate = value('rate') ?? '1/second';
  return `limit rate ${/^\d+\/(second|minute|hour|day)$/.test(rate) ? rate : '1/second'} burst ${Number(value('burst') ?? 5) || 5} packets `;
}
