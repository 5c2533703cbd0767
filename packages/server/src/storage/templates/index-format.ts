/**
 * The index of a template catalogue, in the format of Proxmox VE's aplinfo.dat: stanzas of `Key: value` with blank lines
 * between them, as in Debian's control files; lines that begin with a blank go on with the value above.
 */
import { tryParseFileName } from '@ryokan/api/schema/volume-id.ts';
import type { ExpectedChecksum } from '../checksum.ts';

export interface OfferedTemplate {
  /** File name. */
  readonly template: string;
  readonly package: string;
  readonly version: string;
  readonly type: string;
  readonly os: string;
  readonly section: string;
  /** First line of the description. */
  readonly headline: string;
  readonly description: string;
  readonly architecture?: string;
  readonly maintainer?: string;
  readonly infopage?: string;
  /** Relative to `source`, or an address of its own. */
  readonly location: string;
  /** Folder of the index. */
  readonly source: string;
  readonly md5sum?: string;
  readonly sha512sum?: string;
}

/** Templates that a catalogue may offer; more are left out. */
const mostTemplates = 10_000;

/** Reads an index that came from `url`. Stanzas that are no template of containers are left out. */
export function parseIndex(text: string, url: string): OfferedTemplate[] {
  const source = new URL('.', url).href.replace(/\/$/, '');
  return text
    .replaceAll('\r', '')
    .split(/\n{2,}/)
    .slice(0, mostTemplates)
    .flatMap((stanza) => offer(fields(stanza), source));
}

function fields(stanza: string): Map<string, string> {
  const found = new Map<string, string>();
  let last: string | undefined;
  for (const line of stanza.split('\n')) {
    const [, key, value = ''] = /^([\w-]+):\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined) {
      last = key.toLowerCase();
      found.set(last, value.trim());
    } else if (last !== undefined && /^\s/.test(line)) {
      found.set(last, `${found.get(last)}\n${line.trim() === '.' ? '' : line.trim()}`);
    }
  }
  return found;
}

function offer(given: Map<string, string>, source: string): OfferedTemplate[] {
  const value = (key: string): string => given.get(key) ?? '';
  const location = value('location');
  const template = location.split('/').at(-1) ?? '';
  if (value('package') === '' || !tryParseFileName('vztmpl', template)) return [];
  if (!URL.canParse(location, `${source}/`)) return [];
  const [headline = '', ...rest] = value('description').split('\n');
  const optional = Object.fromEntries(
    ['architecture', 'maintainer', 'infopage', 'md5sum', 'sha512sum']
      .filter((key) => value(key) !== '')
      .map((key) => [key, value(key)]),
  );
  return [
    {
      ...{ template, location, source, headline, description: rest.join('\n').trim() || headline },
      ...{ package: value('package'), version: value('version'), type: value('type') || 'lxc' },
      ...{ os: value('os'), section: value('section') || 'system' },
      ...optional,
    },
  ];
}

export const addressOf = ({ location, source }: OfferedTemplate): string =>
  new URL(location, `${source}/`).href;

/** The strongest checksum that the index has for it. */
export function checksumOf({ sha512sum, md5sum }: OfferedTemplate): ExpectedChecksum | undefined {
  if (sha512sum && /^[0-9a-f]{128}$/i.test(sha512sum)) {
    return { algorithm: 'sha512', digest: sha512sum.toLowerCase() };
  }
  if (md5sum && /^[0-9a-f]{32}$/i.test(md5sum)) return { algorithm: 'md5', digest: md5sum.toLowerCase() };
  return undefined;
}
