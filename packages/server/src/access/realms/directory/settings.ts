/** The settings of a directory realm (types ldap and ad), read and with the defaults of Proxmox VE. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import type { Reach } from '../../../host/network-reach.ts';
import { type RealmConfig, realmReach } from '../realm-config.ts';

export interface DirectorySettings {
  readonly realm: string;
  /** Where the node connects to for this realm. */
  readonly reach: Reach;
  readonly type: 'ldap' | 'ad';
  /** One or two, in the order in which they are asked. */
  readonly servers: readonly string[];
  readonly port: number;
  readonly mode: 'ldap' | 'ldaps' | 'ldap+starttls';
  readonly verify: boolean;
  /** File or folder on the node. */
  readonly capath: string;
  readonly cert: string | undefined;
  readonly certkey: string | undefined;
  readonly sslversion: string | undefined;
  /** May be empty for an Active Directory, which tells its own. */
  readonly baseDn: string;
  readonly userAttr: string;
  readonly domain: string | undefined;
  readonly bindDn: string | undefined;
  /** Of bindDn. */
  readonly password: string | undefined;
  readonly caseSensitive: boolean;
  readonly filter: string | undefined;
  readonly userClasses: readonly string[];
  /** Property of a user to attribute of the directory. */
  readonly attributes: ReadonlyMap<SyncedProperty, string>;
  readonly groupDn: string | undefined;
  readonly groupNameAttr: string | undefined;
  readonly groupFilter: string | undefined;
  readonly groupClasses: readonly string[];
}

/** What sync_attributes can fill. */
export const syncedProperties = [
  ...(['enable', 'expire', 'firstname', 'lastname', 'email', 'comment', 'keys'] as const),
] as const;
export type SyncedProperty = (typeof syncedProperties)[number];

const defaultPorts = { ldap: 389, 'ldap+starttls': 389, ldaps: 636 } as const;

/** Throws RyokanError 'unsupported' for a realm that is no directory, 'failed' for settings that make no sense. */
export function directorySettings(config: RealmConfig, password: string | undefined): DirectorySettings {
  const { realm, type, options } = config;
  if (type !== 'ldap' && type !== 'ad') {
    throw new RyokanError(
      'unsupported',
      `realm '${realm}' is no directory: only realms of type ldap and ad are`,
    );
  }
  const mode = modeOf(options);
  const servers = ['server1', 'server2'].flatMap((key) => options.get(key) ?? []);
  if (servers.length === 0) throw new RyokanError('failed', `realm '${realm}' has no server: set server1`);
  const list = (key: string, byDefault: string) => splitList(options.get(key) ?? byDefault);
  return {
    realm,
    reach: realmReach(config),
    type,
    servers,
    port: Number(options.get('port') ?? defaultPorts[mode]),
    mode,
    verify: options.get('verify') === '1',
    capath: options.get('capath') ?? '/etc/ssl/certs',
    cert: options.get('cert'),
    certkey: options.get('certkey'),
    sslversion: options.get('sslversion'),
    baseDn: options.get('base_dn') ?? '',
    userAttr: options.get('user_attr') ?? (type === 'ad' ? 'sAMAccountName' : 'uid'),
    domain: options.get('domain'),
    bindDn: options.get('bind_dn'),
    password,
    caseSensitive: options.get('case-sensitive') !== '0',
    filter: options.get('filter'),
    userClasses: list('user_classes', 'inetorgperson, posixaccount, person, user'),
    attributes: readAttributes(realm, options.get('sync_attributes')),
    groupDn: options.get('group_dn'),
    groupNameAttr: options.get('group_name_attr'),
    groupFilter: options.get('group_filter'),
    groupClasses: list('group_classes', 'groupOfNames, group, univentionGroup, ipausergroup'),
  };
}

function modeOf(options: ReadonlyMap<string, string>): DirectorySettings['mode'] {
  const mode = options.get('mode') ?? (options.get('secure') === '1' ? 'ldaps' : 'ldap');
  return mode === 'ldaps' || mode === 'ldap+starttls' ? mode : 'ldap';
}

/** Reads `email=mail,firstname=givenName`. */
export function readAttributes(realm: string, text = ''): ReadonlyMap<SyncedProperty, string> {
  const pairs = text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => part.split('=').map((one) => one.trim()));
  const found = new Map<SyncedProperty, string>();
  for (const [property = '', attribute = ''] of pairs) {
    const known = syncedProperties.find((one) => one === property);
    if (!known || attribute === '') {
      throw new RyokanError(
        'failed',
        `realm '${realm}': sync_attributes cannot set '${property}', only ${syncedProperties.join(', ')}`,
      );
    }
    found.set(known, attribute);
  }
  return found;
}

/** `ldaps://ldap.example:636`, for texts. */
export function serverUrl({ mode, port }: DirectorySettings, server: string): string {
  const host = server.includes(':') ? `[${server}]` : server;
  return `${mode === 'ldaps' ? 'ldaps' : 'ldap'}://${host}:${port}`;
}
