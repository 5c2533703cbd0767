/** IPv4 arithmetic: addresses as unsigned 32-bit numbers, networks as address and prefix. */

export interface Ipv4Network {
  /** The network's first address. */
  readonly base: number;
  readonly prefix: number;
}

/** Undefined when the text is no IPv4 address. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined;
  }
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

export function formatIpv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** Parses `address/prefix` or a single address; undefined for anything else, IPv6 and `default` included. */
export function parseNetwork(text: string): (Ipv4Network & { readonly address: number }) | undefined {
  const [addressText, prefixText, more] = text.split('/');
  const address = parseIpv4(addressText ?? '');
  const prefix = prefixText === undefined ? 32 : Number(prefixText);
  if (address === undefined || more !== undefined || !Number.isInteger(prefix) || prefix < 0 || prefix > 32) {
    return undefined;
  }
  return { address, base: address - (address % size(prefix)), prefix };
}

/** Addresses in a network of this prefix. */
export function size(prefix: number): number {
  return 2 ** (32 - prefix);
}

export function overlap(a: Ipv4Network, b: Ipv4Network): boolean {
  return a.base < b.base + size(b.prefix) && b.base < a.base + size(a.prefix);
}
