/** The node's end of a container's network card: a veth pair, one end in the bridge, the other the container's. */
import { type LxcConfig, type LxcNet, lxcNetFields, lxcNetKeys } from '@ryokan/api/schema/lxc-config.ts';
import { formatPropertyString } from '@ryokan/api/schema/property-string.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import type { FirewallCard } from '../../network/firewall/compile-guest.ts';
import { guardGuest } from '../../network/firewall/guard.ts';
import { demandBridge, type TapSettings } from '../../network/tap.ts';
import { createVeth, vethName } from '../../network/veth.ts';
import { deviceMtu } from '../../network/vlan-bridge.ts';
import type { GuestServices } from '../guest-services.ts';
import { freshMac } from '../mac-address.ts';
import { fieldsOfKey } from './config.ts';
import type { PreparedCard } from './host-input.ts';

export const cardIndex = (key: string): number => Number(key.slice('net'.length));

export const parseCard = (key: string, text: string): LxcNet => fieldsOfKey(lxcNetFields, key, text);

/** A card with a MAC address and its kind: what the caller left out is added. */
export function completeCard(key: string, text: string, store: ConfigStore, before?: string): string {
  const card = parseCard(key, text);
  const known = before === undefined ? undefined : /hwaddr=([0-9A-Fa-f:]+)/.exec(before)?.[1];
  const hwaddr = (card.hwaddr ?? known)?.toUpperCase() ?? freshMac(store);
  return formatPropertyString(lxcNetFields, { ...card, hwaddr, type: card.type ?? 'veth' });
}

/** Protects the cards of a container that starts, before they are made. Rejects when their rules cannot be loaded. */
export async function protectCards(services: GuestServices, vmid: number, config: LxcConfig): Promise<void> {
  const cards = lxcNetKeys.flatMap((key) => firewallCard(vmid, key, config[key]) ?? []);
  await guardGuest(services, vmid, cards);
}

/** The card as the firewall knows it; undefined without `firewall=1` or without a bridge. */
export function firewallCard(vmid: number, key: string, text: string | undefined): FirewallCard | undefined {
  if (text === undefined) return undefined;
  const { bridge, firewall, hwaddr, ip, ip6 } = parseCard(key, text);
  if (!firewall || bridge === undefined || hwaddr === undefined) return undefined;
  const addresses = [ip, ip6].flatMap((one) => (one?.includes('/') ? [one.slice(0, one.indexOf('/'))] : []));
  return {
    key,
    ifname: vethName(vmid, cardIndex(key)),
    mac: hwaddr,
    ...(addresses.length > 0 ? { addresses } : {}),
  };
}

/** Makes the pair of a card; the container's end is still on the node. Undefined for a card without a bridge. */
export async function makeCard(
  services: GuestServices,
  vmid: number,
  key: string,
  text: string,
): Promise<PreparedCard | undefined> {
  const card = parseCard(key, text);
  if (card.bridge === undefined) return undefined;
  const index = cardIndex(key);
  demandBridge(card.bridge);
  const mtu = card.mtu ?? deviceMtu(card.bridge);
  const name = vethName(vmid, index);
  const device = await createVeth(name, {
    ...cardSettings(card, card.bridge),
    dataDir: services.paths.root,
    mtu,
    down: card.link_down === true,
  });
  return { index, device, mtu };
}

export function cardSettings(card: LxcNet, bridge: string): TapSettings {
  return { bridge, tag: card.tag, trunks: card.trunks, rate: card.rate };
}
