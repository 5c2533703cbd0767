/** What the cloud-init data of a guest says, taken from its configuration; how it is written is the business of each format. */
import { splitList } from '@ryokan/api/schema/formats.ts';
import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { type QemuConfig, qemuNetKeys } from '@ryokan/api/schema/qemu-config.ts';
import { ipconfigFields, qemuNetFields } from '@ryokan/api/schema/qemu-net.ts';
import type { NameService } from '../../../host/name-service.ts';
import { cannot } from '../guest-context.ts';

export const cloudInitTypes = ['nocloud', 'configdrive2', 'opennebula'] as const;
export type CloudInitType = (typeof cloudInitTypes)[number];

/** A network card and the addresses that it gets. */
export interface CloudInitCard {
  /** 0 for net0: the guest knows it as eth0. */
  readonly index: number;
  /** Lower case. */
  readonly mac: string;
  readonly mtu?: number;
  /** `192.0.2.5/24`, `dhcp` or `manual`. */
  readonly ip?: string;
  readonly gateway?: string;
  /** `2001:db8::5/64`, `auto`, `dhcp` or `manual`. */
  readonly ip6?: string;
  readonly gateway6?: string;
}

export interface CloudInitSettings {
  readonly type: CloudInitType;
  /** Windows reads the data with cloudbase-init, which wants some of it in other places. */
  readonly windows: boolean;
  readonly hostname: string;
  readonly fqdn: string;
  readonly user?: string;
  /** A crypt(3) hash; for Windows the password itself. */
  readonly password?: string;
  readonly sshKeys: readonly string[];
  readonly upgrade: boolean;
  readonly dns: NameService;
  /** Those with an ipconfigN. */
  readonly cards: readonly CloudInitCard[];
}

/** `node` is the node's own name service: the guest's unless its configuration says otherwise. */
export function cloudInitSettings(vmid: number, config: QemuConfig, node: NameService): CloudInitSettings {
  const windows = /^w/.test(config.ostype ?? '');
  const { ciuser, cipassword } = config;
  return {
    type: config.citype ?? (windows ? 'configdrive2' : 'nocloud'),
    windows,
    ...hostNames(config.name ?? `VM${vmid}`, config.searchdomain),
    ...(ciuser ? { user: ciuser } : {}),
    ...(cipassword ? { password: cipassword } : {}),
    sshKeys: sshKeys(config.sshkeys),
    upgrade: config.ciupgrade ?? true,
    dns: {
      servers: config.nameserver === undefined ? node.servers : splitList(config.nameserver),
      search: config.searchdomain === undefined ? node.search : splitList(config.searchdomain),
    },
    cards: cards(config),
  };
}

function hostNames(name: string, searchdomain: string | undefined): { hostname: string; fqdn: string } {
  if (name.includes('.')) return { hostname: name.slice(0, name.indexOf('.')), fqdn: name };
  const [domain] = splitList(searchdomain ?? '');
  return { hostname: name, fqdn: domain ? `${name}.${domain}` : name };
}

function sshKeys(encoded: string | undefined): string[] {
  if (encoded === undefined) return [];
  let text: string;
  try {
    text = decodeURIComponent(encoded);
  } catch {
    throw cannot('sshkeys', 'the keys are not URL-encoded UTF-8');
  }
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '');
}

/**
 * In the order of their names as text (net10 before net2): as Proxmox VE writes them, so that a guest that comes from
 * there keeps its instance id.
 */
function cards(config: QemuConfig): CloudInitCard[] {
  const found: CloudInitCard[] = [];
  for (const key of [...qemuNetKeys].sort()) {
    const index = Number(key.slice('net'.length));
    const addresses = config[`ipconfig${index}` as 'ipconfig0'];
    if (config[key] === undefined || !addresses) continue;
    const { macaddr, mtu } = parsePropertyString(qemuNetFields, config[key]);
    if (macaddr === undefined) throw cannot(key, 'the network card has no MAC address');
    const { ip, gw, ip6, gw6 } = parsePropertyString(ipconfigFields, addresses);
    found.push({
      index,
      mac: macaddr.toLowerCase(),
      ...(mtu ? { mtu } : {}),
      ...(ip ? { ip } : {}),
      ...(gw ? { gateway: gw } : {}),
      ...(ip6 ? { ip6 } : {}),
      ...(gw6 ? { gateway6: gw6 } : {}),
    });
  }
  return found;
}

/** Address and netmask of `192.0.2.5/24`. */
export function withNetmask(cidr: string): { address: string; netmask: string } {
  const [address = '', bits = ''] = cidr.split('/');
  const mask = bits === '0' ? 0 : (0xffffffff << (32 - Number(bits))) >>> 0;
  return { address, netmask: [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.') };
}

/** Address and prefix length of `2001:db8::5/64`. */
export function withPrefix(cidr: string): { address: string; prefix: string } {
  const [address = '', prefix = ''] = cidr.split('/');
  return { address, prefix };
}
