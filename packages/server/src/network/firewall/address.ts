/** Addresses, networks and ranges of both families as numbers, and sets of them with exceptions. */
import { isIpv4, isIpv6 } from '@ryokan/api/schema/formats.ts';

export type Family = 4 | 6;

/** First and last address. */
export interface AddressRange {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

const bits = (family: Family): number => (family === 4 ? 32 : 128);

/** Parses `10.0.0.1`, `10.0.0.0/8`, `10.0.0.1-10.0.0.9` and the same of IPv6; undefined for anything else. */
export function parseAddress(text: string): AddressRange | undefined {
  const [from = '', to, more] = text.split('-');
  if (more !== undefined) return undefined;
  if (to !== undefined) {
    const [first, last] = [parseSingle(from), parseSingle(to)];
    if (!first || !last || first.family !== last.family || first.value > last.value) return undefined;
    return { family: first.family, first: first.value, last: last.value };
  }
  const [address = '', prefix, extra] = text.split('/');
  const single = parseSingle(address);
  if (!single || extra !== undefined || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) return undefined;
  const length = prefix === undefined ? bits(single.family) : Number(prefix);
  if (length > bits(single.family)) return undefined;
  const size = 1n << BigInt(bits(single.family) - length);
  const first = (single.value / size) * size;
  return { family: single.family, first, last: first + size - 1n };
}

function parseSingle(text: string): { family: Family; value: bigint } | undefined {
  if (isIpv4(text)) {
    return { family: 4, value: text.split('.').reduce((sum, octet) => sum * 256n + BigInt(octet), 0n) };
  }
  return isIpv6(text) ? { family: 6, value: parseIpv6(text) } : undefined;
}

function parseIpv6(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after].reduce((sum, group) => sum * 65_536n + BigInt(group), 0n);
}

/** The 16-bit groups of one side of `::`, with a tail in IPv4's notation as two of them. */
function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

function formatSingle(family: Family, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const parts = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  // The longest run of zeros is shortened; RFC 5952.
  let [start, length] = [0, 0];
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (parts[to] === '0') to++;
    if (to - from > length) [start, length] = [from, to - from];
  }
  if (length < 2) return parts.join(':');
  return `${parts.slice(0, start).join(':')}::${parts.slice(start + length).join(':')}`;
}

/** Shortest notation that nft takes: an address, a network, or a range. */
export function formatRange({ family, first, last }: AddressRange): string {
  if (first === last) return formatSingle(family, first);
  const size = last - first + 1n;
  const isNetwork = (size & (size - 1n)) === 0n && first % size === 0n;
  if (!isNetwork) return `${formatSingle(family, first)}-${formatSingle(family, last)}`;
  return `${formatSingle(family, first)}/${bits(family) - (size.toString(2).length - 1)}`;
}

/** An entry of a set: what it covers, and whether that is taken out of the set. */
export interface SetEntry {
  readonly range: AddressRange;
  readonly nomatch: boolean;
}

/**
 * The addresses that a set with exceptions really holds, of one family, as ranges in order without overlap. The most
 * specific entry that covers an address decides, as in the kernel's sets of kind hash:net; of two equal ones `nomatch`.
 */
export function effectiveRanges(entries: readonly SetEntry[], family: Family): AddressRange[] {
  const size = ({ range }: SetEntry) => range.last - range.first;
  const ordered = entries
    .filter(({ range }) => range.family === family)
    .sort((a, b) =>
      size(a) === size(b) ? Number(a.nomatch) - Number(b.nomatch) : size(a) > size(b) ? -1 : 1,
    );
  let ranges: AddressRange[] = [];
  for (const { range, nomatch } of ordered) {
    ranges = ranges.flatMap((one) => without(one, range));
    if (!nomatch) ranges.push(range);
  }
  return joined(ranges);
}

function without(one: AddressRange, taken: AddressRange): AddressRange[] {
  if (taken.last < one.first || taken.first > one.last) return [one];
  const rest: AddressRange[] = [];
  if (one.first < taken.first) rest.push({ ...one, last: taken.first - 1n });
  if (one.last > taken.last) rest.push({ ...one, first: taken.last + 1n });
  return rest;
}

function joined(ranges: readonly AddressRange[]): AddressRange[] {
  const result: AddressRange[] = [];
  for (const range of [...ranges].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    const before = result.at(-1);
    if (before && range.first <= before.last + 1n) {
      if (range.last > before.last) result[result.length - 1] = { ...before, last: range.last };
    } else result.push(range);
  }
  return result;
}

/** The link-local address that a card derives from its MAC address (RFC 4291, appendix A). */
export function linkLocalAddress(mac: string): string {
  const octets = mac.split(':').map((octet) => Number.parseInt(octet, 16));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = octets;
  const id = [(a ^ 2) * 256 + b, c * 256 + 0xff, 0xfe00 + d, e * 256 + f];
  return `fe80::${id.map((group) => group.toString(16)).join(':')}`;
}
