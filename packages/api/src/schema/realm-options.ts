/**
 * The settings of realms, as they stand in `domains.cfg` and in the parameters of /access/domains. Names, limits and
 * defaults are those of the public API; `order`, `autocreate-limit` and `capath` of openid realms are ours.
 */
import { defineFormat } from './formats.ts';
import { PropertyString } from './property-string.ts';
import { Enum, Format, Type } from './types.ts';

const Optional = Type.Optional;

export const RealmId = () => Format('pve-realm', { maxLength: 32, description: 'The realm.' });

/** The rule of what syncs a realm: it makes, changes and removes users and groups. */
export const syncsRealm = {
  and: [
    { perm: '/access/realm/{realm}', privs: ['Realm.AllocateUser'] },
    { perm: '/access/groups', privs: ['User.Modify'] },
  ],
} as const;

export const realmTypes = ['ad', 'ldap', 'openid', 'pam', 'pve'] as const;
export type RealmType = (typeof realmTypes)[number];

defineFormat('ldap-simple-attr', (text) =>
  /^[a-zA-Z0-9]+$/.test(text) ? undefined : 'value does not look like a valid LDAP attribute',
);

const text = (maxLength: number, description: string, more: Record<string, unknown> = {}) =>
  Optional(Type.String({ maxLength, description, ...more }));
const flag = (description: string, byDefault?: boolean) =>
  Optional(Type.Boolean({ description, ...(byDefault === undefined ? {} : { default: byDefault }) }));
const plainWords = '[^\\x00-\\x1F\\x7F <>#"]*';

/** What a sync does; the same names as parameters of a sync, of a sync job and in `sync-defaults-options`. */
export const syncFields = {
  scope: Optional(Enum(['users', 'groups', 'both'], { description: 'What to take over.' })),
  'enable-new': Optional(
    Type.Boolean({
      default: true,
      description: 'New users may log in at once, unless the directory says no.',
    }),
  ),
  'remove-vanished': Optional(
    Type.String({
      pattern: '(?:(?:acl|properties|entry);){0,2}(?:acl|properties|entry)|none',
      default: 'none',
      description:
        'What to remove of users and groups that the directory no longer has: entry (they themselves), acl (their ' +
        'access rules); properties: attributes that the directory does not give are removed from all users.',
    }),
  ),
};

const SyncDefaults = Type.Object({
  ...syncFields,
  full: Optional(Type.Boolean({ description: 'Old form of remove-vanished=entry;properties.' })),
  purge: Optional(Type.Boolean({ description: 'Old form of remove-vanished=acl.' })),
});

