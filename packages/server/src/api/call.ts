/** Who calls, and what they may do: made by the dispatcher for a handler. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { rootUser } from '../access/user-config.ts';
import type { Services } from '../services.ts';
import type { Call } from './handler-table.ts';

const always = () => true;

/** What a call comes from. `source` is asked for its signal when a handler looks at it. */
export interface CallSource
  extends Pick<Call, 'user' | 'remote' | 'session' | 'host' | 'agent' | 'wantsCookie' | 'uploadSize'> {
  readonly source: { readonly signal: AbortSignal };
  /** Default: yes. */
  readonly isLoggedIn?: () => boolean;
  /** Default: yes. */
  readonly goesOn?: () => boolean;
}

/** What a handler knows about its caller. */
export function createCall(services: Services, from: CallSource): Call {
  const { access } = services;
  const { user, source, isLoggedIn = always, goesOn = always, ...rest } = from;
  const isRoot = user === rootUser;
  const holds = (held: ReadonlySet<Privilege>, privileges: readonly Privilege[], any: boolean) =>
    any ? privileges.some((one) => held.has(one)) : privileges.every((one) => held.has(one));
  const can = (path: string, privileges: readonly Privilege[], any = false): boolean =>
    isRoot || holds(access.privileges(user, path), privileges, any);
  return {
    ...rest,
    user,
    get signal() {
      return source.signal;
    },
    isRoot,
    isLoggedIn,
    goesOn,
    can,
    demand(path, privileges, any = false) {
      if (can(path, privileges, any)) return;
      throw new RyokanError('forbidden', `Permission check failed (${path}, ${privileges.join('|')})`);
    },
    canEverywhere: (privileges, any = false) =>
      isRoot || holds(access.privilegesEverywhere(user), privileges, any),
  };
}
