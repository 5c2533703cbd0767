/**
 * Named scalar formats of the public API. A check returns undefined, or the error text without the `invalid format - `
 * in front. `-list` after a name accepts several values, `-opt` an empty one.
 */

type Check = (text: string) => string | undefined;

/** A check by pattern; `what` completes "value does not look like a valid …". */
const like = (what: string, pattern: RegExp): Check => {
  return (text) => (pattern.test(text) ? undefined : `value does not look like a valid ${what}`);
};

const dnsLabel = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)';
const dnsName = new RegExp(`^${dnsLabel}(?:\\.${dnsLabel})*$`);
const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

/** RFC 4291 text form, without zone; `::` once, groups of up to four hex digits, IPv4 tail allowed. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const count = (half: string): number => {
    if (half === '') return 0;
    const groups = half.split(':');
    const last = groups[groups.length - 1] as string;
    const tail = last.includes('.') && ipv4.test(last) ? 2 : /^[0-9a-fA-F]{1,4}$/.test(last) ? 1 : Number.NaN;
    return groups.slice(0, -1).every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))
      ? groups.length - 1 + tail
      : Number.NaN;
  };
  const groups = halves.map(count).reduce((sum, one) => sum + one, 0);
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

export const isIpv4 = (text: string): boolean => ipv4.test(text);

export const isCidr = (text: string, version?: 4 | 6): boolean => {
  const match = /^(.+)\/(\d{1,3})$/.exec(text);
  if (!match) return false;
  const [, address, bits] = match as unknown as [string, string, string];
  if (version !== 6 && isIpv4(address)) return Number(bits) <= 32;
  return version !== 4 && isIpv6(address) && Number(bits) <= 128;
};

const test = (what: string, ok: (text: string) => boolean): Check => {
  return (text) => (ok(text) ? undefined : `value does not look like a valid ${what}`);
};

const vmid: Check = (text) =>
  /^[1-9][0-9]{2,8}$/.test(text) ? undefined : 'value does not look like a valid VM ID';

const formats = new Map<string, Check>([
  ['pve-vmid', vmid],
  ['pve-node', like('node name', new RegExp(`^${dnsLabel}$`))],
  ['pve-storage-id', like('storage identifier', /^[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]$/)],
  ['pve-volume-id', like('volume identifier', /^[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:.+$/)],
  ['pve-volume-id-or-none', like('volume identifier', /^(none|[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:.+)$/)],
  [
    'pve-volume-id-or-qm-path',
    like('volume identifier', /^(none|cdrom|\/.*|[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:.+)$/),
  ],
  ['pve-storage-content', like('content type', /^(images|rootdir|iso|vztmpl|backup|snippets|import|none)$/)],
  [
    'pve-upid',
    like('worker task ID', /^UPID:[^:\s]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:[^:\s]+:[^:\s]*:[^:\s]+:$/),
  ],
  // Without what user.cfg and the notation of groups (`@admins`) and tokens (`root@pam!ci`) need for themselves.
  ['pve-userid', like('user name', /^[^\s:/,;!@][^\s:/,;!]*@[A-Za-z][A-Za-z0-9.\-_]+$/)],
  ['pve-tokenid', like('token ID', /^[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+![A-Za-z][A-Za-z0-9.\-_]+$/)],
  ['pve-tokenid-name', like('token name', /^[A-Za-z][A-Za-z0-9.\-_]+$/)],
  ['pve-groupid', like('group name', /^[A-Za-z0-9.\-_]+$/)],
  ['pve-roleid', like('role name', /^[A-Za-z0-9.\-_]+$/)],
  ['pve-realm', like('realm', /^[A-Za-z][A-Za-z0-9.\-_]+$/)],
  ['pve-poolid', like('pool name', /^[A-Za-z0-9.\-_]+(\/[A-Za-z0-9.\-_]+){0,2}$/)],
  ['pve-priv', like('privilege', /^[A-Za-z.]+$/)],
  ['pve-configid', like('configuration ID', /^[a-zA-Z][a-zA-Z0-9_-]+$/)],
  ['pve-bridge-id', like('bridge name', /^[a-zA-Z][a-zA-Z0-9_.-]{0,14}$/)],
  ['pve-iface', like('network interface name', /^[a-zA-Z][a-zA-Z0-9_]{1,20}([:.]\d+)?$/)],
  ['pve-tag', like('tag', /^[a-zA-Z0-9_][a-zA-Z0-9_\-+.]*$/)],
  [
    'pve-startup-order',
    like(
      'startup order',
      /^(order=)?\d+(,up=\d+|,down=\d+)*$|^(up=\d+|down=\d+)(,(order=\d+|up=\d+|down=\d+))*$/,
    ),
  ],
  ['pve-cpuset', like('CPU set', /^\d+(-\d+)?(,\d+(-\d+)?)*$/)],
  ['mac-addr', like('unicast MAC address', /^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$/)],
  ['dns-name', like('DNS name', dnsName)],
  ['email', like('email address', /^[\w+\-~]+(\.[\w+\-~]+)*@[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*$/)],
  ['ipv4', test('IPv4 address', isIpv4)],
  ['ipv6', test('IPv6 address', isIpv6)],
  ['ip', test('IP address', (text) => isIpv4(text) || isIpv6(text))],
  ['address', test('address', (text) => isIpv4(text) || isIpv6(text) || dnsName.test(text))],
  ['CIDR', test('CIDR network', (text) => isCidr(text))],
  ['CIDRv4', test('CIDR network', (text) => isCidr(text, 4))],
  ['CIDRv6', test('CIDR network', (text) => isCidr(text, 6))],
  [
    'ipv4-config',
    test('ipv4 network configuration', (text) => text === 'dhcp' || text === 'manual' || isCidr(text, 4)),
  ],
  [
    'ipv6-config',
    test('ipv6 network configuration', (text) =>
      ['dhcp', 'manual', 'auto'].includes(text) || isCidr(text, 6)),
  ],
  ['disk-size', like('disk size', /^\d+(\.\d+)?[KMGT]?$/)],
  ['urlencoded', like('URL-encoded string', /^[-%a-zA-Z0-9_.!~*'()]*$/)],
]);

/** Adds a format; each name once. */
export function defineFormat(name: string, check: Check): void {
  if (formats.has(name)) throw new Error(`format '${name}' is defined twice`);
  formats.set(name, check);
}

/** Splits the text of a `-list` value: by comma, semicolon, blanks or NUL. */
export function splitList(text: string): string[] {
  return text.split(/[,;\s\0]+/).filter((part) => part !== '');
}

/** Undefined when `text` has the format, else what is wrong. Unknown formats accept everything. */
export function checkFormat(name: string, text: string): string | undefined {
  const check = formats.get(name);
  if (check) return check(text);
  if (name.endsWith('-opt')) return text === '' ? undefined : checkFormat(name.slice(0, -4), text);
  if (name.endsWith('-list')) {
    for (const part of splitList(text)) {
      const problem = checkFormat(name.slice(0, -5), part);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}
