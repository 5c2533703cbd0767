/** What the API answers of a container, as its pages show it. Pure. */
import type { ResultOf } from '@ryokan/api/method.ts';
import type { lxcInterfaces } from '@ryokan/api/methods/lxc.ts';
import { reachable } from '../agent/agent-model.ts';

/** Names of distributions by `ostype`; the rest is shown as it is written. */
export const distributions: Readonly<Record<string, string>> = {
  alpine: 'Alpine Linux',
  archlinux: 'Arch Linux',
  centos: 'CentOS, Rocky Linux, AlmaLinux',
  debian: 'Debian',
  devuan: 'Devuan',
  fedora: 'Fedora',
  gentoo: 'Gentoo',
  nixos: 'NixOS',
  opensuse: 'openSUSE',
  ubuntu: 'Ubuntu',
};

/** Addresses that others can reach it by, each with its card. */
export function addressesOf(interfaces: ResultOf<typeof lxcInterfaces>): { name: string; address: string }[] {
  return reachable(
    interfaces.flatMap((card) =>
      card['ip-addresses'].map((one) => ({ name: card.name, address: one['ip-address'] })),
    ),
  );
}

/** Features that are switched on: `nesting`, `mount=nfs;cifs`. */
export function featureNames(features: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(features)
    .filter(([, value]) => value === true || (typeof value === 'string' && value !== ''))
    .map(([name, value]) => (value === true ? name : `${name}=${value}`));
}

export const isAbsolute = (path: string): boolean => /^\/./.test(path);

/** `noatime;nosuid` with an option more, or less when it was there. */
export function toggleOption(text: string, option: string): string {
  const options = text.split(';').filter(Boolean);
  return (options.includes(option) ? options.filter((one) => one !== option) : [...options, option]).join(
    ';',
  );
}

/** How a card gets its addresses of one family. */
export type AddressWay = 'none' | 'dhcp' | 'auto' | 'static';

/** `dhcp`, `auto`, `manual` and nothing are ways; everything else is an address. */
export function addressWay(ip: string | undefined): AddressWay {
  if (ip === undefined || ip === 'manual') return 'none';
  return ip === 'dhcp' || ip === 'auto' ? ip : 'static';
}

/** The first `eth0`, `eth1`, … that no card has. */
export function freeCardName(taken: ReadonlySet<string>): string {
  let index = 0;
  while (taken.has(`eth${index}`)) index++;
  return `eth${index}`;
}
