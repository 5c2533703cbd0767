/** The node's end of a guest's network card: made at the start and when a card is plugged in, changed while it runs. */
import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { type QemuNet, qemuNetFields } from '@ryokan/api/schema/qemu-net.ts';
import { configureTap, createTap, removeTap, type TapSettings, tapName } from '../../network/tap.ts';
import { canUseVhost } from '../../network/vhost.ts';
import { deviceMtu } from '../../network/vlan-bridge.ts';
import type { GuestServices } from '../guest-services.ts';
import type { ResolvedTap } from './host-input.ts';

/** Whose card it is. */
export interface CardGuest {
  readonly services: GuestServices;
  readonly vmid: number;
  /** Whom QEMU runs as. */
  readonly user: { readonly uid: number; readonly gid: number };
}

/**
 * Makes the tap of a card, `key` is `net0`, `text` its value in the configuration. Undefined for user networking. The
 * card's firewall has to be in place before (card-firewall.ts). Rejects as createTap does. Removed by removeCardTap, and by cleanUpAfter when the guest has ended.
 */
export async function makeTap(
  { services, vmid, user }: CardGuest,
  key: string,
  text: string,
): Promise<ResolvedTap | undefined> {
  const card = parsePropertyString(qemuNetFields, text);
  if (card.bridge === undefined) return undefined;
  const ifname = tapNameOf(vmid, key);
  await createTap(ifname, {
    ...settingsOf(card, card.bridge),
    uid: user.uid,
    dataDir: services.paths.root,
    mtu: card.mtu,
    multiQueue: card.queues !== undefined && card.queues > 1,
  });
  return { ifname, vhost: canUseVhost(user), bridgeMtu: deviceMtu(card.bridge) };
}

/** Carries a new value of a card over to its tap while the guest runs: bridge, tag, trunks, rate. */
export async function changeTap({ vmid }: Pick<CardGuest, 'vmid'>, key: string, text: string): Promise<void> {
  const card = parsePropertyString(qemuNetFields, text);
  if (card.bridge !== undefined) await configureTap(tapNameOf(vmid, key), settingsOf(card, card.bridge));
}

/** Removes the tap of a card that was unplugged; no error when there is none. */
export async function removeCardTap(
  { services, vmid }: Pick<CardGuest, 'services' | 'vmid'>,
  key: string,
): Promise<void> {
  await removeTap(tapNameOf(vmid, key), services.paths.root);
}

export function tapNameOf(vmid: number, key: string): string {
  return tapName(vmid, Number(key.slice('net'.length)));
}

function settingsOf(card: QemuNet, bridge: string): TapSettings {
  return { bridge, tag: card.tag, trunks: card.trunks, rate: card.rate };
}
