/** What the node's own rules rest on: its networks, its bridges, its ports. */
import { readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { isBridge, routes } from '../bridge.ts';
import { natBridge } from '../nat-bridge.ts';
import { formatRange, parseAddress } from './address.ts';
import type { FirewallNode } from './compile-host.ts';
import type { FirewallHost } from './guard.ts';

export type NodeFacts = Pick<FirewallNode, 'apiPort' | 'localNetworks' | 'bridges' | 'natBridge'>;

export async function nodeFacts(host: FirewallHost): Promise<NodeFacts> {
  const nat = natBridge({ paths: { ...host.paths, log: '' } })?.name;
  return {
    apiPort: host.settings.port,
    localNetworks: await localNetworks(nat),
    bridges: readdirSync('/sys/class/net').filter(isBridge),
    natBridge: nat,
  };
}

/**
 * The networks of the interfaces that lead to the rest of the world; without a default route those of all interfaces but
 * the loopback and the NAT bridge.
 */
async function localNetworks(nat: string | undefined): Promise<string[]> {
  const uplinks = (await routes())
    .filter((route) => route.destination === 'default')
    .map((route) => route.device);
  const networks = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) => {
    const counts = uplinks.length > 0 ? uplinks.includes(name) : name !== nat;
    return counts ? addresses.filter((one) => !one.internal && !isLinkLocal(one.address)) : [];
  });
  const known = networks.flatMap(({ cidr }) => {
    const range = cidr === null ? undefined : parseAddress(cidr);
    return range ? [formatRange(range)] : [];
  });
  // IPv4 first: the alias local_network means one network only.
  return [...new Set(known)].sort((a, b) => Number(a.includes(':')) - Number(b.includes(':')));
}

/** Every card has such an address, a guest's tap too; they say nothing of who is behind it. */
const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address);
