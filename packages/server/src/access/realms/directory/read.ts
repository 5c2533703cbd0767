/** Reads users and groups of a directory, page by page and to the end, or not at all. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { type Entry, type Filter, FilterParser } from 'ldapts';
import { shownName } from '../../user-name.ts';
import { bindService, type DirectoryConnection, directoryError, withDirectory } from './connection.ts';
import { type DirectorySettings, type SyncedProperty, syncedProperties } from './settings.ts';

export interface DirectoryUser {
  readonly dn: string;
  /** The value of user_attr. */
  readonly name: string;
  /** What sync_attributes name and the directory has. */
  readonly properties: ReadonlyMap<SyncedProperty, string>;
}

export interface DirectoryGroup {
  readonly name: string;
  /** DNs of members, and names of members (memberUid). */
  readonly memberDns: readonly string[];
  readonly memberNames: readonly string[];
}

export interface DirectoryContent {
  /** The server that answered. */
  readonly url: string;
  readonly users: readonly DirectoryUser[];
  readonly groups: readonly DirectoryGroup[];
  /** What was left out and why. */
  readonly warnings: readonly string[];
}

/** Milliseconds. A page of a large directory may take its time. */
const limits = { connect: 10_000, answer: 120_000 } as const;
/** Servers give out at most 1000 entries at a time (Active Directory) or 500 (OpenLDAP) without paging. */
const pageSize = 500;
/** More than this is no directory of people who log in to a virtualization platform, but a wrong base_dn. */
const maxEntries = 200_000;
const memberAttributes = ['member', 'uniqueMember', 'memberUid'] as const;

/** Users always (members are told by DN), groups when asked for. Throws RyokanError 'failed'. */
export function readDirectory(
  settings: DirectorySettings,
  want: { readonly groups: boolean; readonly signal?: AbortSignal },
): Promise<DirectoryContent> {
  return withDirectory(settings, limits, async (connection) => {
    await bindService(connection, settings);
    try {
      return await readAll(connection, settings, want);
    } catch (error) {
      throw directoryError(settings, connection.url, error);
    }
  });
}

/** Can the directory be reached, bound to and searched with these settings? Throws RyokanError 'failed' when not. */
export function checkDirectory(settings: DirectorySettings): Promise<void> {
  return withDirectory(settings, { ...limits, answer: 15_000 }, async (connection) => {
    await bindService(connection, settings);
    try {
      const base = await searchBase(connection, settings);
      await connection.client.search(base, { scope: 'base', attributes: ['1.1'] });
    } catch (error) {
      throw directoryError(settings, connection.url, error);
    }
  });
}

/** base_dn; without one the root that an Active Directory tells. Throws RyokanError 'failed'. */
export async function searchBase(
  { client }: DirectoryConnection,
  { baseDn, realm }: DirectorySettings,
): Promise<string> {
  if (baseDn !== '') return baseDn;
  const attribute = 'defaultNamingContext';
  const { searchEntries } = await client.search('', { scope: 'base', attributes: [attribute] });
  const base = searchEntries[0] && firstOf(searchEntries[0], attribute);
  if (base) return base;
  throw new RyokanError('failed', `realm '${realm}': set base_dn, as the directory does not tell its root`);
}

async function readAll(
  connection: DirectoryConnection,
  settings: DirectorySettings,
  want: { readonly groups: boolean; readonly signal?: AbortSignal },
): Promise<DirectoryContent> {
  const base = await searchBase(connection, settings);
  const warnings: string[] = [];
  const userFilter = filterOf(settings, 'filter', settings.userClasses, settings.filter);
  const userAttributes = [settings.userAttr, ...settings.attributes.values()];
  const users: DirectoryUser[] = [];
  for await (const entry of entries(connection, base, userFilter, userAttributes, want.signal)) {
    const name = firstOf(entry, settings.userAttr);
    if (name === undefined) warnings.push(`'${shownName(entry.dn)}' has no ${settings.userAttr}: left out`);
    else users.push({ dn: entry.dn, name, properties: propertiesOf(entry, settings) });
  }
  const groups = want.groups ? await readGroups(connection, settings, base, want.signal) : [];
  return { url: connection.url, users, groups, warnings };
}

