/** The contextualization script of OpenNebula: variables for a shell. */
import { type CloudInitCard, type CloudInitSettings, withNetmask, withPrefix } from './settings.ts';

/** Variables as Proxmox VE names them. cloud-init and OpenNebula's own packages read those that they know. */
export function contextScript(settings: CloudInitSettings): string {
  const { dns, password, sshKeys } = settings;
  const variables: [string, string][] = [['USERNAME', settings.user ?? 'root']];
  if (password !== undefined) {
    variables.push(['CRYPTED_PASSWORD_BASE64', Buffer.from(password).toString('base64')]);
  }
  if (sshKeys.length > 0) variables.push(['SSH_PUBLIC_KEY', sshKeys.join('\n')]);
  variables.push(['SET_HOSTNAME', settings.hostname]);
  if (dns.servers.length > 0) variables.push(['DNS', dns.servers.join(' ')]);
  if (dns.search.length > 0) variables.push(['SEARCH_DOMAIN', dns.search.join(' ')]);
  for (const card of settings.cards) variables.push(...cardVariables(card));
  if (settings.cards.some(({ ip, ip6 }) => ip !== undefined || ip6 !== undefined)) {
    variables.push(['NETWORK', 'YES']);
  }
  return variables.map(([name, value]) => `${name}=${shellWord(value)}\n`).join('');
}

function cardVariables(card: CloudInitCard): [string, string][] {
  const name = `ETH${card.index}`;
  const values: Record<string, string | undefined> = { ...addresses4(card), ...addresses6(card) };
  if (Object.keys(values).length > 0 && card.mtu !== undefined) values.MTU = String(card.mtu);
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [[`${name}_${key}`, value] as [string, string]],
  );
}

function addresses4({ ip, mac, gateway }: CloudInitCard): Record<string, string | undefined> {
  if (ip === undefined || ip === 'manual') return {};
  if (ip === 'dhcp') return { DHCP: 'YES' };
  const { address, netmask } = withNetmask(ip);
  return { IP: address, MASK: netmask, MAC: mac, GATEWAY: gateway };
}

function addresses6({ ip6, mac, gateway6 }: CloudInitCard): Record<string, string | undefined> {
  if (ip6 === undefined || ip6 === 'manual') return {};
  if (ip6 === 'dhcp') return { DHCP6: 'YES' };
  if (ip6 === 'auto') return { AUTO6: 'YES' };
  const { address, prefix } = withPrefix(ip6);
  return { IP6: address, MASK6: prefix, MAC6: mac, GATEWAY6: gateway6 };
}

/** A word of the shell: as it is, in double quotes, or in single quotes where those would be looked into. */
function shellWord(value: string): string {
  if (/^[\w.:/@=+-]+$/.test(value)) return value;
  return /["$`\\!]/.test(value) ? `'${value.replaceAll("'", "'\\''")}'` : `"${value}"`;
}
