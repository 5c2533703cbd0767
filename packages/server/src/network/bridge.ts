/** The host's network interfaces and bridges as the kernel has them: iproute2's JSON and /sys/class/net. */
import { existsSync, readdirSync } from 'node:fs';
import { run } from '../host/exec.ts';

export interface Address {
  readonly family: 'inet' | 'inet6';
  readonly address: string;
  readonly prefix: number;
  /** `global` is reachable from elsewhere; `link` and `host` are not. */
  readonly scope: string;
}

export interface NetworkInterface {
  readonly name: string;
  /** `bridge`, `tun`, `veth`, `vlan`, `bond`; undefined for hardware and the loopback. */
  readonly kind?: string;
  readonly loopback: boolean;
  readonly mac?: string;
  readonly mtu: number;
  /** Administratively up; `carrier` says whether a link is there. */
  readonly up: boolean;
  readonly carrier: boolean;
  /** The bridge or bond this interface is part of. */
  readonly master?: string;
  readonly addresses: readonly Address[];
}

export interface Bridge extends NetworkInterface {
  /** Interfaces in the bridge, taps of running guests included. */
  readonly ports: readonly string[];
  readonly vlanAware: boolean;
}

/** As `ip -json -details address show` prints them; only what is read here. */
interface IpLink {
  ifname: string;
  flags: string[];
  mtu: number;
  operstate: string;
  address?: string;
  master?: string;
  linkinfo?: { info_kind?: string; info_data?: { vlan_filtering?: number } };
  addr_info?: Array<{ family: string; local: string; prefixlen: number; scope: string }>;
}

/** All interfaces of this network namespace, in the kernel's order. */
export async function interfaces(): Promise<NetworkInterface[]> {
  return (await readLinks()).map(toInterface);
}

/** All Linux bridges with their ports. */
export async function bridges(): Promise<Bridge[]> {
  const links = await readLinks();
  return links
    .filter((link) => link.linkinfo?.info_kind === 'bridge')
    .map((link) => ({
      ...toInterface(link),
      ports: links.filter((other) => other.master === link.ifname).map((other) => other.ifname),
      vlanAware: link.linkinfo?.info_data?.vlan_filtering === 1,
    }));
}

/** Whether there is a bridge of that name; no process is started. */
export function isBridge(name: string): boolean {
  return existsSync(`/sys/class/net/${name}/bridge`);
}

export function interfaceExists(name: string): boolean {
  return existsSync(`/sys/class/net/${name}`);
}

/** Names of the ports of a bridge; no process is started. */
export function bridgePorts(name: string): string[] {
  return isBridge(name) ? readdirSync(`/sys/class/net/${name}/brif`) : [];
}

export interface Route {
  /** `default`, an address or `address/prefix`. */
  readonly destination: string;
  readonly device?: string;
  readonly gateway?: string;
}

/** IPv4 routes of all tables but the local one. */
export async function routes(): Promise<Route[]> {
  const found = await ipJson<{ dst: string; dev?: string; gateway?: string; type?: string }>([
    '-4',
    'route',
    'show',
    'table',
    'all',
  ]);
  return found
    .filter((route) => route.type === undefined || route.type === 'unicast')
    .map((route) => ({ destination: route.dst, device: route.dev, gateway: route.gateway }));
}

function readLinks(): Promise<IpLink[]> {
  return ipJson<IpLink>(['-details', 'address', 'show']);
}

/** iproute2 prints nothing at all for some empty lists. */
async function ipJson<T>(args: readonly string[]): Promise<T[]> {
  const { stdout } = await run('ip', ['-json', ...args]);
  return stdout.trim() === '' ? [] : (JSON.parse(stdout) as T[]);
}

function toInterface(link: IpLink): NetworkInterface {
  return {
    name: link.ifname,
    kind: link.linkinfo?.info_kind,
    loopback: link.flags.includes('LOOPBACK'),
    mac: link.address,
    mtu: link.mtu,
    up: link.flags.includes('UP'),
    carrier: link.flags.includes('LOWER_UP'),
    master: link.master,
    addresses: (link.addr_info ?? [])
      .filter((one) => one.family === 'inet' || one.family === 'inet6')
      .map((one) => ({
        family: one.family as Address['family'],
        address: one.local,
        prefix: one.prefixlen,
        scope: one.scope,
      })),
  };
}
