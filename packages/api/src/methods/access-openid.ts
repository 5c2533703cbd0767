/** Logins by a provider of OpenID Connect. */
import { defineMethod } from '../method.ts';
import { RealmId } from '../schema/realm-options.ts';
import { Bit, Subdirs, Type } from '../schema/types.ts';

const Optional = Type.Optional;
const redirectUrl = () =>
  Type.String({
    maxLength: 255,
    description: 'Where the provider sends the browser back to; registered with the provider.',
  });

export const openidIndex = defineMethod({
  id: 'access.openidIndex',
  verb: 'GET',
  path: '/access/openid',
  description: 'Directory of logins by OpenID Connect.',
  params: Type.Object({}),
  returns: Subdirs(),
  permission: { user: 'all' },
});

export const openidAuthUrl = defineMethod({
  id: 'access.openidAuthUrl',
  verb: 'POST',
  path: '/access/openid/auth-url',
  description: 'Begin a login: the address at the provider to send the browser to. It holds for ten minutes.',
  params: Type.Object({ realm: RealmId(), 'redirect-url': redirectUrl() }),
  returns: Type.String({ description: 'The address.' }),
  permission: { user: 'world' },
});

export const openidLogin = defineMethod({
  id: 'access.openidLogin',
  verb: 'POST',
  path: '/access/openid/login',
  description: 'Complete a login with what the provider has sent back. Each state can be used once.',
  params: Type.Object({
    code: Type.String({ maxLength: 4096, description: 'The code of the answer.' }),
    state: Type.String({ maxLength: 1024, description: 'The state of the answer.' }),
    'redirect-url': redirectUrl(),
  }),
  returns: Type.Object({
    username: Type.String(),
    ticket: Optional(Type.String()),
    CSRFPreventionToken: Type.String(),
    clustername: Optional(Type.String()),
    cap: Type.Record(Type.String(), Type.Record(Type.String(), Bit())),
  }),
  permission: { user: 'world' },
  session: true,
});
