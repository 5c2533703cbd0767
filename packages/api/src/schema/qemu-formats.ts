/** Formats that only QEMU guest configurations use. Importing this file makes them known. */
import { checkFormat, defineFormat, splitList } from './formats.ts';

const like = (what: string, pattern: RegExp) => (text: string) =>
  pattern.test(text) ? undefined : `value does not look like a valid ${what}`;

const anyOf = (what: string, words: RegExp, format: string) => (text: string) =>
  words.test(text) || checkFormat(format, text) === undefined
    ? undefined
    : `value does not look like a valid ${what}`;

const disk = 'ide[0-3]|sata[0-5]|scsi(?:\\d|[12]\\d|30)|virtio(?:\\d|1[0-5])';
const hotplugFeatures = ['network', 'disk', 'cpu', 'memory', 'usb', 'cloudinit'];

defineFormat('pve-volume-id-or-absolute-path', anyOf('volume identifier or path', /^\/./, 'pve-volume-id'));
defineFormat('pve-ipv4-config', anyOf('ipv4 network configuration', /^(dhcp|manual)$/, 'CIDRv4'));
defineFormat('pve-ipv6-config', anyOf('ipv6 network configuration', /^(auto|dhcp|manual)$/, 'CIDRv6'));
defineFormat(
  'pve-phys-bits',
  like("number of address bits ('host' or 8..64)", /^(host|[89]|[1-5]\d|6[0-4])$/),
);
defineFormat('pve-qm-bootdisk', like('boot disk', new RegExp(`^(?:${disk})$`)));
defineFormat(
  'pve-qm-bootdev',
  like(
    'boot device',
    new RegExp(`^(?:${disk}|net(?:\\d|[12]\\d|3[01])|usb(?:\\d|1[0-3])|hostpci(?:\\d|1[0-5]))$`),
  ),
);
defineFormat('pve-hotplug-features', (text) => {
  if (text === '0' || text === '1') return undefined;
  const unknown = splitList(text).find((feature) => !hotplugFeatures.includes(feature));
  return unknown === undefined ? undefined : `unknown hotplug feature '${unknown}'`;
});
