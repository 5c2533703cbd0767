/**
 * How often an address may call without a login: each such call costs the node work (a password's hash, a provider that is
 * asked) and whoever makes it owes nothing. Calls with a login are never counted nor refused, so nobody who is in is put
 * out; and loopback addresses are not limited, as everybody behind a proxy on this node would share one.
 */

/** Calls at once, and a second after that. */
const burst = 300;
const perSecond = 10;
/** Addresses that are remembered; beyond it those are forgotten that were seen first. */
const maxAddresses = 10_000;

interface Bucket {
  left: number;
  /** Milliseconds. */
  time: number;
}

export class AnonymousLimit {
  private readonly buckets = new Map<string, Bucket>();

  constructor(private readonly clock: () => number = Date.now) {}

  /** Counts a call. Seconds until the address may call again; 0 = this one may. */
  take(address: string): number {
    const name = networkOf(address);
    if (name === undefined) return 0;
    const now = this.clock();
    const known = this.buckets.get(name);
    const left = known ? Math.min(burst, known.left + ((now - known.time) / 1000) * perSecond) : burst;
    this.buckets.delete(name);
    if (this.buckets.size >= maxAddresses) this.forgetOldest();
    const isFree = left >= 1;
    this.buckets.set(name, { left: isFree ? left - 1 : left, time: now });
    return isFree ? 0 : Math.ceil((1 - left) / perSecond);
  }

  private forgetOldest(): void {
    const oldest = this.buckets.keys().next();
    if (!oldest.done) this.buckets.delete(oldest.value);
  }
}

/** IPv6 addresses by their /64, of which one client has all. Undefined for this node itself. */
function networkOf(address: string): string | undefined {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (plain === '::1' || plain.startsWith('127.') || !/[.:]/.test(plain)) return undefined;
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const start = head === '' ? [] : head.split(':');
  const end = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - start.length - end.length;
  const groups = [...start, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...end];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':');
}