/** Every setting of every type of realm. */
export const realmFields = {
  comment: text(4096, 'Shown on the login page.'),
  default: flag('Preselected on the login page.'),
  order: Optional(
    Type.Integer({
      minimum: 0,
      maximum: 9999,
      default: 100,
      description: 'Place in the list of the login page: small numbers first.',
    }),
  ),
  tfa: Optional(
    Type.String({
      maxLength: 128,
      pattern: 'type=oath(?:,(?:step|digits)=\\d{1,3})*',
      description: 'type=oath: users of the realm need a second factor to log in.',
    }),
  ),
  server1: Optional(Format('address', { maxLength: 256, description: 'Name or address of the server.' })),
  server2: Optional(
    Format('address', { maxLength: 256, description: 'Asked when the first does not answer.' }),
  ),
  port: Optional(Type.Integer({ minimum: 1, maximum: 65535, description: 'Port of the server.' })),
  mode: Optional(
    Enum(['ldap', 'ldaps', 'ldap+starttls'], {
      default: 'ldap',
      description: 'How the connection is protected. ldap: not at all, passwords can be read on the way.',
    }),
  ),
  secure: flag('Old form of mode=ldaps.'),
  verify: flag("Check the server's certificate.", false),
  capath: Optional(
    Type.String({
      pattern: '/.*',
      default: '/etc/ssl/certs',
      description: 'File or folder of certificate authorities on the node.',
    }),
  ),
  cert: Optional(Type.String({ pattern: '/.*', description: 'File of the client certificate.' })),
  certkey: Optional(
    Type.String({ pattern: '/.*', description: 'File of the key of the client certificate.' }),
  ),
  sslversion: Optional(
    Enum(['tlsv1', 'tlsv1_1', 'tlsv1_2', 'tlsv1_3'], { description: 'This TLS version and no other.' }),
  ),
  base_dn: text(256, 'Where users are looked for.'),
  user_attr: text(256, 'Attribute that holds the name of a user.', { pattern: '\\S{2,}' }),
  domain: text(256, 'Domain of the Active Directory.', { pattern: '\\S+' }),
  bind_dn: text(256, 'Who searches in the directory; nobody when not given.'),
  password: Optional(
    Type.String({ secret: true, description: 'Password of bind_dn. Kept apart and never shown.' }),
  ),
  'case-sensitive': flag('Whether names of users differ by case.', true),
  filter: text(2048, 'Filter of the users that a sync takes over.'),
  sync_attributes: Optional(
    Type.String({
      pattern: '\\w+=[^,]+(?:,\\s*\\w+=[^,]+)*',
      description: 'Which attribute of the directory gives what: email=mail,firstname=givenName.',
    }),
  ),
  user_classes: Optional(
    Format('ldap-simple-attr-list', {
      default: 'inetorgperson, posixaccount, person, user',
      description: 'Classes of objects that are users.',
    }),
  ),
  group_dn: text(256, 'Where groups are looked for; base_dn when not given.'),
  group_name_attr: Optional(
    Format('ldap-simple-attr', {
      maxLength: 256,
      description: 'Attribute that holds the name of a group; the first value of its DN when not given.',
    }),
  ),
  group_filter: text(2048, 'Filter of the groups that a sync takes over.'),
  group_classes: Optional(
    Format('ldap-simple-attr-list', {
      default: 'groupOfNames, group, univentionGroup, ipausergroup',
      description: 'Classes of objects that are groups.',
    }),
  ),
  'sync-defaults-options': Optional(
    PropertyString(SyncDefaults, { description: 'What a sync does when it is not told otherwise.' }),
  ),
  'issuer-url': text(256, 'Address of the provider; discovery starts there.'),
  'client-id': text(256, 'What the provider knows Ryokan by.'),
  'client-key': text(256, 'The secret that goes with it. Kept apart and never shown.', { secret: true }),
  scopes: Optional(
    Type.String({ default: 'email profile', description: 'Scopes to ask for, besides openid.' }),
  ),
  prompt: Optional(
    Type.String({ pattern: '\\S+', description: 'Whether the provider asks again: none, login, consent, …' }),
  ),
  'acr-values': Optional(
    Type.String({ pattern: plainWords, description: 'Kinds of authentication that the provider is to use.' }),
  ),
  audiences: Optional(
    Type.String({ pattern: plainWords, description: 'Audiences that a token may have besides client-id.' }),
  ),
  autocreate: flag('Make a user without rights at the first login.', false),
  'autocreate-limit': Optional(
    Type.Integer({
      minimum: 0,
      maximum: 100_000,
      description: 'No more users are made once the realm has this many.',
    }),
  ),
  'groups-claim': text(256, 'Claim with the names of groups or roles.', { pattern: '[A-Za-z0-9.\\-_]+' }),
  'groups-autocreate': flag('Make groups that are missing.', false),
  'groups-overwrite': flag('Take users out of groups that the claim does not name.', false),
  'query-userinfo': flag('Ask the provider for more claims than the token has.', true),
};

/** Fixed once the realm exists: users are known by it. */
export const fixedRealmFields = {
  'username-claim': Optional(
    Type.String({
      pattern: '[A-Za-z0-9._:/-]+',
      maxLength: 256,
      description: 'Claim that holds the name of the user: subject, username, upn, email or another one.',
    }),
  ),
};

export type RealmField = keyof typeof realmFields | keyof typeof fixedRealmFields;

const common = ['comment', 'default', 'order'] as const;
const directory = [
  ...common,
  ...(['tfa'] as const),
  ...(['server1', 'server2', 'port', 'mode', 'secure', 'verify', 'capath', 'cert', 'certkey'] as const),
  ...(['sslversion', 'base_dn', 'user_attr', 'bind_dn', 'password', 'case-sensitive', 'filter'] as const),
  ...(['sync_attributes', 'user_classes', 'group_dn', 'group_name_attr', 'group_filter'] as const),
  ...(['group_classes', 'sync-defaults-options'] as const),
] as const;

/** What a realm of each type can have, and what it must have. */
export const realmShapes: Readonly<
  Record<RealmType, { readonly fields: readonly RealmField[]; readonly required: readonly RealmField[] }>
> = {
  pam: { fields: [...common, 'tfa'], required: [] },
  pve: { fields: [...common, 'tfa'], required: [] },
  ldap: { fields: directory, required: ['server1', 'base_dn', 'user_attr'] },
  ad: { fields: [...directory, 'domain'], required: ['server1', 'domain'] },
  openid: {
    fields: [
      ...common,
      ...(['issuer-url', 'client-id', 'client-key', 'scopes', 'prompt', 'acr-values', 'audiences'] as const),
      ...(['autocreate', 'autocreate-limit', 'groups-claim', 'groups-autocreate'] as const),
      ...(['groups-overwrite', 'query-userinfo', 'username-claim', 'capath'] as const),
    ],
    required: ['issuer-url', 'client-id'],
  },
};

export const isRealmType = (type: string): type is RealmType => Object.hasOwn(realmShapes, type);
