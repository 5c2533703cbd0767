/** Network configuration version 1 of cloud-init, for the NoCloud data source. */
import { type CloudInitCard, type CloudInitSettings, withNetmask } from './settings.ts';

/** Texts in single quotes: addresses and domains never hold one. */
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** As Proxmox VE writes it, see userData. */
export function networkV1({ cards, dns }: CloudInitSettings): string {
  const lines = ['version: 1', 'config:', ...cards.flatMap(cardLines)];
  if (dns.servers.length > 0 || dns.search.length > 0) {
    lines.push('    - type: nameserver');
    // Without this key cloud-init drops the whole entry.
    lines.push(dns.servers.length > 0 ? '      address:' : '      address: []');
    lines.push(...dns.servers.map((server) => `      - ${quoted(server)}`));
    if (dns.search.length > 0) lines.push('      search:');
    lines.push(...dns.search.map((domain) => `      - ${quoted(domain)}`));
  }
  return `${lines.join('\n')}\n`;
}

function cardLines(card: CloudInitCard): string[] {
  const subnets = [...subnet4(card), ...subnet6(card)];
  return [
    '    - type: physical',
    `      name: eth${card.index}`,
    `      mac_address: ${quoted(card.mac)}`,
    ...(subnets.length > 0 ? ['      subnets:'] : []),
    ...subnets.map((line) => `      ${line}`),
  ];
}

function subnet4({ ip, gateway }: CloudInitCard): string[] {
  if (ip === undefined) return [];
  if (ip === 'dhcp') return ['- type: dhcp4'];
  if (ip === 'manual') return ['- type: manual'];
  const { address, netmask } = withNetmask(ip);
  return [
    '- type: static',
    `  address: ${quoted(address)}`,
    `  netmask: ${quoted(netmask)}`,
    ...(gateway === undefined ? [] : [`  gateway: ${quoted(gateway)}`]),
  ];
}

function subnet6({ ip6, gateway6 }: CloudInitCard): string[] {
  if (ip6 === undefined) return [];
  if (ip6 === 'dhcp') return ['- type: dhcp6'];
  if (ip6 === 'auto') return ['- type: ipv6_slaac'];
  if (ip6 === 'manual') return ['- type: manual'];
  return [
    '- type: static6',
    `  address: ${quoted(ip6)}`,
    ...(gateway6 === undefined ? [] : [`  gateway: ${quoted(gateway6)}`]),
  ];
}
