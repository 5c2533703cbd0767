/**
 * `domains.cfg`: which realms there are, in the section format of Proxmox VE (`<type>: <realm>`, then indented
 * `<key> <value>` lines). The realms pam and pve always exist, also without this document. Secrets stand apart, one
 * document each: `priv/realm/<realm>.pw` the password of bind_dn, `priv/realm/<realm>.key` the client key.
 */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { checkFormat } from '@ryokan/api/schema/formats.ts';
import { isRealmType, type RealmField, realmShapes } from '@ryokan/api/schema/realm-options.ts';
import {
  changeSections,
  parseSections,
  type Section,
  sectionsDigest,
  sectionValue,
  withValues,
} from '../../cluster/section-document.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import type { Reach } from '../../host/network-reach.ts';

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
const isBuiltin = (realm: string): boolean => builtin.some((one) => one.realm === realm);

/** All realms by their `order`; among equals pam and pve first, then the others by name. */
export function realms(store: ConfigStore): RealmConfig[] {
  return readRealms(parseSections(store.get(domainsCfg)?.text ?? ''));
}

export function findRealm(store: ConfigStore, realm: string): RealmConfig | undefined {
  return realms(store).find((one) => one.realm === realm);
}

/** Like findRealm, but throws RyokanError 'not-found'. */
export function requireRealm(store: ConfigStore, realm: string): RealmConfig {
  const found = findRealm(store, realm);
  if (!found) throw unknownRealm(realm);
  return found;
}

/** SHA-1 of the document, by which clients notice a change of somebody else. */
export const realmsDigest = (store: ConfigStore): string => sectionsDigest(store, domainsCfg);

/** Settings by name as parameters give them; secrets are not among them. */
export type RealmValues = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * A line of our own in a realm whose addresses come from somebody who may not send the node everywhere. Every later
 * connection keeps to it, as the name service may answer otherwise by then.
 */
const reachKey = 'url-reach';

export function realmReach({ options }: RealmConfig): Reach {
  const reach = options.get(reachKey);
  return reach === 'network' || reach === 'public' ? reach : 'any';
}

/** What says where the node connects to. */
const addressKeys: readonly string[] = ['server1', 'server2', 'port', 'mode', 'secure', 'issuer-url'];

/** The realm as it is to be, with the reach of `reach` if its addresses are others than before. */
function withReach(next: Section, before: Section | undefined, reach: Reach): Section {
  const differs = (key: string) => sectionValue(next, key) !== (before && sectionValue(before, key));
  if (!addressKeys.some(differs)) return next;
  return withValues(next, { [reachKey]: reach === 'any' ? undefined : [reach] });
}

/** Throws RyokanError 'exists', ParameterError for settings that the type does not have or lacks. */
export async function createRealm(
  store: ConfigStore,
  realm: string,
  type: string,
  values: RealmValues,
  author: string,
  reach: Reach = 'any',
): Promise<void> {
  if (isBuiltin(realm) || type === 'pam' || type === 'pve') {
    throw new RyokanError(
      'exists',
      `domain '${isBuiltin(realm) ? realm : type}' already exists: there is one realm of type pam and one of type pve`,
    );
  }
  const section = newSection(realm, type, values, reach);
  await changeSections(store, domainsCfg, { author }, (sections) => {
    if (sections.some((one) => one.id === realm)) {
      throw new RyokanError('exists', `domain '${realm}' already exists`);
    }
    return preselect([...sections, section], realm, values);
  });
}

export interface RealmChange {
  readonly values: RealmValues;
  readonly remove: readonly string[];
  /** Where the author may send the node; default everywhere. */
  readonly reach?: Reach;
}

/** Throws RyokanError 'not-found' or, with an old digest, 'conflict'; ParameterError as createRealm. */
export async function changeRealm(
  store: ConfigStore,
  realm: string,
  change: RealmChange & { readonly digest?: string | undefined },
  author: string,
): Promise<void> {
  const edit = (sections: readonly Section[]): readonly Section[] => {
    const all = withBuiltin(sections);
    if (!all.some((one) => one.id === realm)) throw unknownRealm(realm);
    const changed = all.map((one) => (one.id === realm ? changedSection(one, change) : one));
    return preselect(changed, realm, change.values);
  };
  await changeSections(store, domainsCfg, { author, digest: change.digest }, edit);
}

/** Removes a realm with its secrets. Throws RyokanError 'not-found', or 'state' for pam and pve. */
export async function removeRealm(store: ConfigStore, realm: string, author: string): Promise<void> {
  if (isBuiltin(realm)) {
    throw new RyokanError('state', `domain '${realm}' cannot be removed: every node has it`);
  }
  await changeSections(store, domainsCfg, { author }, (sections) => {
    if (!sections.some((one) => one.id === realm)) throw unknownRealm(realm);
    return sections.filter((one) => one.id !== realm);
  });
  const secrets = secretFields.map((field) => ({ path: secretPath(realm, field), text: null }));
  await store.commit([], secrets, { author });
}

