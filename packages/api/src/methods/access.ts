/** Logging in, effective permissions. Realms, users, groups, roles and rules stand in the files beside. */
import { defineMethod } from '../method.ts';
import { RealmId } from '../schema/realm-options.ts';
import { Bit, Format, Null, Subdirs, Type } from '../schema/types.ts';

export * from './access-realms.ts';
export * from './access-rules.ts';
export * from './access-sessions.ts';
export * from './access-tfa.ts';
export * from './access-users.ts';
export * from './access-why.ts';

const Optional = Type.Optional;

const Capabilities = Type.Record(Type.String(), Type.Record(Type.String(), Bit()), {
  description: 'What the user may do somewhere, by area of the user interface.',
});

export const accessIndex = defineMethod({
  id: 'access.index',
  verb: 'GET',
  path: '/access',
  description: 'Directory of access control.',
  params: Type.Object({}),
  returns: Subdirs(),
  permission: { user: 'all' },
});

export const accessTicketPage = defineMethod({
  id: 'access.ticketPage',
  verb: 'GET',
  path: '/access/ticket',
  description: 'Does nothing. Login forms of programs that expect a page here find one.',
  params: Type.Object({}),
  returns: Null(),
  permission: { user: 'world' },
});

export const accessLogin = defineMethod({
  id: 'access.login',
  verb: 'POST',
  path: '/access/ticket',
  description:
    'Log in. The ticket goes into the cookie PVEAuthCookie, the CSRF prevention token into a header of the same ' +
    'name for everything that changes something; both hold for two hours. A ticket that still holds can stand in ' +
    'place of the password and is renewed so. With path and privs nothing is given out: it only checks them.',
  params: Type.Object({
    username: Type.String({ maxLength: 64, description: 'User name, with or without @realm.' }),
    password: Type.String({
      secret: true,
      description:
        'The password, or a valid ticket of the same user; with tfa-challenge the second factor: totp:123456, recovery:<key> or webauthn:<JSON>.',
    }),
    realm: Optional(RealmId()),
    otp: Optional(
      Type.String({ secret: true, description: 'A TOTP code given together with the password.' }),
    ),
    'tfa-challenge': Optional(
      Type.String({ secret: true, description: 'The ticket that asked for a second factor.' }),
    ),
    'new-format': Optional(
      Type.Boolean({ default: true, description: 'Has no effect; old clients send it.' }),
    ),
    path: Optional(
      Type.String({ maxLength: 64, requires: 'privs', description: 'Check the rights on this path.' }),
    ),
    privs: Optional(
      Format('pve-priv-list', {
        maxLength: 64,
        requires: 'path',
        description: 'Privileges to check; all needed.',
      }),
    ),
  }),
  returns: Type.Object({
    username: Type.String(),
    ticket: Optional(Type.String()),
    CSRFPreventionToken: Optional(Type.String()),
    NeedTFA: Optional(
      Bit(
        '1: a second factor is needed. The ticket, `PVE:!tfa!<question as JSON, percent-encoded>:…`, goes into tfa-challenge.',
      ),
    ),
    clustername: Optional(Type.String()),
    cap: Optional(Capabilities),
  }),
  permission: { user: 'world' },
  session: true,
  allowToken: false,
});

export const accessCheckConsoleTicket = defineMethod({
  id: 'access.checkConsoleTicket',
  verb: 'POST',
  path: '/access/vncticket',
  description: 'Check a console ticket and the rights of its user. The ticket stays usable.',
  params: Type.Object({
    authid: Type.String({ maxLength: 64, description: 'The user, or full id of the API token.' }),
    vncticket: Type.String({ secret: true, description: 'The console ticket.' }),
    path: Type.String({ maxLength: 64, description: 'The ACL path that the ticket is for.' }),
    privs: Format('pve-priv-list', { maxLength: 64, description: 'Privileges to check; all needed.' }),
    port: Optional(Type.Integer({ description: 'The port that the ticket is for.' })),
  }),
  returns: Null(),
  permission: { user: 'world' },
});

export const accessPassword = defineMethod({
  id: 'access.password',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/access/password',
  description: 'Change a password. Everybody but root@pam confirms it with the own current password.',
  params: Type.Object({
    userid: Format('pve-userid', { maxLength: 64, description: 'Full user id, name@realm.' }),
    password: Type.String({ secret: true, minLength: 8, maxLength: 64, description: 'The new password.' }),
    'confirmation-password': Optional(
      Type.String({
        secret: true,
        minLength: 5,
        maxLength: 64,
        description: 'The current password of the caller.',
      }),
    ),
  }),
  returns: Null(),
  permission: {
    or: [
      { self: 'userid' },
      {
        and: [
          { realmOf: 'userid', privs: ['Realm.AllocateUser'] },
          { userGroup: 'userid', privs: ['User.Modify'] },
        ],
      },
    ],
  },
  allowToken: false,
  cli: { command: 'pveum passwd', args: ['userid'] },
});

export const accessPermissions = defineMethod({
  id: 'access.permissions',
  verb: 'GET',
  path: '/access/permissions',
  description:
    'The privileges that a user or API token has in effect, by path; 1 where they hold below the path too.',
  params: Type.Object({
    userid: Optional(
      Type.String({
        pattern: '[^\\s:/]+@[A-Za-z][A-Za-z0-9.\\-_]+(?:![A-Za-z][A-Za-z0-9.\\-_]+)?',
        description: 'User id or full token id; the caller when not given.',
      }),
    ),
    path: Optional(Type.String({ description: 'Only this path.' })),
  }),
  returns: Type.Record(Type.String(), Type.Record(Type.String(), Bit())),
  permission: { user: 'all' },
  cli: { command: 'pveum user permissions', args: ['userid'] },
});
