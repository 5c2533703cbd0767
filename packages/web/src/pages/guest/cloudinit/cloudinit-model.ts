/** Cloud-init values of a guest: which there are, and their texts taken apart and put together. Pure. */
import { parsePropertyString, propertyStringFields } from '@ryokan/api/schema/property-string.ts';
import { qemuConfigFields } from '@ryokan/api/schema/qemu-config.ts';
import type { TObject, TSchema } from '@ryokan/api/schema/types.ts';
import type { PlainKey } from '../../../i18n/index.ts';
import { type ConfigEntry, deviceGroup } from '../config-model.ts';

export type CloudInitKind = 'text' | 'password' | 'keys' | 'flag' | 'addresses' | 'form' | 'files';

export interface CloudInitRow {
  readonly key: string;
  readonly kind: CloudInitKind;
  /** Undefined for `ipconfigN`, which is named by its card. */
  readonly label: PlainKey | undefined;
  readonly help?: PlainKey;
}

const before: readonly CloudInitRow[] = [
  { key: 'ciuser', kind: 'text', label: 'cloudinit.user', help: 'cloudinit.userHelp' },
  { key: 'cipassword', kind: 'password', label: 'cloudinit.password' },
  { key: 'sshkeys', kind: 'keys', label: 'cloudinit.keys' },
];
const after: readonly CloudInitRow[] = [
  { key: 'nameserver', kind: 'text', label: 'cloudinit.nameserver', help: 'cloudinit.dnsHelp' },
  { key: 'searchdomain', kind: 'text', label: 'cloudinit.searchdomain', help: 'cloudinit.dnsHelp' },
  { key: 'ciupgrade', kind: 'flag', label: 'cloudinit.upgrade', help: 'cloudinit.upgradeHelp' },
  { key: 'citype', kind: 'form', label: 'cloudinit.type' },
  { key: 'cicustom', kind: 'files', label: 'cloudinit.files' },
];

/** User, password and keys, then the addresses of each card, then the rest. */
export function cloudInitRows(entries: ReadonlyMap<string, ConfigEntry>): CloudInitRow[] {
  const cards = [...entries.keys()]
    .flatMap((key) => /^(?:net|ipconfig)(\d+)$/.exec(key)?.[1] ?? [])
    .map(Number);
  const numbers = [...new Set(cards)].sort((a, b) => a - b);
  return [
    ...before,
    ...numbers.map((number) => ({
      key: `ipconfig${number}`,
      kind: 'addresses' as const,
      label: undefined,
    })),
    ...after,
  ];
}

/** Key of the CD-ROM with the cloud-init data, when there is one. */
export function cloudInitDrive(entries: ReadonlyMap<string, ConfigEntry>): string | undefined {
  for (const entry of entries.values()) {
    if (deviceGroup(entry.key, entry.value ?? entry.pending ?? '') === 'cloudinit') return entry.key;
  }
  return undefined;
}

export type Mode4 = 'none' | 'dhcp' | 'static';
export type Mode6 = Mode4 | 'auto';

export interface Addresses {
  readonly mode4: Mode4;
  readonly ip: string;
  readonly gw: string;
  readonly mode6: Mode6;
  readonly ip6: string;
  readonly gw6: string;
}

function fieldsOf(key: string): TObject {
  const schema = (qemuConfigFields as Record<string, TSchema>)[key];
  const fields = schema && propertyStringFields(schema);
  if (!fields) throw new Error(`${key} is no property string`);
  return fields as TObject;
}

export function readAddresses(text: string | undefined): Addresses {
  let found: Readonly<Record<string, unknown>> = {};
  try {
    found = parsePropertyString(fieldsOf('ipconfig0'), text ?? '') as typeof found;
  } catch {
    // What cannot be read starts empty; the table shows the text as it is.
  }
  const word = (key: string) => (typeof found[key] === 'string' ? (found[key] as string) : '');
  const mode = (value: string): Mode6 =>
    value === '' || value === 'manual' ? 'none' : value === 'dhcp' || value === 'auto' ? value : 'static';
  const [mode4, mode6] = [mode(word('ip')), mode(word('ip6'))];
  return {
    mode4: mode4 === 'auto' ? 'none' : mode4,
    ip: mode4 === 'static' ? word('ip') : '',
    gw: word('gw'),
    mode6,
    ip6: mode6 === 'static' ? word('ip6') : '',
    gw6: word('gw6'),
  };
}

/** '' when there is nothing to say about the card. */
export function writeAddresses(addresses: Addresses): string {
  const { mode4, mode6 } = addresses;
  const parts: string[] = [];
  if (mode4 !== 'none') parts.push(`ip=${mode4 === 'static' ? addresses.ip.trim() : mode4}`);
  if (mode4 === 'static' && addresses.gw.trim()) parts.push(`gw=${addresses.gw.trim()}`);
  if (mode6 !== 'none') parts.push(`ip6=${mode6 === 'static' ? addresses.ip6.trim() : mode6}`);
  if (mode6 === 'static' && addresses.gw6.trim()) parts.push(`gw6=${addresses.gw6.trim()}`);
  return parts.join(',');
}

/** Static addresses need their length; nothing else is judged here, the schema does that. */
export function addressesReady(addresses: Addresses): boolean {
  const good = (mode: Mode6, ip: string) => mode !== 'static' || /^\S+\/\d+$/.test(ip.trim());
  return good(addresses.mode4, addresses.ip) && good(addresses.mode6, addresses.ip6);
}

/** Keys as the configuration holds them (URL-encoded, a line each). */
export function readKeys(text: string | undefined): string {
  try {
    return decodeURIComponent((text ?? '').replaceAll('+', '%2B')).trim();
  } catch {
    return text ?? '';
  }
}

export function writeKeys(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return encodeURIComponent(lines.filter(Boolean).join('\n'));
}

/** What one recognises a key by: its comment, else its kind and its end. */
export function keyNames(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
    .map((line) => {
      const [kind = '', body = '', ...comment] = line.trim().split(/\s+/);
      return comment.join(' ') || `${kind} …${body.slice(-8)}`;
    });
}

export const fileKinds = ['user', 'network', 'meta', 'vendor'] as const;
export type FileKind = (typeof fileKinds)[number];
export type Files = Readonly<Partial<Record<FileKind, string>>>;

export function readFiles(text: string | undefined): Files {
  try {
    return parsePropertyString(fieldsOf('cicustom'), text ?? '') as Files;
  } catch {
    return {};
  }
}

export function writeFiles(files: Files): string {
  return fileKinds
    .filter((kind) => files[kind])
    .map((kind) => `${kind}=${files[kind]}`)
    .join(',');
}
