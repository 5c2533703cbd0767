/** What keeps a user or an API token out, whatever rights they have. */
import { splitTokenId, type UserConfigView } from './user-config.ts';

/** Why the user or token may not come in at `now` (ms); undefined when nothing is in the way. */
export function obstacleOf(config: UserConfigView, id: string, now: number): string | undefined {
  const token = splitTokenId(id);
  if (!token) return userObstacle(config, id, now);
  const info = config.users.get(token.user)?.tokens.get(token.token);
  if (!info) return 'no such token';
  if (isPast(info.expire, now)) return 'token access expired';
  return userObstacle(config, token.user, now);
}

function userObstacle(config: UserConfigView, id: string, now: number): string | undefined {
  const entry = config.users.get(id);
  if (!entry) return 'no such user';
  if (!entry.enable) return 'user is disabled';
  return isPast(entry.expire, now) ? 'user account expired' : undefined;
}

/** `expire` in seconds, 0 for never. */
const isPast = (expire: number, now: number): boolean => expire > 0 && expire * 1000 <= now;
