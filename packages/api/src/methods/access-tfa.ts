/** Second factors: TOTP, security keys (WebAuthn) and recovery keys. */
import { defineMethod, type Permission } from '../method.ts';
import { Bit, Enum, Format, Null, Type } from '../schema/types.ts';

const Optional = Type.Optional;

/** u2f and yubico are kinds of the public API that cannot be added here. */
const factorTypes = ['totp', 'u2f', 'webauthn', 'recovery', 'yubico'] as const;

const userId = () => Format('pve-userid', { maxLength: 64, description: 'Full user id, name@realm.' });
const factorId = () => Type.String({ description: 'The id of the second factor.' });
const password = () =>
  Optional(
    Type.String({
      secret: true,
      minLength: 5,
      maxLength: 64,
      description: 'The current password of the caller. root@pam needs none on the command line.',
    }),
  );

const Factor = Type.Object({
  id: Type.String({ description: "'recovery' for the recovery keys." }),
  type: Enum(factorTypes),
  description: Type.String(),
  created: Type.Integer({ description: 'Seconds since the epoch.' }),
  enable: Optional(Bit()),
  left: Optional(Type.Integer({ description: 'Recovery keys that were not used yet.' })),
});

const self: Permission = { self: 'userid' };
const reads: Permission = { or: [self, { userGroup: 'userid', privs: ['User.Modify', 'Sys.Audit'] }] };
const changes: Permission = { or: [self, { userGroup: 'userid', privs: ['User.Modify'] }] };

export const tfaList = defineMethod({
  id: 'access.tfaList',
  verb: 'GET',
  path: '/access/tfa',
  description: 'Second factors by user: of all users whom the caller may see or change, and of the caller.',
  params: Type.Object({}),
  returns: Type.Array(
    Type.Object({
      userid: Type.String(),
      entries: Type.Array(Factor),
      'totp-locked': Optional(Bit('1: too many wrong codes; a recovery key or an administrator unlocks it.')),
      'tfa-locked-until': Optional(Type.Integer({ description: 'Seconds since the epoch.' })),
    }),
  ),
  permission: { user: 'all' },
});

export const tfaUser = defineMethod({
  id: 'access.tfaUser',
  verb: 'GET',
  path: '/access/tfa/{userid}',
  description: 'The second factors of a user.',
  params: Type.Object({ userid: userId() }),
  returns: Type.Array(Factor),
  permission: reads,
  cli: {
    command: 'pveum tfa list',
    args: ['userid'],
    columns: ['id', 'type', 'description', 'created', 'enable', 'left'],
  },
});

export const tfaAdd = defineMethod({
  id: 'access.tfaAdd',
  verb: 'POST',
  path: '/access/tfa/{userid}',
  description:
    'Add a second factor. totp: `totp` is the key as otpauth URI, `value` a present code of it. recovery: ten keys, in ' +
    'this answer only. webauthn in two calls: the first answers with a challenge, the second brings the `challenge` ' +
    "string in it and, as `value`, the browser's answer as JSON.",
  params: Type.Object({
    userid: userId(),
    type: Enum(factorTypes),
    description: Optional(Type.String({ maxLength: 255, description: 'To tell it from others.' })),
    totp: Optional(Type.String({ secret: true, description: 'otpauth://totp/…' })),
    value: Optional(
      Type.String({ secret: true, description: 'A present code, or the answer of a security key.' }),
    ),
    challenge: Optional(
      Type.String({ secret: true, description: 'The challenge that a security key has answered.' }),
    ),
    password: password(),
  }),
  returns: Type.Object({
    id: Optional(Type.String()),
    challenge: Optional(Type.String({ description: 'JSON for navigator.credentials.create.' })),
    recovery: Optional(Type.Array(Type.String(), { description: 'Each key is good for one login.' })),
  }),
  permission: changes,
  allowToken: false,
  cli: { command: 'pveum tfa add', args: ['userid', 'type'] },
});

export const tfaRead = defineMethod({
  id: 'access.tfaRead',
  verb: 'GET',
  path: '/access/tfa/{userid}/{id}',
  description: 'One second factor, without its secret.',
  params: Type.Object({ userid: userId(), id: factorId() }),
  returns: Factor,
  permission: reads,
});

export const tfaUpdate = defineMethod({
  id: 'access.tfaUpdate',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/access/tfa/{userid}/{id}',
  description: 'Describe a second factor, or switch it off and on.',
  params: Type.Object({
    userid: userId(),
    id: factorId(),
    description: Optional(Type.String({ maxLength: 255 })),
    enable: Optional(Type.Boolean({ description: 'Off: it is not asked for.' })),
    password: password(),
  }),
  returns: Null(),
  permission: changes,
  allowToken: false,
  cli: { command: 'pveum tfa modify', args: ['userid', 'id'] },
});

export const tfaDelete = defineMethod({
  id: 'access.tfaDelete',
  verb: 'DELETE',
  dryRun: 'documents',
  path: '/access/tfa/{userid}/{id}',
  description: 'Remove a second factor.',
  params: Type.Object({ userid: userId(), id: factorId(), password: password() }),
  returns: Null(),
  permission: changes,
  allowToken: false,
  cli: { command: 'pveum tfa delete', args: ['userid', 'id'] },
});

export const tfaTypes = defineMethod({
  id: 'access.tfaTypes',
  verb: 'GET',
  path: '/access/users/{userid}/tfa',
  description: 'Which kinds of second factors a user has.',
  params: Type.Object({
    userid: userId(),
    multiple: Optional(Type.Boolean({ default: false, description: 'All kinds, as `types`.' })),
  }),
  returns: Type.Object({
    realm: Optional(Enum(['oath', 'yubico'], { description: 'What the realm demands.' })),
    user: Optional(Enum(['oath', 'u2f'])),
    types: Optional(Type.Array(Enum(factorTypes))),
  }),
  permission: reads,
});

export const tfaUnlock = defineMethod({
  id: 'access.tfaUnlock',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/access/users/{userid}/unlock-tfa',
  description:
    'Unlock the second factors of a user after too many wrong answers. True when they were locked.',
  params: Type.Object({ userid: userId() }),
  returns: Bit(),
  permission: { userGroup: 'userid', privs: ['User.Modify'] },
  cli: { command: 'pveum tfa unlock', args: ['userid'] },
});
