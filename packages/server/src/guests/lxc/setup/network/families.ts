/** What a card's `ip`, `gw`, `ip6` and `gw6` ask for, in the terms of all the formats. */
import { BlockList } from 'node:net';
import type { ContainerNet } from '../setup.ts';

export interface AddressPlan {
  readonly family: 'inet' | 'inet6';
  /** `auto`: addresses that routers announce, of IPv6 only. */
  readonly method: 'static' | 'dhcp' | 'auto' | 'manual';
  /** Of method static. */
  readonly address?: string;
  readonly prefix?: number;
  readonly gateway?: string;
  /** The gateway stands outside the card's own network and needs a route of its own. */
  readonly gatewayOutside?: boolean;
}

/** One plan for IPv4 and one for IPv6; a family that is not spoken of is absent, but never both. */
export function addressPlans({ ip, gw, ip6, gw6 }: ContainerNet): AddressPlan[] {
  const plans = [
    ...(ip === undefined ? [] : [planOf('inet', ip, gw)]),
    ...(ip6 === undefined ? [] : [planOf('inet6', ip6, gw6)]),
  ];
  return plans.length > 0 ? plans : [{ family: 'inet', method: 'manual' }];
}

export const planFor = (net: ContainerNet, family: AddressPlan['family']): AddressPlan =>
  addressPlans(net).find((plan) => plan.family === family) ?? { family, method: 'manual' };

function planOf(family: AddressPlan['family'], text: string, gateway: string | undefined): AddressPlan {
  if (text === 'dhcp' || text === 'auto' || text === 'manual') return { family, method: text };
  const [address = '', bits = ''] = text.split('/');
  const prefix = bits === '' ? (family === 'inet' ? 32 : 128) : Number(bits);
  if (gateway === undefined) return { family, method: 'static', address, prefix };
  const kind = family === 'inet' ? 'ipv4' : 'ipv6';
  const network = new BlockList();
  network.addSubnet(address, prefix, kind);
  // Every card has the link-local network.
  if (kind === 'ipv6') network.addSubnet('fe80::', 10, kind);
  return {
    family,
    method: 'static',
    address,
    prefix,
    gateway,
    gatewayOutside: !network.check(gateway, kind),
  };
}

/** 24 -> 255.255.255.0 */
export function netmask(prefix: number): string {
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.');
}
