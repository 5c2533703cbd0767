/** Sessions: logins that go on, of oneself and, for those who look after users, of others. Not in the public API. */
import { defineMethod } from '../method.ts';
import { Bit, Enum, Null, Type } from '../schema/types.ts';

const Optional = Type.Optional;

export const sessionList = defineMethod({
  id: 'access.sessionList',
  verb: 'GET',
  path: '/access/sessions',
  description:
    'Logins to this node that go on: those of the caller, of users whom the caller manages, and all with Sys.Audit on /access. ' +
    'API tokens have none.',
  params: Type.Object({}),
  returns: Type.Array(
    Type.Object({
      id: Type.String(),
      userid: Type.String(),
      remote: Type.String({ description: 'Address of the client.' }),
      agent: Type.String({ description: 'What the client calls itself.' }),
      created: Type.Integer({ description: 'Login, in seconds since the epoch.' }),
      renewed: Type.Integer({
        description: 'When its present ticket was given out; it holds for two hours.',
      }),
      seen: Type.Integer({ description: 'Last call.' }),
      tfa: Optional(
        Enum(['totp', 'webauthn', 'recovery'], { description: 'The second factor that was used.' }),
      ),
      current: Optional(Bit('1: the session of this call.')),
    }),
  ),
  permission: { user: 'all' },
  extension: true,
  cli: {
    command: 'pveum session list',
    columns: ['id', 'userid', 'remote', 'tfa', 'created', 'seen', 'agent'],
  },
});

export const sessionRenew = defineMethod({
  id: 'access.sessionRenew',
  verb: 'PUT',
  path: '/access/sessions/{id}',
  description:
    "Renew the caller's own session for two hours, for pages in a browser: the new ticket is in the cookie PVEAuthCookie, " +
    'which scripts cannot read, and nowhere else. Other clients renew by logging in with the ticket as password.',
  params: Type.Object({
    id: Type.String({ pattern: 'current', description: "'current'; nobody can renew for others." }),
  }),
  returns: Type.Object({
    username: Type.String(),
    CSRFPreventionToken: Type.String(),
    cap: Type.Record(Type.String(), Type.Record(Type.String(), Bit())),
  }),
  permission: { user: 'all' },
  session: true,
  allowToken: false,
  extension: true,
});

export const sessionEnd = defineMethod({
  id: 'access.sessionEnd',
  verb: 'DELETE',
  dryRun: 'documents',
  path: '/access/sessions/{id}',
  description:
    "End a session: none of its tickets holds any more. 'current' is the caller's own, so this logs out.",
  params: Type.Object({
    id: Type.String({ pattern: 'current|[0-9a-f]{24}', description: "The session's id, or 'current'." }),
  }),
  returns: Null(),
  permission: { user: 'all' },
  session: true,
  extension: true,
  cli: { command: 'pveum session end', args: ['id'] },
});
