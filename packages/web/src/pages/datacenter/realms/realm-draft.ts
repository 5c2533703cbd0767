/** What a person types about a realm, and the parameters that it becomes. */
import type { ParamsOf, ResultOf } from '@ryokan/api/method.ts';
import type {
  accessRealm,
  accessRealmCreate,
  accessRealmPreview,
  accessRealmUpdate,
} from '@ryokan/api/methods/access-realms.ts';
import {
  fixedRealmFields,
  type RealmField,
  realmFields,
  realmShapes,
} from '@ryokan/api/schema/realm-options.ts';

export type AddableType = 'ldap' | 'ad' | 'openid';
export const addableTypes: readonly AddableType[] = ['ldap', 'ad', 'openid'];
/** Names of products and standards: the same in every language. */
export const typeNames: Readonly<Record<AddableType, string>> = {
  ldap: 'LDAP',
  ad: 'Active Directory',
  openid: 'OpenID Connect',
};
export const isDirectory = (type: string): type is 'ldap' | 'ad' => type === 'ldap' || type === 'ad';

export type Values = Readonly<Partial<Record<RealmField, string | boolean>>>;

export interface RealmDraft {
  readonly realm: string;
  readonly type: string;
  readonly values: Values;
}

/** Fields in groups, in the order in which people think of them; the groups after the first are folded. */
type Group = 'main' | 'users' | 'groups' | 'connection' | 'login';
const directory: readonly (readonly [Group, readonly RealmField[]])[] = [
  [
    'main',
    [
      ...(['comment', 'default', 'server1', 'server2', 'domain', 'mode', 'verify', 'base_dn'] as const),
      ...(['user_attr', 'bind_dn', 'password'] as const),
    ],
  ],
  ['users', ['sync_attributes', 'filter', 'user_classes', 'case-sensitive']],
  ['groups', ['group_dn', 'group_filter', 'group_classes', 'group_name_attr']],
  ['connection', ['port', 'capath', 'cert', 'certkey', 'sslversion', 'order', 'tfa']],
];
const openid: typeof directory = [
  [
    'main',
    [
      ...(['comment', 'default', 'issuer-url', 'client-id', 'client-key', 'username-claim'] as const),
      ...(['autocreate', 'autocreate-limit'] as const),
    ],
  ],
  ['groups', ['groups-claim', 'groups-autocreate', 'groups-overwrite']],
  ['login', ['scopes', 'prompt', 'acr-values', 'audiences', 'query-userinfo', 'capath', 'order']],
];
const builtin: typeof directory = [['main', ['comment', 'default', 'order', 'tfa']]];

export interface FieldGroup {
  readonly name: Group;
  readonly fields: readonly RealmField[];
}

/** The fields of a type, without those that it does not have. */
export function fieldGroups(type: string): FieldGroup[] {
  const groups = type === 'openid' ? openid : isDirectory(type) ? directory : builtin;
  const allowed = new Set<string>(Object.hasOwn(realmShapes, type) ? realmShapes[type as 'ldap'].fields : []);
  return groups.map(([name, fields]) => ({ name, fields: fields.filter((field) => allowed.has(field)) }));
}

/** A beginning that is safe and works with most servers. */
export function newDraft(type: AddableType): RealmDraft {
  const directory = { mode: 'ldaps', verify: true, 'case-sensitive': true };
  const attributes = { sync_attributes: 'email=mail,firstname=givenName,lastname=sn' };
  const values: Readonly<Record<AddableType, Values>> = {
    ldap: { ...directory, ...attributes, user_attr: 'uid' },
    ad: { ...directory, ...attributes, user_attr: 'sAMAccountName', 'case-sensitive': false },
    openid: { 'query-userinfo': true },
  };
  return { realm: '', type, values: values[type] };
}

/** The draft of a realm that exists. Secrets are not shown, so they begin empty. */
export function draftOf(realm: string, shown: ResultOf<typeof accessRealm>): RealmDraft {
  const fields = fieldGroups(shown.type).flatMap((group) => group.fields);
  const given = shown as Readonly<Record<string, unknown>>;
  const values = fields.flatMap((field): [RealmField, string | boolean][] => {
    const value = given[field];
    if (isFlag(field)) return [[field, value === undefined ? defaultOf(field) : value === 1]];
    return value === undefined ? [] : [[field, String(value)]];
  });
  return { realm, type: shown.type, values: Object.fromEntries(values) as Values };
}

const schemaOf = (field: RealmField) => ({ ...realmFields, ...fixedRealmFields })[field];
export const isFlag = (field: RealmField): boolean => schemaOf(field).type === 'boolean';
export const isNumber = (field: RealmField): boolean => schemaOf(field).type === 'integer';
export const isSecret = (field: RealmField): boolean => field === 'password' || field === 'client-key';
export const isFixed = (field: RealmField): boolean => Object.hasOwn(fixedRealmFields, field);
export const isRequired = (type: string, field: RealmField): boolean =>
  Object.hasOwn(realmShapes, type) && realmShapes[type as 'ldap'].required.includes(field);
const defaultOf = (field: RealmField): boolean => schemaOf(field).default === true;

/** All that must be there is there. */
export function isComplete({ realm, type, values }: RealmDraft): boolean {
  const required = fieldGroups(type)
    .flatMap((group) => group.fields)
    .filter((field) => isRequired(type, field));
  return /^[A-Za-z][A-Za-z0-9.\-_]+$/.test(realm) && required.every((field) => textOf(values, field) !== '');
}

const textOf = (values: Values, field: RealmField): string => String(values[field] ?? '').trim();

type Settings = Readonly<Record<string, string | number | boolean>>;

function settings({ values }: RealmDraft): Settings {
  const given = Object.keys(values).flatMap((key): [RealmField, string | number | boolean][] => {
    const field = key as RealmField;
    if (isFlag(field)) return [[field, values[field] === true]];
    // A password may begin and end with blanks.
    const text = isSecret(field) ? String(values[field] ?? '') : textOf(values, field);
    if (text === '') return [];
    return [[field, isNumber(field) ? Number(text) : text]];
  });
  return Object.fromEntries(given) as Settings;
}

export const createParams = (draft: RealmDraft): ParamsOf<typeof accessRealmCreate> =>
  ({ ...settings(draft), realm: draft.realm, type: draft.type }) as ParamsOf<typeof accessRealmCreate>;

export function previewParams(draft: RealmDraft): ParamsOf<typeof accessRealmPreview> {
  return { ...settings(draft), realm: draft.realm, type: draft.type } as ParamsOf<typeof accessRealmPreview>;
}

/** What differs from the realm as it was, and what has been emptied. */
export function updateParams(
  before: RealmDraft,
  after: RealmDraft,
  digest: string,
): ParamsOf<typeof accessRealmUpdate> {
  const [old, fresh] = [settings(before), settings(after)];
  const changed = Object.entries(fresh).filter(
    ([key, value]) => old[key] !== value && !isFixed(key as RealmField),
  );
  const removed = Object.keys(old).filter((key) => !Object.hasOwn(fresh, key));
  return {
    ...Object.fromEntries(changed),
    ...(removed.length === 0 ? {} : { delete: removed.join(',') }),
    realm: after.realm,
    digest,
  };
}