async function readGroups(
  connection: DirectoryConnection,
  settings: DirectorySettings,
  base: string,
  signal: AbortSignal | undefined,
): Promise<DirectoryGroup[]> {
  const { groupNameAttr, groupClasses, groupFilter, groupDn } = settings;
  const filter = filterOf(settings, 'group_filter', groupClasses, groupFilter);
  const attributes = [...(groupNameAttr ? [groupNameAttr] : []), ...memberAttributes];
  const groups: DirectoryGroup[] = [];
  for await (const entry of entries(connection, groupDn ?? base, filter, attributes, signal)) {
    const name = (groupNameAttr && firstOf(entry, groupNameAttr)) || firstValueOfDn(entry.dn);
    const memberDns = [...valuesOf(entry, 'member'), ...valuesOf(entry, 'uniqueMember')];
    groups.push({ name, memberDns, memberNames: valuesOf(entry, 'memberUid') });
  }
  return groups;
}

async function* entries(
  { client, url }: DirectoryConnection,
  base: string,
  filter: Filter,
  attributes: string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Entry> {
  let count = 0;
  const options = { scope: 'sub', filter, attributes, paged: { pageSize } } as const;
  for await (const page of client.searchPaginated(base, options)) {
    signal?.throwIfAborted();
    count += page.searchEntries.length;
    if (count > maxEntries) {
      throw new RyokanError(
        'failed',
        `${url} has more than ${maxEntries} entries below '${base}': narrow base_dn or the filter down`,
      );
    }
    yield* page.searchEntries;
  }
}

/** One of the classes, and the filter of the realm. Throws RyokanError 'failed' for a filter that is none. */
function filterOf(
  { realm }: DirectorySettings,
  setting: string,
  classes: readonly string[],
  own: string | undefined,
): Filter {
  const anyClass = `(|${classes.map((one) => `(objectClass=${one})`).join('')})`;
  const text = own?.trim() ?? '';
  const bracketed = text === '' || text.startsWith('(') ? text : `(${text})`;
  try {
    return FilterParser.parseString(bracketed === '' ? anyClass : `(&${anyClass}${bracketed})`);
  } catch (cause) {
    throw new RyokanError('failed', `realm '${realm}': ${setting} is no LDAP filter: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function propertiesOf(entry: Entry, settings: DirectorySettings): ReadonlyMap<SyncedProperty, string> {
  const found = new Map<SyncedProperty, string>();
  for (const property of syncedProperties) {
    const attribute = settings.attributes.get(property);
    const value = attribute && firstOf(entry, attribute);
    if (value) found.set(property, value);
  }
  return found;
}

/** The values of an attribute. Names of attributes do not differ by case. */
function valuesOf(entry: Entry, attribute: string): string[] {
  const wanted = attribute.toLowerCase();
  const key = Object.keys(entry).find((name) => name !== 'dn' && name.toLowerCase() === wanted);
  const value = key === undefined ? [] : entry[key];
  const list = Array.isArray(value) ? value : [value];
  return list.filter((one): one is string => typeof one === 'string' && one !== '');
}

const firstOf = (entry: Entry, attribute: string): string | undefined => valuesOf(entry, attribute)[0];

/** `staff` of `cn=staff,ou=groups,dc=corp`; escaped characters (RFC 4514) as they are meant. */
export function firstValueOfDn(dn: string): string {
  const value = /^[^=]+=((?:\\.|[^,+\\])*)/.exec(dn)?.[1] ?? '';
  return value.replace(/\\([0-9a-fA-F]{2}|.)/g, (_, code: string) =>
    code.length === 2 ? String.fromCharCode(Number.parseInt(code, 16)) : code,
  );
}
