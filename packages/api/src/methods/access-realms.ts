/** Realms: where users' passwords are checked, and what is taken over from directories. */
import { defineMethod } from '../method.ts';
import {
  fixedRealmFields,
  RealmId,
  realmFields,
  realmTypes,
  syncFields,
  syncsRealm,
} from '../schema/realm-options.ts';
import { Bit, Digest, Enum, Format, Null, Type } from '../schema/types.ts';

const Optional = Type.Optional;

const allocatesRealms = { perm: '/access/realm', privs: ['Realm.Allocate'] } as const;
const checkConnection = {
  'check-connection': Optional(
    Type.Boolean({
      default: false,
      description: 'Refuse settings with which the directory does not answer.',
    }),
  ),
};
export const accessRealms = defineMethod({
  id: 'access.realms',
  verb: 'GET',
  path: '/access/domains',
  description:
    'Realms that one can log in to, in the order of the login page. Needs no login: the login page shows them.',
  params: Type.Object({}),
  returns: Type.Array(
    Type.Object({
      realm: Type.String(),
      type: Type.String(),
      comment: Optional(Type.String()),
      default: Optional(Bit('Preselected on the login page.')),
      tfa: Optional(Type.String()),
    }),
  ),
  permission: { user: 'world' },
  cli: { command: 'pveum realm list', columns: ['realm', 'type', 'comment'] },
});

export const accessRealmCreate = defineMethod({
  id: 'access.realmCreate',
  verb: 'POST',
  dryRun: 'documents',
  path: '/access/domains',
  description: 'Add a realm: a directory (ldap, ad) or a provider of OpenID Connect (openid).',
  params: Type.Object({
    realm: RealmId(),
    type: Enum(realmTypes, { description: 'Kind of realm.' }),
    ...realmFields,
    ...fixedRealmFields,
    ...checkConnection,
  }),
  returns: Null(),
  permission: allocatesRealms,
  cli: { command: 'pveum realm add', args: ['realm'] },
});

export const accessRealm = defineMethod({
  id: 'access.realm',
  verb: 'GET',
  path: '/access/domains/{realm}',
  description: 'The settings of a realm, without its secrets.',
  params: Type.Object({ realm: RealmId() }),
  returns: Type.Object(
    {
      type: Type.String(),
      digest: Type.String(),
      comment: Optional(Type.String()),
      default: Optional(Bit()),
    },
    { additionalProperties: true },
  ),
  permission: { perm: '/access/realm', privs: ['Realm.Allocate', 'Sys.Audit'], any: true },
});

export const accessRealmUpdate = defineMethod({
  id: 'access.realmUpdate',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/access/domains/{realm}',
  description: 'Change a realm. What is not given stays.',
  params: Type.Object({
    realm: RealmId(),
    ...realmFields,
    ...checkConnection,
    delete: Optional(
      Format('pve-configid-list', {
        maxLength: 4096,
        description: 'Settings to remove, separated by commas.',
      }),
    ),
    digest: Optional(Digest()),
  }),
  returns: Null(),
  permission: allocatesRealms,
  cli: { command: 'pveum realm modify', args: ['realm'] },
});

export const accessRealmDelete = defineMethod({
  id: 'access.realmDelete',
  verb: 'DELETE',
  dryRun: 'documents',
  path: '/access/domains/{realm}',
  description: 'Remove a realm with its secrets. Its users stay, but cannot log in any more.',
  params: Type.Object({ realm: RealmId() }),
  returns: Null(),
  permission: allocatesRealms,
  cli: { command: 'pveum realm delete', args: ['realm'] },
});

export const accessRealmSync = defineMethod({
  id: 'access.realmSync',
  verb: 'POST',
  path: '/access/domains/{realm}/sync',
  description:
    'Take over users and groups of a directory, as user@realm and group-realm. Everything changes at once or, when ' +
    'the directory cannot be read to its end, nothing.',
  params: Type.Object({
    realm: RealmId(),
    ...syncFields,
    full: Optional(Type.Boolean({ description: 'Old form of remove-vanished=entry;properties.' })),
    purge: Optional(Type.Boolean({ description: 'Old form of remove-vanished=acl.' })),
    'dry-run': Optional(Type.Boolean({ default: false, description: 'Only tell what would change.' })),
  }),
  returns: Type.String({ description: "The task's UPID." }),
  permission: syncsRealm,
  task: { type: 'auth-realm-sync', id: 'realm' },
  cli: { command: 'pveum realm sync', args: ['realm'] },
});

export const accessRealmPreview = defineMethod({
  id: 'access.realmPreview',
  verb: 'POST',
  path: '/access/domains/{realm}/preview',
  description:
    'What the first or the next sync of a directory would change. With `type` the settings given are tried out, ' +
    'whether or not there is such a realm; without it, those of the realm.',
  params: Type.Object({
    realm: RealmId(),
    type: Optional(Enum(['ad', 'ldap'], { description: 'Try the settings given in this call.' })),
    ...realmFields,
    ...syncFields,
  }),
  returns: Type.Object({
    server: Type.String({ description: 'Which server answered.' }),
    users: Type.Integer({ description: 'Users found in the directory.' }),
    groups: Type.Integer({ description: 'Groups found in the directory.' }),
    changes: Type.Array(
      Type.Object({
        kind: Enum(['user', 'group']),
        action: Enum(['create', 'update', 'remove', 'remove-acl']),
        id: Type.String(),
        detail: Optional(Type.String({ description: 'Which properties or members change.' })),
      }),
      { description: 'The first 1000 of them.' },
    ),
    total: Type.Integer({ description: 'How many changes there are.' }),
    warnings: Type.Array(Type.String()),
  }),
  permission: { or: [allocatesRealms, syncsRealm] },
  extension: true,
});
