/**
 * `domains.cfg`: which realms there are, in the section format of Proxmox VE (`<type>: <realm>`, then indented
 * `<key> <value>` lines). The realms pam and pve always exist, also without this document.
 */
import { createHash } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import { checkFormat } from '@ryokan/api/schema/formats.ts';
import { type ConfigStore, update } from '../../cluster/store.ts';

export const domainsCfg = 'domains.cfg';

export interface RealmConfig {
  readonly realm: string;
  /** pam, pve, ldap, ad, openid */
  readonly type: string;
  /** The lines below the head, in their order. */
  readonly options: ReadonlyMap<string, string>;
}

const builtin: readonly RealmConfig[] = [
  { realm: 'pam', type: 'pam', options: new Map([['comment', 'Linux PAM standard authentication']]) },
  { realm: 'pve', type: 'pve', options: new Map([['comment', 'Ryokan authentication server']]) },
];

/** All realms: pam and pve first, then the others by name. */
export function realms(store: ConfigStore): RealmConfig[] {
  return parse(store.get(domainsCfg)?.text ?? '');
}

export function findRealm(store: ConfigStore, realm: string): RealmConfig | undefined {
  return realms(store).find((one) => one.realm === realm);
}

/** Like findRealm, but throws RyokanError 'not-found'. */
export function requireRealm(store: ConfigStore, realm: string): RealmConfig {
  const found = findRealm(store, realm);
  if (!found) throw new RyokanError('not-found', `domain '${realm}' does not exist`);
  return found;
}

/** SHA-1 of the document, by which clients notice a change of somebody else. */
export function realmsDigest(store: ConfigStore): string {
  return digestOf(store.get(domainsCfg)?.text);
}

export interface RealmChange {
  readonly comment?: string | undefined;
  /** Preselected on the login page; at most one realm is. */
  readonly default?: boolean | undefined;
  /** Options to remove. */
  readonly remove?: readonly string[];
  readonly digest?: string | undefined;
}

/** Changes what every type of realm has. Throws RyokanError 'not-found' or, with an old digest, 'conflict'. */
export async function changeRealm(
  store: ConfigStore,
  realm: string,
  change: RealmChange,
  author: string,
): Promise<void> {
  const edit = (text: string | undefined): string => {
    if (change.digest !== undefined && change.digest !== digestOf(text)) {
      throw new RyokanError(
        'conflict',
        'detected modified configuration - file changed by other user? Try again.',
      );
    }
    const all = parse(text ?? '');
    if (!all.some((one) => one.realm === realm)) {
      throw new RyokanError('not-found', `domain '${realm}' does not exist`);
    }
    return format(all.map((one) => changed(one, one.realm === realm, change)));
  };
  await update(store, domainsCfg, edit, { author });
}

function changed(one: RealmConfig, isTarget: boolean, change: RealmChange): RealmConfig {
  const options = new Map(one.options);
  if (!isTarget) {
    if (change.default) options.delete('default');
    return { ...one, options };
  }
  for (const key of change.remove ?? []) options.delete(key);
  if (change.comment !== undefined) options.set('comment', change.comment.replace(/\s*[\r\n]+\s*/g, ' '));
  if (change.default === true) options.set('default', '1');
  if (change.default === false) options.delete('default');
  return { ...one, options };
}

function parse(text: string): RealmConfig[] {
  const found = new Map<string, { realm: string; type: string; options: Map<string, string> }>();
  let current: Map<string, string> | undefined;
  for (const line of text.split('\n')) {
    const head = /^([a-z]+):\s*(\S+)\s*$/.exec(line);
    if (head) {
      const [, type, realm] = head as unknown as [string, string, string];
      current = new Map();
      if (checkFormat('pve-realm', realm) === undefined) found.set(realm, { realm, type, options: current });
      continue;
    }
    const option = /^\s+(\S+)(?:\s+(.*?))?\s*$/.exec(line);
    if (option?.[1]) current?.set(option[1], option[2] ?? '');
  }
  const others = [...found.values()].filter(({ realm }) => !builtin.some((one) => one.realm === realm));
  others.sort((a, b) => (a.realm < b.realm ? -1 : 1));
  return [
    ...builtin.map((one) => ({ ...one, options: found.get(one.realm)?.options ?? one.options })),
    ...others,
  ];
}

function format(all: readonly RealmConfig[]): string {
  return all
    .map(({ realm, type, options }) => {
      const lines = [...options].map(([key, value]) => `\t${key} ${value}\n`);
      return `${type}: ${realm}\n${lines.join('')}`;
    })
    .join('\n');
}

const digestOf = (text: string | undefined): string =>
  createHash('sha1')
    .update(text ?? '')
    .digest('hex');
