/** Where the firewall's documents stand, and the datacenter's as rules see it. */
import type { ConfigStore } from '../../cluster/store.ts';
import { addEntry, entries, type FirewallDocument, formatDocument, parseDocument } from './document.ts';

export const clusterFirewall = 'firewall/cluster.fw';
export const guestFirewall = (vmid: number): string => `firewall/${vmid}.fw`;
export const nodeFirewall = (node: string): string => `nodes/${node}/host.fw`;

export function readDocument(store: ConfigStore, path: string): FirewallDocument {
  return parseDocument(store.get(path)?.text ?? '');
}

/** The name of the networks around a node, unless the datacenter gives it a meaning of its own. */
export const localNetworkAlias = 'local_network';

/** A copy with the alias `local_network`; never to be stored. */
export function withLocalNetwork(
  original: FirewallDocument,
  localNetworks: readonly string[],
): FirewallDocument {
  const document = parseDocument(formatDocument(original));
  const [cidr] = localNetworks;
  const given = entries(document, 'aliases').some(({ name }) => name.toLowerCase() === localNetworkAlias);
  if (cidr !== undefined && !given) addEntry(document, 'aliases', { name: localNetworkAlias, cidr });
  return document;
}
