/** MAC addresses of new network cards. */
import { randomBytes } from 'node:crypto';
import { datacenterOption } from '../cluster/datacenter-options.ts';
import type { ConfigStore } from '../cluster/store.ts';

/** Registered to Proxmox Server Solutions, and the public API's default for the option `mac_prefix`. */
const defaultPrefix = 'BC:24:11';
const octets = 6;

/** An address with the datacenter's prefix that no guest of the cluster has. */
export function freshMac(store: ConfigStore): string {
  const prefix = (datacenterOption(store, 'mac_prefix') ?? defaultPrefix)
    .toUpperCase()
    .split(':')
    .filter((part) => part !== '');
  for (;;) {
    const tail = [...randomBytes(octets - prefix.length)].map((byte) => byte.toString(16).padStart(2, '0'));
    const address = [...prefix, ...tail].join(':').toUpperCase();
    // With 24 random bits, two of 5,000 cards would be alike in every second cluster.
    if (!store.list('nodes/').some((doc) => doc.text.includes(address))) return address;
  }
}
