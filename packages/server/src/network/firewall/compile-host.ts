/**
 * The node's own chains: what comes in for it, what it sends, what it routes. Pure.
 *
 * Nobody is to lock himself out: known connections go on, and the ways of administration (API, SSH, consoles) are open to
 * the networks around the node and to the IP set `management`, unless a rule that stands above says otherwise.
 */
import { type AddressRange, effectiveRanges, type Family, parseAddress } from './address.ts';
import {
  type ChainInput,
  type ChainPlace,
  isEnabled,
  isOn,
  optionsOf,
  policyStatements,
  ruleStatements,
} from './compile-chain.ts';
import { blacklisted, braces, type Direction, setRanges, sourceMatch } from './compile-rule.ts';
import { entries, type FirewallDocument, sections } from './document.ts';
import { smurfs, synFlood, tcpFlags } from './host-protection.ts';

export interface FirewallNode {
  /** Path of its document, for errors. */
  readonly path: string;
  readonly document: FirewallDocument;
  readonly apiPort: number;
  /** Networks that the node is in itself: `192.0.2.0/24`. */
  readonly localNetworks: readonly string[];
  /** Bridges: what passes within one is no routing. */
  readonly bridges: readonly string[];
  /** The bridge on which the node serves DHCP and DNS. */
  readonly natBridge?: string | undefined;
}

/** Do rules of the node itself hold? On with the datacenter's switch unless the node's own is off. */
export function isNodeEnabled(cluster: FirewallDocument, node: FirewallDocument): boolean {
  return isEnabled(cluster) && isOn(optionsOf(node).enable, true);
}

/** Ports of administration: the API, SSH, SPICE, VNC and migration. */
export const managementPorts = (apiPort: number): string[] => [
  ...new Set([String(apiPort), '22', '3128', '5900-5999', '60000-60050']),
];

/** Who may administrate: the alias `local_network`, else the networks around the node; and the IP set `management`. */
export function managementRanges(
  cluster: FirewallDocument,
  node: Pick<FirewallNode, 'localNetworks'>,
  family: Family,
): AddressRange[] {
  const alias = entries(cluster, 'aliases').find((one) => one.name.toLowerCase() === 'local_network');
  const local = (alias ? [alias.cidr] : node.localNetworks).flatMap((text) => {
    const range = parseAddress(text);
    return range ? [{ range, nomatch: false }] : [];
  });
  const listed =
    sections(cluster, 'ipset', 'management').length === 0
      ? []
      : setRanges({ dc: cluster }, 'dc', 'management', family).map((range) => ({ range, nomatch: false }));
  return effectiveRanges([...local, ...listed], family);
}

/** The chains by name, each with its hook and statements. Throws an Error that names what cannot be. */
export function hostChains(input: ChainInput, node: FirewallNode): Record<string, string[]> {
  return {
    'host-in': ['type filter hook input priority 0; policy accept;', ...inbound(input, node)],
    'host-out': ['type filter hook output priority 0; policy accept;', ...outbound(input, node)],
    'host-forward': ['type filter hook forward priority 0; policy accept;', ...routed(input, node)],
  };
}

function inbound(input: ChainInput, node: FirewallNode): string[] {
  const options = optionsOf(node.document);
  const place = placeOf('in');
  return [
    'iifname "lo" accept',
    knownConnections(options),
    ...neighbours(options),
    ...blacklisted(input.cluster),
    ...smurfs(input, place, options),
    ...tcpFlags(input, place, options),
    ...synFlood(options),
    'meta l4proto 2 accept',
    ...natServers(node, 'in'),
    ...rules(input, node, place),
    ...([4, 6] as const).flatMap((family) => {
      const match = sourceMatch(managementRanges(input.cluster, node, family));
      return match === undefined
        ? []
        : [`${match} tcp dport ${braces(managementPorts(node.apiPort))} accept`];
    }),
    ...policy(input, place, options, 'DROP'),
  ];
}

function outbound(input: ChainInput, node: FirewallNode): string[] {
  const options = optionsOf(node.document);
  const place = placeOf('out');
  return [
    'oifname "lo" accept',
    knownConnections(options),
    ...neighbours(options),
    'meta l4proto 2 accept',
    ...natServers(node, 'out'),
    ...rules(input, node, place),
    ...policy(input, place, options, 'ACCEPT'),
  ];
}

function routed(input: ChainInput, node: FirewallNode): string[] {
  const options = optionsOf(node.document);
  const place = placeOf('forward');
  return [
    // With br_netfilter packets within a bridge come along here too; guests' own chains decide about those.
    ...node.bridges.map((bridge) => `iifname "${bridge}" oifname "${bridge}" accept`),
    knownConnections(options),
    ...rules(input, node, place),
    ...policy(input, place, options, 'ACCEPT'),
  ];
}

const placeOf = (direction: Direction): ChainPlace => ({
  direction,
  name: `host-${direction}`,
  vmid: 0,
  refuse: direction === 'forward' ? 'drop' : 'jump refuse',
  interfaceMatch: (iface) => `${direction === 'out' ? 'oifname' : 'iifname'} "${iface}"`,
});

/** The node's own rules first, so that they can make exceptions from the datacenter's. */
const rules = (input: ChainInput, node: FirewallNode, place: ChainPlace): string[] => [
  ...ruleStatements(input, place, node.document, { dc: input.cluster }, node.path),
  ...ruleStatements(input, place, input.cluster, { dc: input.cluster }, 'firewall/cluster.fw'),
];

function policy(
  input: ChainInput,
  place: ChainPlace,
  options: Record<string, string>,
  fallback: string,
): string[] {
  const action = optionsOf(input.cluster)[`policy_${place.direction}`] ?? fallback;
  const log = options[`log_level_${place.direction}`];
  return policyStatements(input, place, action, log, 'firewall/cluster.fw');
}

const knownConnections = (options: Record<string, string>): string =>
  `ct state vmap { established : accept, related : accept${isOn(options.nf_conntrack_allow_invalid, false) ? '' : ', invalid : drop'} }`;

/** On unless switched off. */
const neighbours = (options: Record<string, string>): string[] =>
  isOn(options.ndp, true)
    ? [
        'icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept',
        // Without these reports a switch that listens to them stops delivering neighbour solicitations.
        'icmpv6 type { mld-listener-query, mld-listener-report, mld2-listener-report } accept',
      ]
    : [];

/** Guests on the NAT bridge have their addresses and names from the node. */
function natServers({ natBridge }: FirewallNode, direction: 'in' | 'out'): string[] {
  if (natBridge === undefined) return [];
  return direction === 'in'
    ? [`iifname "${natBridge}" udp dport { 53, 67 } accept`, `iifname "${natBridge}" tcp dport 53 accept`]
    : [`oifname "${natBridge}" udp sport 67 udp dport 68 accept`];
}
