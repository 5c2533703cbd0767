/** Network interfaces in the shape of the public API. */
import type { NetworkInterface } from '../network/bridge.ts';

export interface NetworkRow {
  readonly iface: string;
  readonly type: string;
  readonly active?: 1;
  readonly exists: 1;
  readonly method: string;
  readonly method6: string;
  readonly address?: string;
  readonly cidr?: string;
  readonly netmask?: string;
  readonly address6?: string;
  readonly cidr6?: string;
  readonly mtu: number;
  readonly hwaddr?: string;
  readonly bridge_ports?: string;
}

/** `bridge`, `bond`, `vlan`, `eth`; undefined for taps and others that belong to guests. */
function typeOf(one: NetworkInterface): string | undefined {
  if (one.loopback || one.kind === 'tun') return undefined;
  if (one.kind === 'bridge' || one.kind === 'bond' || one.kind === 'vlan') return one.kind;
  return one.kind === undefined || one.kind === 'veth' ? 'eth' : undefined;
}

export function networkRows(all: readonly NetworkInterface[], type: string | undefined): NetworkRow[] {
  const wanted =
    type === 'any_bridge' || type === 'any_local_bridge'
      ? 'bridge'
      : type === 'include_sdn'
        ? undefined
        : type;
  const rows: NetworkRow[] = [];
  for (const one of all) {
    const kind = typeOf(one);
    if (kind === undefined || (wanted !== undefined && kind !== wanted)) continue;
    const global = one.addresses.filter((address) => address.scope === 'global');
    const v4 = global.find((address) => address.family === 'inet');
    const v6 = global.find((address) => address.family === 'inet6');
    const ports = all.filter((other) => other.master === one.name).map((other) => other.name);
    rows.push({
      iface: one.name,
      type: kind,
      ...(one.up ? { active: 1 as const } : {}),
      exists: 1,
      method: v4 ? 'static' : 'manual',
      method6: v6 ? 'static' : 'manual',
      ...(v4 ? { address: v4.address, netmask: String(v4.prefix), cidr: `${v4.address}/${v4.prefix}` } : {}),
      ...(v6 ? { address6: v6.address, cidr6: `${v6.address}/${v6.prefix}` } : {}),
      mtu: one.mtu,
      ...(one.mac === undefined ? {} : { hwaddr: one.mac }),
      ...(kind === 'bridge' ? { bridge_ports: ports.join(' ') } : {}),
    });
  }
  return rows;
}
