/** The firewall of a guest's network cards: which cards it holds for, and when. */

import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { type QemuConfig, qemuNetKeys } from '@ryokan/api/schema/qemu-config.ts';
import { qemuNetFields } from '@ryokan/api/schema/qemu-net.ts';
import type { FirewallCard } from '../../network/firewall/compile-guest.ts';
import { guardCard, guardGuest } from '../../network/firewall/guard.ts';
import type { GuestServices } from '../guest-services.ts';
import { tapNameOf } from './card-network.ts';

type Properties = Readonly<Record<string, unknown>>;

/** The card as the firewall knows it; undefined without `firewall=1` or without a bridge. */
function firewallCard(vmid: number, key: string, properties: Properties): FirewallCard | undefined {
  const text = properties[key];
  if (typeof text !== 'string') return undefined;
  const { bridge, firewall, macaddr } = parsePropertyString(qemuNetFields, text);
  if (!firewall || bridge === undefined || macaddr === undefined) return undefined;
  const addresses = givenAddresses(properties[`ipconfig${key.slice('net'.length)}`]);
  return {
    key,
    ifname: tapNameOf(vmid, key),
    mac: macaddr,
    ...(addresses.length > 0 ? { addresses } : {}),
  };
}

/** Addresses that cloud-init gives the card: `ip=192.0.2.5/24,gw=…,ip6=2001:db8::5/64`. */
function givenAddresses(ipconfig: unknown): string[] {
  if (typeof ipconfig !== 'string') return [];
  return [...ipconfig.matchAll(/(?:^|,)ip6?=([^,/]+)\//g)].map(([, address = '']) => address);
}

/** Protects the cards of a guest that starts, before their taps are made. Rejects when their rules cannot be loaded. */
export async function protectCards(start: {
  readonly services: GuestServices;
  readonly vmid: number;
  readonly config: QemuConfig;
}): Promise<object> {
  const { services, vmid, config } = start;
  const cards = qemuNetKeys.flatMap((key) => firewallCard(vmid, key, config) ?? []);
  await guardGuest(services, vmid, cards);
  return {};
}

/** Protects one card of a running guest with this value, or leaves it alone; before its tap is made. */
export async function protectCard(
  guest: { readonly services: GuestServices; readonly vmid: number; readonly properties: Properties },
  key: string,
  text: string | undefined,
): Promise<void> {
  const { services, vmid, properties } = guest;
  await guardCard(services, vmid, key, firewallCard(vmid, key, { ...properties, [key]: text }));
}
