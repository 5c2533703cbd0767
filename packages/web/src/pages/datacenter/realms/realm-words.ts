/** Texts of realms by what they stand for. */
import type { RealmField } from '@ryokan/api/schema/realm-options.ts';
import type { PlainKey } from '../../../i18n/index.ts';

type Words<K extends string> = Readonly<Record<K, PlainKey>>;

export const fieldWords: Partial<Words<RealmField>> = {
  'acr-values': 'realms.field.acr-values',
  audiences: 'realms.field.audiences',
  autocreate: 'realms.field.autocreate',
  'autocreate-limit': 'realms.field.autocreate-limit',
  base_dn: 'realms.field.base_dn',
  bind_dn: 'realms.field.bind_dn',
  capath: 'realms.field.capath',
  'case-sensitive': 'realms.field.case-sensitive',
  cert: 'realms.field.cert',
  certkey: 'realms.field.certkey',
  'client-id': 'realms.field.client-id',
  'client-key': 'realms.field.client-key',
  comment: 'realms.field.comment',
  default: 'realms.field.default',
  domain: 'realms.field.domain',
  filter: 'realms.field.filter',
  group_classes: 'realms.field.group_classes',
  group_dn: 'realms.field.group_dn',
  group_filter: 'realms.field.group_filter',
  group_name_attr: 'realms.field.group_name_attr',
  'groups-autocreate': 'realms.field.groups-autocreate',
  'groups-claim': 'realms.field.groups-claim',
  'groups-overwrite': 'realms.field.groups-overwrite',
  'issuer-url': 'realms.field.issuer-url',
  mode: 'realms.field.mode',
  order: 'realms.field.order',
  password: 'realms.field.password',
  port: 'realms.field.port',
  prompt: 'realms.field.prompt',
  'query-userinfo': 'realms.field.query-userinfo',
  scopes: 'realms.field.scopes',
  server1: 'realms.field.server1',
  server2: 'realms.field.server2',
  sslversion: 'realms.field.sslversion',
  sync_attributes: 'realms.field.sync_attributes',
  tfa: 'realms.field.tfa',
  user_attr: 'realms.field.user_attr',
  user_classes: 'realms.field.user_classes',
  'username-claim': 'realms.field.username-claim',
  verify: 'realms.field.verify',
};

export const helpWords: Partial<Words<RealmField>> = {
  autocreate: 'realms.help.autocreate',
  base_dn: 'realms.help.base_dn',
  bind_dn: 'realms.help.bind_dn',
  'groups-claim': 'realms.help.groups-claim',
  mode: 'realms.help.mode',
  sync_attributes: 'realms.help.sync_attributes',
  'username-claim': 'realms.help.username-claim',
  verify: 'realms.help.verify',
};

/** Choices that are no words of the API. */
export const choiceWords: Readonly<Partial<Record<RealmField, Partial<Words<string>>>>> = {
  mode: {
    ldap: 'realms.choice.mode.ldap',
    'ldap+starttls': 'realms.choice.mode.ldap+starttls',
  },
  sslversion: {
    '': 'realms.choice.sslversion.',
    tlsv1_2: 'realms.choice.sslversion.tlsv1_2',
    tlsv1_3: 'realms.choice.sslversion.tlsv1_3',
  },
  tfa: {
    '': 'realms.choice.tfa.',
    'type=oath': 'realms.choice.tfa.type=oath',
  },
};

export const partWords: Words<'users' | 'groups' | 'connection' | 'login'> = {
  connection: 'realms.part.connection',
  groups: 'realms.part.groups',
  login: 'realms.part.login',
  users: 'realms.part.users',
};

export const scopeWords: Words<'both' | 'users' | 'groups'> = {
  both: 'realms.scope.both',
  groups: 'realms.scope.groups',
  users: 'realms.scope.users',
};

export const vanishedWords: Words<'entry' | 'acl' | 'properties'> = {
  acl: 'realms.vanished.acl',
  entry: 'realms.vanished.entry',
  properties: 'realms.vanished.properties',
};

type Action = 'create' | 'update' | 'remove' | 'remove-acl';
export const changeWords: Readonly<Record<'user' | 'group', Words<Action>>> = {
  user: {
    create: 'realms.user.create',
    remove: 'realms.user.remove',
    'remove-acl': 'realms.user.remove-acl',
    update: 'realms.user.update',
  },
  group: {
    create: 'realms.group.create',
    remove: 'realms.group.remove',
    'remove-acl': 'realms.group.remove-acl',
    update: 'realms.group.update',
  },
};
