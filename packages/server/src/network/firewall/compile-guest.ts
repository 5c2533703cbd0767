/**
 * The chains of one network card of a guest. Pure.
 *
 * `-out` is what the guest sends, `-in` what it gets. In both, in this order: forged senders, DHCP, neighbour discovery,
 * ARP, known connections, the datacenter's blacklist, the guest's rules, its policy.
 */
import { effectiveRanges, type Family, formatRange, linkLocalAddress, parseAddress } from './address.ts';
import {
  type ChainInput,
  type ChainPlace,
  isOn,
  optionsOf,
  policyStatements,
  ruleStatements,
} from './compile-chain.ts';
import { blacklisted, braces, type Names, setRanges } from './compile-rule.ts';
import { type FirewallDocument, sections } from './document.ts';

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

/** What the kernel can do on a bridge; kernel-features.ts finds it out. */
export interface BridgeFeatures {
  /**
   * How packets of known connections are told: by the kernel's connection tracking for bridges (nf_conntrack_bridge),
   * or by marks that br_netfilter's way through the tables of IP lets a second table set.
   */
  readonly tracking: 'bridge' | 'marks';
  /** The kernel can refuse packets on a bridge (nft_reject_bridge), where that is possible: on what a guest sends. */
  readonly reject: boolean;
}

/** Marks of packets, in bits that hardly anybody uses. */
export const knownMark = '0x10000000';
export const invalidMark = '0x20000000';

const known: Readonly<Record<BridgeFeatures['tracking'], readonly string[]>> = {
  bridge: [
    'meta protocol { ip, ip6 } ct state vmap { established : accept, related : accept, invalid : drop }',
  ],
  marks: [`meta mark & ${knownMark} != 0 accept`, `meta mark & ${invalidMark} != 0 drop`],
};

/** Statements of one chain of a card. Throws an Error that names what cannot be. */
export function cardStatements(
  input: ChainInput & BridgeFeatures,
  guest: FirewallGuest,
  card: FirewallCard,
  direction: 'in' | 'out',
): string[] {
  const names = { dc: input.cluster, guest: guest.document };
  const options = optionsOf(guest.document);
  const out = direction === 'out';
  const where = `firewall/${guest.vmid}.fw`;
  const place: ChainPlace = {
    direction,
    name: `${card.ifname}-${direction}`,
    vmid: guest.vmid,
    // The kernel refuses on a bridge only what comes in from a port; elsewhere refusing is dropping.
    refuse: out && input.reject ? 'jump refuse' : 'drop',
    interfaceMatch: (iface) => (iface === card.key ? '' : undefined),
  };
  const layer2 = isOn(optionsOf(input.cluster).ebtables, true);
  return [
    ...(out ? macFilter(options, card, layer2) : []),
    ...dhcp(options, out),
    ...(out && !isOn(options.radv, false) ? ['meta protocol ip6 icmpv6 type nd-router-advert drop'] : []),
    ...(out ? ipFilter(options, card, names, layer2) : []),
    ...neighbours(options, out),
    'meta protocol arp accept',
    ...known[input.tracking],
    ...(out ? [] : blacklisted(input.cluster)),
    ...ruleStatements(input, place, guest.document, names, where),
    ...policyStatements(
      input,
      place,
      options[`policy_${direction}`] ?? (out ? 'ACCEPT' : 'DROP'),
      options[`log_level_${direction}`],
      where,
    ),
  ];
}

/** On unless switched off. Without `ebtables` it holds for packets of IP only. */
function macFilter(options: Record<string, string>, { mac }: FirewallCard, layer2: boolean): string[] {
  if (!isOn(options.macfilter, true)) return [];
  const forged = `ether saddr != ${mac.toLowerCase()} drop`;
  if (!layer2) return [`meta protocol { ip, ip6 } ${forged}`];
  return [forged, `meta protocol arp arp saddr ether != ${mac.toLowerCase()} drop`];
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
function ipFilter(
  options: Record<string, string>,
  card: FirewallCard,
  names: Names,
  layer2: boolean,
): string[] {
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
    ...(layer2 ? [`meta protocol arp arp saddr ip != ${v4} drop`] : []),
    `meta protocol ip6 ip6 saddr != ${senders(6, '::', linkLocalAddress(card.mac))} drop`,
  ];
}
