/** Users and their API tokens. */
import { defineMethod, type Permission } from '../method.ts';
import { Bit, Format, Null, Type } from '../schema/types.ts';

const Optional = Type.Optional;

const userId = () => Format('pve-userid', { maxLength: 64, description: 'Full user id, name@realm.' });
const tokenId = () =>
  Type.String({
    pattern: '[A-Za-z][A-Za-z0-9.\\-_]+',
    description: 'The part of the token id after the user.',
  });
const expire = () =>
  Type.Integer({ minimum: 0, description: 'When it ends, in seconds since the epoch. 0: never.' });
const groupList = () => Format('pve-groupid-list', { description: 'Groups.' });

/** What can be set on a user, on creation and later. */
const settings = {
  enable: Optional(
    Type.Boolean({ default: true, description: 'Off: the user cannot log in and tokens end.' }),
  ),
  expire: Optional(expire()),
  firstname: Optional(Type.String({ maxLength: 1024 })),
  lastname: Optional(Type.String({ maxLength: 1024 })),
  email: Optional(Format('email-opt', { maxLength: 254 })),
  comment: Optional(Type.String({ maxLength: 2048 })),
  keys: Optional(
    Type.String({ pattern: '[0-9a-zA-Z!=]{0,4096}', description: 'Keys of hardware second factors.' }),
  ),
  groups: Optional(groupList()),
};

/** The same in results. */
const UserInfo = {
  enable: Optional(Bit()),
  expire: Optional(Type.Integer()),
  firstname: Optional(Type.String()),
  lastname: Optional(Type.String()),
  email: Optional(Type.String()),
  comment: Optional(Type.String()),
  keys: Optional(Type.String()),
};

const TokenInfo = {
  expire: Optional(Type.Integer({ description: 'Seconds since the epoch. 0: never.' })),
  privsep: Optional(Bit('1: rights of its own, cut to those of the user. 0: all rights of the user.')),
  comment: Optional(Type.String()),
};

const manages = (groups?: 'create' | 'update'): Permission => ({
  userGroup: 'userid',
  privs: ['User.Modify'],
  ...(groups ? { groups } : {}),
});
const allocates: Permission = { realmOf: 'userid', privs: ['Realm.AllocateUser'] };
const selfOrManages: Permission = { or: [{ self: 'userid' }, manages()] };

export const userList = defineMethod({
  id: 'access.userList',
  verb: 'GET',
  path: '/access/users',
  description:
    'Users: all to those who may see or change users, else those in groups that one manages, and oneself.',
  params: Type.Object({
    enabled: Optional(
      Type.Boolean({ description: 'Only users who are enabled, or only those who are not.' }),
    ),
    full: Optional(Type.Boolean({ default: false, description: 'With groups and tokens.' })),
  }),
  returns: Type.Array(
    Type.Object({
      userid: Type.String(),
      ...UserInfo,
      'realm-type': Optional(Type.String()),
      groups: Optional(Type.String({ description: 'Separated by commas.' })),
      tokens: Optional(Type.Array(Type.Object({ tokenid: Type.String(), ...TokenInfo }))),
    }),
  ),
  permission: { user: 'all' },
  cli: {
    command: 'pveum user list',
    columns: [
      'userid',
      'comment',
      'email',
      'enable',
      'expire',
      'firstname',
      'lastname',
      'groups',
      'realm-type',
    ],
  },
});

export const userCreate = defineMethod({
  id: 'access.userCreate',
  verb: 'POST',
  dryRun: 'documents',
  path: '/access/users',
  description: 'Add a user. One of realm pam must be an account of the host as well, to log in.',
  params: Type.Object({
    userid: userId(),
    ...settings,
    password: Optional(
      Type.String({ secret: true, minLength: 8, maxLength: 64, description: 'The first password.' }),
    ),
  }),
  returns: Null(),
  permission: { and: [allocates, manages('create')] },
  cli: { command: 'pveum user add', args: ['userid'], aliases: ['pveum useradd'] },
});

export const userRead = defineMethod({
  id: 'access.userRead',
  verb: 'GET',
  path: '/access/users/{userid}',
  description: 'One user with groups and API tokens.',
  params: Type.Object({ userid: userId() }),
  returns: Type.Object({
    ...UserInfo,
    groups: Optional(Type.Array(Type.String())),
    tokens: Optional(Type.Record(Type.String(), Type.Object(TokenInfo))),
  }),
  permission: { userGroup: 'userid', privs: ['User.Modify', 'Sys.Audit'] },
});

