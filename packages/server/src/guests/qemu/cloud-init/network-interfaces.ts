/** Network configuration in the form of interfaces(5), for config drives: cloud-init and cloudbase-init read it. */
import { type CloudInitCard, type CloudInitSettings, withNetmask, withPrefix } from './settings.ts';

/**
 * As Proxmox VE writes it, see userData. Linux has the name servers at the loopback card, cloudbase-init wants them at
 * each card with a fixed address. With `addresses` cloud-init also learns by its MAC address which card is meant, and
 * gives it the name; else the guest has to call its cards eth0, eth1, … by itself.
 */
export function networkInterfaces(settings: CloudInitSettings, addresses = false): string {
  const { servers, search } = settings.dns;
  const lines: string[] = [];
  if (!settings.windows) {
    lines.push('auto lo', 'iface lo inet loopback', '');
    if (servers.length > 0) lines.push(`        dns_nameservers ${servers.join(' ')}`);
    if (search.length > 0) lines.push(`        dns_search ${search.join(' ')}`);
  }
  const perCard =
    settings.windows && servers.length > 0 ? [`        dns-nameservers ${servers.join(' ')}`] : [];
  for (const card of settings.cards) {
    const mac = addresses && !settings.windows ? [`        hwaddress ether ${card.mac}`] : [];
    lines.push(...cardLines(card, mac, perCard));
  }
  return lines.map((line) => `${line}\n`).join('');
}

function cardLines(card: CloudInitCard, mac: readonly string[], dns: readonly string[]): string[] {
  const name = `eth${card.index}`;
  const { ip, ip6 } = card;
  const lines = [`auto ${name}`];
  if (ip !== undefined) lines.push(...stanza(`iface ${name} inet`, ip, card.gateway, withNetmask, mac, dns));
  if (ip6 !== undefined) {
    const split = (cidr: string) => {
      const { address, prefix } = withPrefix(cidr);
      return { address, netmask: prefix };
    };
    lines.push(...stanza(`iface ${name} inet6`, ip6, card.gateway6, split, mac, dns));
  }
  return lines;
}

function stanza(
  head: string,
  value: string,
  gateway: string | undefined,
  split: (cidr: string) => { address: string; netmask: string },
  mac: readonly string[],
  dns: readonly string[],
): string[] {
  if (!value.includes('/')) return [`${head} ${value}`, ...mac];
  const { address, netmask } = split(value);
  return [
    `${head} static`,
    ...mac,
    `        address ${address}`,
    `        netmask ${netmask}`,
    ...(gateway === undefined ? [] : [`        gateway ${gateway}`]),
    ...dns,
  ];
}
