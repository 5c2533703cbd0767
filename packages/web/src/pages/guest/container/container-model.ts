/** What the API answers of a container, as its pages show it. Pure. */
import type { ResultOf } from '@ryokan/api/method.ts';
import type { lxcInterfaces } from '@ryokan/api/methods/lxc.ts';

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

/** Addresses of its cards without those of the loopback device, each with its card. */
export function addressesOf(interfaces: ResultOf<typeof lxcInterfaces>): { name: string; address: string }[] {
  return interfaces
    .filter(({ name }) => name !== 'lo')
    .flatMap((card) => card['ip-addresses'].map((one) => ({ name: card.name, address: one['ip-address'] })));
}

/** Features that are switched on: `nesting`, `mount=nfs;cifs`. */
export function featureNames(features: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(features)
    .filter(([, value]) => value === true || (typeof value === 'string' && value !== ''))
    .map(([name, value]) => (value === true ? name : `${name}=${value}`));
}
