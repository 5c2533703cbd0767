/** Names that rules use for protocols, ports and kinds of ICMP messages. */
import { readFileSync } from 'node:fs';

/** Protocol numbers by name (IANA); what /etc/protocols has of those that people filter. */
const protocols: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  ipencap: 4,
  tcp: 6,
  egp: 8,
  igp: 9,
  udp: 17,
  dccp: 33,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  'ipv6-icmp': 58,
  eigrp: 88,
  ospf: 89,
  ospfigp: 89,
  ipip: 94,
  etherip: 97,
  encap: 98,
  pim: 103,
  ipcomp: 108,
  vrrp: 112,
  l2tp: 115,
  sctp: 132,
  fc: 133,
  udplite: 136,
  'mpls-in-ip': 137,
};

const withPorts: ReadonlySet<number> = new Set([6, 17, 33, 132, 136]);

export const icmp4 = 1;
export const icmp6 = 58;

/** Undefined when there is no such protocol. */
export function protocolNumber(text: string): number | undefined {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= 255 ? Number(text) : undefined;
  return protocols[text.toLowerCase()];
}

export function hasPorts(protocol: number): boolean {
  return withPorts.has(protocol);
}

/** Type, or type and code, of ICMP messages by the names that iptables gave them. */
const icmpTypes: Readonly<Record<4 | 6, Readonly<Record<string, string>>>> = {
  4: {
    'echo-reply': '0',
    pong: '0',
    'destination-unreachable': '3',
    'network-unreachable': '3/0',
    'host-unreachable': '3/1',
    'protocol-unreachable': '3/2',
    'port-unreachable': '3/3',
    'fragmentation-needed': '3/4',
    'source-route-failed': '3/5',
    'network-unknown': '3/6',
    'host-unknown': '3/7',
    'network-prohibited': '3/9',
    'host-prohibited': '3/10',
    'TOS-network-unreachable': '3/11',
    'TOS-host-unreachable': '3/12',
    'communication-prohibited': '3/13',
    'host-precedence-violation': '3/14',
    'precedence-cutoff': '3/15',
    'source-quench': '4',
    redirect: '5',
    'network-redirect': '5/0',
    'host-redirect': '5/1',
    'TOS-network-redirect': '5/2',
    'TOS-host-redirect': '5/3',
    'echo-request': '8',
    ping: '8',
    'router-advertisement': '9',
    'router-solicitation': '10',
    'time-exceeded': '11',
    'ttl-exceeded': '11',
    'ttl-zero-during-transit': '11/0',
    'ttl-zero-during-reassembly': '11/1',
    'parameter-problem': '12',
    'ip-header-bad': '12/0',
    'required-option-missing': '12/1',
    'timestamp-request': '13',
    'timestamp-reply': '14',
    'address-mask-request': '17',
    'address-mask-reply': '18',
  },
  6: {
    'destination-unreachable': '1',
    'no-route': '1/0',
    'communication-prohibited': '1/1',
    'beyond-scope': '1/2',
    'address-unreachable': '1/3',
    'port-unreachable': '1/4',
    'failed-policy': '1/5',
    'reject-route': '1/6',
    'packet-too-big': '2',
    'time-exceeded': '3',
    'ttl-exceeded': '3',
    'ttl-zero-during-transit': '3/0',
    'ttl-zero-during-reassembly': '3/1',
    'parameter-problem': '4',
    'bad-header': '4/0',
    'unknown-header-type': '4/1',
    'unknown-option': '4/2',
    'echo-request': '128',
    ping: '128',
    'echo-reply': '129',
    pong: '129',
    'router-solicitation': '133',
    'router-advertisement': '134',
    'neighbor-solicitation': '135',
    'neighbour-solicitation': '135',
    'neighbor-advertisement': '136',
    'neighbour-advertisement': '136',
    redirect: '137',
  },
};

/** `any` matches all; otherwise type and perhaps code. Undefined when the family has no message of that name. */
export function icmpType(family: 4 | 6, text: string): { type?: number; code?: number } | undefined {
  if (text === 'any') return {};
  const known = icmpTypes[family];
  const value = known[text] ?? known[text.toLowerCase()] ?? text;
  const [, type, code] = /^(\d{1,3})(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  if (type === undefined || Number(type) > 255 || Number(code ?? 0) > 255) return undefined;
  return { type: Number(type), ...(code === undefined ? {} : { code: Number(code) }) };
}

let services: Map<string, number> | undefined;

/** Port of a service by its name in /etc/services; undefined when it is not there. */
export function servicePort(name: string): number | undefined {
  services ??= readServices();
  return services.get(name);
}

function readServices(): Map<string, number> {
  const found = new Map<string, number>();
  let text = '';
  try {
    text = readFileSync('/etc/services', 'utf8');
  } catch {
    // Without the package netbase there are no names, and numbers do.
  }
  for (const line of text.split('\n')) {
    const [name, port, ...aliases] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    const number = Number(port?.split('/')[0]);
    if (!name || !Number.isInteger(number)) continue;
    for (const one of [name, ...aliases]) if (!found.has(one)) found.set(one, number);
  }
  return found;
}
