/** Handlers of logins by OpenID Connect. Only the daemon has them: logins under way are in its memory. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { openidAuthUrl, openidIndex, openidLogin } from '@ryokan/api/methods/access-openid.ts';
import type { OpenIdLogins } from '../../access/realms/openid/logins.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { childrenOf } from '../directory.ts';
import type { HandlerTable } from '../handler-table.ts';
import { loginReply } from '../session-cookie.ts';

export function openidHandlers(table: HandlerTable, { store, access, log }: DaemonServices): void {
  let made: Promise<OpenIdLogins> | undefined;
  /** Loaded with the first login: nodes without a provider do without the client. */
  const logins = () => {
    made ??= import('../../access/realms/openid/logins.ts').then((part) => new part.OpenIdLogins(store));
    return made;
  };
  table.on(openidIndex, () => childrenOf(openidIndex, 'subdir'));
  table.on(openidAuthUrl, async ({ realm, 'redirect-url': redirectUrl }) =>
    (await logins()).begin(realm, redirectUrl),
  );
  table.on(openidLogin, async ({ state, code, 'redirect-url': redirectUrl }, call) => {
    const { remote, agent = '' } = call;
    try {
      const { user, warnings } = await (await logins()).complete(state, code, redirectUrl);
      for (const warning of warnings) log.warn({ user, remote }, `OpenID login: ${warning}`);
      return loginReply(access.loginVouched(user, { remote, agent }), call);
    } catch (error) {
      log.warn({ err: error, remote }, 'login by OpenID refused');
      // What a provider or the library says is for the log; whoever asks is not logged in.
      if (error instanceof RyokanError && error.code === 'unauthenticated' && error.cause !== undefined) {
        throw new RyokanError('unauthenticated', 'authentication failure');
      }
      throw error;
    }
  });
}
