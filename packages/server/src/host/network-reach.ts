/**
 * Which addresses the node connects to on behalf of somebody else. Who may let it fetch a URL could otherwise read what
 * only the node itself can reach: services on its loopback interface, the metadata service of a cloud. The address that
 * is really connected to is what counts, so names are judged when they are resolved for the connection.
 */
import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { RyokanError } from '@ryokan/api/errors.ts';

/**
 * - `any`: everything;
 * - `network`: not this node, not the local link (RFC 3927, RFC 4291: cloud metadata services are there), no multicast;
 * - `public`: besides, none of the private networks (RFC 1918, RFC 6598, RFC 4193).
 */
export type Reach = 'any' | 'network' | 'public';

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', length] = range.split('/');
    list.addSubnet(address, Number(length), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

const ownRanges = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/127',
  'fe80::/10',
  'ff00::/8',
];
const privateRanges = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
  'fec0::/10',
];
const refusedBy: Readonly<Record<Exclude<Reach, 'any'>, BlockList>> = {
  network: listOf(ownRanges),
  public: listOf([...ownRanges, ...privateRanges]),
};

/** May a connection go to this IP address? IPv4 addresses written as IPv6 ones (mapped, NAT64) count as what they are. */
export function isReachable(address: string, reach: Reach): boolean {
  if (reach === 'any') return true;
  const [plain = ''] = address.split('%');
  const ipv4 = embeddedIpv4(plain);
  if (ipv4 !== undefined) return isReachable(ipv4, reach);
  const family = isIP(plain);
  return family !== 0 && !refusedBy[reach].check(plain, family === 6 ? 'ipv6' : 'ipv4');
}

/** The IPv4 address inside ::ffff:a.b.c.d and 64:ff9b::a.b.c.d, however it is written. */
function embeddedIpv4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  // The URL parser writes every IPv6 address in its shortest form, with hexadecimal groups only.
  const shortest = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const match = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(shortest);
  if (!match) return undefined;
  const [high, low] = [Number.parseInt(match[1] as string, 16), Number.parseInt(match[2] as string, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/**
 * Options for the one connection to a host (a name, an address, or a URL's [address]): its name is resolved once, by the
 * connection itself, so that no second answer of the name service can lead elsewhere. Throws 'forbidden' for an address
 * out of reach; behind a name the connection fails with it.
 */
export function reachOptions(host: string, reach: Reach): { readonly lookup: LookupFunction } {
  const plain = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(plain) !== 0 && !isReachable(plain, reach)) throw outOfReach(plain);
  return { lookup: reachableLookup(reach) };
}

/** Resolves names for connections; addresses out of reach are as good as not there. */
function reachableLookup(reach: Reach): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '');
      const allowed = addresses.filter((one) => isReachable(one.address, reach));
      const [first] = allowed;
      if (!first) callback(outOfReach(hostname), '');
      else if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

const outOfReach = (host: string): RyokanError =>
  new RyokanError(
    'forbidden',
    `'${host}' is an address that this node fetches nothing from for you: it takes Sys.Modify on the node, or the datacenter option url-reach`,
  );