export const secretFields = ['password', 'client-key'] as const;
export type SecretField = (typeof secretFields)[number];

const secretPath = (realm: string, field: SecretField): string =>
  `priv/realm/${realm}.${field === 'password' ? 'pw' : 'key'}`;

/** A realm's secret; also one that stands in domains.cfg, as other products write it there. */
export function realmSecret(store: ConfigStore, realm: string, field: SecretField): string | undefined {
  return store.get(secretPath(realm, field))?.text ?? findRealm(store, realm)?.options.get(field);
}

/** Sets a secret, or removes it with undefined. */
export async function setRealmSecret(
  store: ConfigStore,
  realm: string,
  field: SecretField,
  value: string | undefined,
  author: string,
): Promise<void> {
  await store.commit([], [{ path: secretPath(realm, field), text: value ?? null }], { author });
}

/** The settings of a realm that does not exist (yet), for a test of them. */
export function draftRealm(
  realm: string,
  type: string,
  values: RealmValues,
  reach: Reach = 'any',
): RealmConfig {
  return configOf(newSection(realm, type, values, reach));
}

/** A realm as changeRealm would leave it, for a test of its settings. */
export function draftChange({ realm, type, options }: RealmConfig, change: RealmChange): RealmConfig {
  return configOf(changedSection({ type, id: realm, lines: [...options] }, change));
}

function newSection(realm: string, type: string, values: RealmValues, reach: Reach): Section {
  const section = withSettings({ type, id: realm, lines: [] }, values, []);
  checkShape(section);
  return withReach(section, undefined, reach);
}

function changedSection(before: Section, { values, remove, reach = 'any' }: RealmChange): Section {
  refuseUnknown(remove);
  const section = withSettings(before, values, remove);
  checkShape(section);
  return withReach(section, before, reach);
}

function withSettings(section: Section, values: RealmValues, remove: readonly string[]): Section {
  const lines: Record<string, readonly string[] | undefined> = {};
  for (const key of remove) lines[key] = undefined;
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue;
    if (key === 'default' && value === false) lines[key] = undefined;
    else lines[key] = [typeof value === 'boolean' ? (value ? '1' : '0') : String(value)];
  }
  return withValues(section, lines);
}

/** Throws ParameterError: one text for each setting that does not belong to the type, or is missing. */
function checkShape(section: Section): void {
  const type = section.type ?? '';
  if (!isRealmType(type)) return;
  const { fields, required } = realmShapes[type];
  const errors: Record<string, string> = {};
  const names = new Set(section.lines.map(([key]) => key));
  // Keys that nobody here knows come from elsewhere and are kept.
  const foreign = [...names].filter((key) => isKnown(key) && !fields.includes(key as RealmField));
  for (const key of foreign) errors[key] = `a realm of type ${type} does not have this setting`;
  for (const key of required) {
    if (!names.has(key))
      errors[key] = `property is missing and it is not optional: realms of type ${type} need it`;
  }
  if (Object.keys(errors).length > 0) throw new ParameterError(errors);
}

/** Throws ParameterError for names of settings that no realm has. */
function refuseUnknown(remove: readonly string[]): void {
  const unknown = remove.find((key) => !isKnown(key));
  if (unknown) throw new ParameterError({ delete: `'${unknown}' is no setting of a realm` });
}

const isKnown = (key: string): boolean =>
  Object.values(realmShapes).some(({ fields }) => fields.includes(key as RealmField));

/** At most one realm is preselected. */
function preselect(sections: readonly Section[], realm: string, values: RealmValues): readonly Section[] {
  if (values.default !== true) return sections;
  return sections.map((one) => (one.id === realm ? one : withValues(one, { default: undefined })));
}

/** The sections with those of pam and pve, which need not stand in the document. */
function withBuiltin(sections: readonly Section[]): readonly Section[] {
  const missing = builtin.filter(({ realm }) => !sections.some(({ id }) => id === realm));
  return [
    ...missing.map(({ type, realm, options }) => ({ type, id: realm, lines: [...options] })),
    ...sections,
  ];
}

function readRealms(sections: readonly Section[]): RealmConfig[] {
  const byName = new Map<string, RealmConfig>();
  for (const section of sections) {
    if (section.type !== undefined && checkFormat('pve-realm', section.id) === undefined)
      byName.set(section.id, configOf(section));
  }
  const first = builtin.map((one) => ({ ...one, options: byName.get(one.realm)?.options ?? one.options }));
  const others = [...byName.values()].filter(({ realm }) => !isBuiltin(realm));
  others.sort((a, b) => (a.realm < b.realm ? -1 : 1));
  return [...first, ...others].sort((a, b) => orderOf(a) - orderOf(b));
}

const configOf = ({ type = '', id, lines }: Section): RealmConfig => ({
  realm: id,
  type,
  options: new Map(lines),
});

const orderOf = ({ options }: RealmConfig): number => Number(options.get('order') ?? 100);

const unknownRealm = (realm: string): RyokanError =>
  new RyokanError('not-found', `domain '${realm}' does not exist`);
