/** Network configuration in the form of interfaces(5), for config drives: cloud-init and cloudbase-init read it. */
import { type CloudInitCard, type CloudInitSettings, withNetmask, withPrefix } from './settings.ts';

/**
 * As Proxmox VE writes it, see userData. Linux has the name servers at the loopback card, cloudbase-init wants them at
 * each card with a fixed address.
 */
export function networkInterfaces(settings: CloudInitSettings): string {
  const { servers, search } = settings.dns;
  const lines: string[] = [];
  if (!settings.windows) {
    lines.push('auto lo', 'iface lo inet loopback', '');
    if (servers.length > 0) lines.push(`        dns_nameservers ${servers.join(' ')}`);
    if (search.length > 0) lines.push(`        dns_search ${search.join(' ')}`);
  }
  const perCard =
    settings.windows && servers.length > 0 ? [`        dns-nameservers ${servers.join(' ')}`] : [];
  for (const card of settings.cards) lines.push(...cardLines(card, perCard));
  return lines.map((line) => `${line}\n`).join('');
}

function cardLines(card: CloudInitCard, dns: readonly string[]): string[] {
  const name = `eth${card.index}`;
  const { ip, ip6 } = card;
  const lines = [`auto ${name}`];
  if (ip !== undefined) lines.push(...stanza(`iface ${name} inet`, ip, card.gateway, withNetmask, dns));
  if (ip6 !== undefined) {
    const split = (cidr: string) => {
      const { address, prefix } = withPrefix(cidr);
      return { address, netmask: prefix };
    };
    lines.push(...stanza(`iface ${name} inet6`, ip6, card.gateway6, split, dns));
  }
  return lines;
}

function stanza(
  head: string,
  value: string,
  gateway: string | undefined,
  split: (cidr: string) => { address: string; netmask: string },
  dns: readonly string[],
): string[] {
  if (!value.includes('/')) return [`${head} ${value}`];
  const { address, netmask } = split(value);
  return [
    `${head} static`,
    `        address ${address}`,
    `        netmask ${netmask}`,
    ...(gateway === undefined ? [] : [`        gateway ${gateway}`]),
    ...dns,
  ];
}
