import { expect, test } from 'vitest';
import { ruleMatches } from './compile-rule.ts';
import { parseDocument } from './document.ts';
import { parseRule } from './rule.ts';

const dc = parseDocument(
  '[ALIASES]\nOffice 192.0.2.0/24\n[IPSET bad]\n198.51.100.0/30\n!198.51.100.1\n2001:db8::/32\n[IPSET empty]\n',
);
const guest = parseDocument('[ALIASES]\noffice 203.0.113.5\n[IPSET own]\ndc/office\n[RULES]\n');

test.each([
  ['IN ACCEPT', ['']],
  ['IN ACCEPT -p tcp -dport 22,80:90', ['meta l4proto 6 th dport { 22, 80-90 }']],
  ['IN ACCEPT -p udp -sport 53', ['meta l4proto 17 th sport 53']],
  ['IN ACCEPT -source office', ['meta protocol ip ip saddr 203.0.113.5']],
  ['IN ACCEPT -source dc/OFFICE', ['meta protocol ip ip saddr 192.0.2.0/24']],
  ['IN ACCEPT -source +guest/own', ['meta protocol ip ip saddr 192.0.2.0/24']],
  [
    'IN DROP -source +bad -p tcp',
    [
      'meta protocol ip ip saddr { 198.51.100.0, 198.51.100.2/31 } meta l4proto 6',
      'meta protocol ip6 ip6 saddr 2001:db8::/32 meta l4proto 6',
    ],
  ],
  ['IN DROP -source +empty', []],
  ['IN DROP -source 192.0.2.1 -dest 2001:db8::1', []],
  ['OUT ACCEPT -source 192.0.2.1,192.0.2.3', ['meta protocol ip ip saddr { 192.0.2.1, 192.0.2.3 }']],
  [
    'IN Ping(ACCEPT)',
    ['meta protocol ip meta l4proto 1 icmp type 8', 'meta protocol ip6 meta l4proto 58 icmpv6 type 128'],
  ],
  ['IN Ping(ACCEPT) -source 192.0.2.1', ['meta protocol ip ip saddr 192.0.2.1 meta l4proto 1 icmp type 8']],
  [
    'IN DROP -p icmp -icmp-type host-unreachable',
    ['meta protocol ip meta l4proto 1 icmp type 3 icmp code 1'],
  ],
  ['IN DROP -p icmp -dport echo-request', ['meta protocol ip meta l4proto 1 icmp type 8']],
  ['IN DHCPfwd(ACCEPT)', ['meta l4proto 17 th sport 67-68 th dport 67-68']],
  ['IN GRE(ACCEPT)', ['meta l4proto 47']],
])('%s', (line, expected) => {
  expect(ruleMatches(parseRule(line), { dc, guest })).toEqual(expected);
});

test.each([
  ['IN ACCEPT -source nobody', "there is no alias 'nobody'"],
  ['IN ACCEPT -source +guest/bad', "there is no IP set '+guest/bad'"],
])('%s: %s', (line, reason) => {
  expect(() => ruleMatches(parseRule(line), { dc, guest })).toThrow(reason);
});
