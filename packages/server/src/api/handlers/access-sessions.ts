/** Handlers for sessions. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { sessionEnd, sessionList, sessionRenew } from '@ryokan/api/methods/access-sessions.ts';
import { readUserConfig } from '../../access/access-documents.ts';
import type { Services } from '../../services.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { cookieReply, logoutReply } from '../session-cookie.ts';
import { visibleUsers } from '../visible-users.ts';

export function sessionHandlers(table: HandlerTable, { access, store, clusterLog }: Services): void {
  const isVisible = (call: Call) => visibleUsers(readUserConfig(store), call, ['User.Modify', 'Sys.Audit']);
  const isManaged = (call: Call) => visibleUsers(readUserConfig(store), call, ['User.Modify']);

  table.on(sessionList, (_params, call) => {
    const visible = isVisible(call);
    return access.sessions
      .list()
      .filter(({ user }) => visible(user))
      .map(({ id, user, remote, agent, factor, created, renewed, seen }) => ({
        id,
        userid: user,
        remote,
        agent,
        created,
        renewed,
        seen,
        ...(isFactor(factor) ? { tfa: factor } : {}),
        ...(id === call.session ? { current: 1 as const } : {}),
      }));
  });
  table.on(sessionRenew, (_params, call) => {
    const { user, remote, agent = '' } = call;
    const session = ownSession(call);
    if (!call.goesOn()) throw new RyokanError('unauthenticated', 'invalid PVE ticket');
    const result = access.renewSession(user, session, { remote, agent });
    clusterLog.add(user, `successful auth for user '${user}'`);
    return cookieReply(result);
  });
  table.on(sessionEnd, async ({ id }, call) => {
    if (id === 'current') {
      await access.sessions.end(ownSession(call), call.user);
      return logoutReply(call);
    }
    const { user } = access.sessions.require(id, isVisible(call));
    if (!isManaged(call)(user)) throw new RyokanError('forbidden', 'Permission check failed');
    await access.sessions.end(id, call.user);
    return null;
  });
}

function ownSession({ session }: Call): string {
  if (session !== undefined) return session;
  throw new RyokanError(
    'state',
    'this call has no session: it came with an API token, or by the socket of root',
  );
}

type Factor = 'totp' | 'webauthn' | 'recovery';
const isFactor = (text: string): text is Factor => ['totp', 'webauthn', 'recovery'].includes(text);