export const userUpdate = defineMethod({
  id: 'access.userUpdate',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/access/users/{userid}',
  description: 'Change a user. What is not given stays.',
  params: Type.Object({
    userid: userId(),
    ...settings,
    append: Optional(
      Type.Boolean({ requires: 'groups', description: 'Add the groups, keep those that were.' }),
    ),
  }),
  returns: Null(),
  permission: manages('update'),
  cli: { command: 'pveum user modify', args: ['userid'], aliases: ['pveum usermod'] },
});

export const userDelete = defineMethod({
  id: 'access.userDelete',
  verb: 'DELETE',
  dryRun: 'documents',
  path: '/access/users/{userid}',
  description: 'Remove a user with tokens, access rules and, in realm pve, the password.',
  params: Type.Object({ userid: userId() }),
  returns: Null(),
  permission: { and: [allocates, manages()] },
  cli: { command: 'pveum user delete', args: ['userid'], aliases: ['pveum userdel'] },
});

export const tokenList = defineMethod({
  id: 'access.tokenList',
  verb: 'GET',
  path: '/access/users/{userid}/token',
  description: 'The API tokens of a user, without their secrets.',
  params: Type.Object({ userid: userId() }),
  returns: Type.Array(Type.Object({ tokenid: Type.String(), ...TokenInfo })),
  permission: selfOrManages,
  cli: {
    command: 'pveum user token list',
    args: ['userid'],
    columns: ['tokenid', 'comment', 'expire', 'privsep'],
  },
});

export const tokenRead = defineMethod({
  id: 'access.tokenRead',
  verb: 'GET',
  path: '/access/users/{userid}/token/{tokenid}',
  description: 'One API token, without its secret.',
  params: Type.Object({ userid: userId(), tokenid: tokenId() }),
  returns: Type.Object(TokenInfo),
  permission: selfOrManages,
});

const tokenSettings = {
  comment: Optional(Type.String()),
  expire: Optional(expire()),
  privsep: Optional(
    Type.Boolean({
      default: true,
      description:
        'On: the token has the rights that rules give to it, cut to those of the user. Off: the same as the user.',
    }),
  ),
};

export const tokenCreate = defineMethod({
  id: 'access.tokenCreate',
  verb: 'POST',
  dryRun: 'documents',
  path: '/access/users/{userid}/token/{tokenid}',
  description: 'Make an API token. Its secret is in this answer and is never shown again.',
  params: Type.Object({ userid: userId(), tokenid: tokenId(), ...tokenSettings }),
  returns: Type.Object({
    'full-tokenid': Type.String({ description: 'user@realm!token' }),
    info: Type.Object(TokenInfo),
    value: Type.String({ description: 'The secret.' }),
  }),
  permission: selfOrManages,
  cli: { command: 'pveum user token add', args: ['userid', 'tokenid'] },
});

export const tokenUpdate = defineMethod({
  id: 'access.tokenUpdate',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/access/users/{userid}/token/{tokenid}',
  description: 'Change an API token, or give it a new secret.',
  params: Type.Object({
    userid: userId(),
    tokenid: tokenId(),
    ...tokenSettings,
    regenerate: Optional(
      Type.Boolean({ default: false, description: 'New secret; the old one ends at once.' }),
    ),
    delete: Optional(
      Format('pve-configid-list', { description: 'Settings to reset: comment, expire, privsep.' }),
    ),
  }),
  returns: Type.Object({
    ...TokenInfo,
    'full-tokenid': Optional(Type.String()),
    value: Optional(Type.String({ description: 'The new secret.' })),
  }),
  permission: selfOrManages,
  cli: { command: 'pveum user token modify', args: ['userid', 'tokenid'] },
});

export const tokenDelete = defineMethod({
  id: 'access.tokenDelete',
  verb: 'DELETE',
  dryRun: 'documents',
  path: '/access/users/{userid}/token/{tokenid}',
  description: 'Remove an API token with its access rules.',
  params: Type.Object({ userid: userId(), tokenid: tokenId() }),
  returns: Null(),
  permission: selfOrManages,
  cli: {
    command: 'pveum user token remove',
    args: ['userid', 'tokenid'],
    aliases: ['pveum user token delete'],
  },
});
