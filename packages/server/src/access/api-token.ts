/** API tokens: ids below a user, each with a secret that is shown once. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigStore } from '../cluster/store.ts';
import { editAccess } from './access-documents.ts';
import { newSecret } from './token-secrets.ts';
import type { Token, UserConfigView, View } from './user-config.ts';
import { forgetToken, requireUser } from './users.ts';

export interface TokenFields {
  readonly comment?: string | undefined;
  /** Seconds since the epoch, 0 = never. */
  readonly expire?: number | undefined;
  readonly privsep?: boolean | undefined;
}

/** Makes a token and returns its secret. A token without `expire` ends with its user. */
export async function createToken(
  store: ConfigStore,
  user: string,
  token: string,
  fields: TokenFields,
  author: string,
): Promise<{ readonly secret: string; readonly token: Token }> {
  return editAccess(store, author, ({ config, secrets }) => {
    const owner = requireUser(config, user);
    if (owner.tokens.has(token)) throw new ParameterError({ tokenid: 'Token already exists.' });
    const made: Token = {
      expire: fields.expire ?? owner.expire,
      privsep: fields.privsep ?? true,
      comment: fields.comment ?? '',
    };
    owner.tokens.set(token, made);
    return { secret: newSecret(secrets, `${user}!${token}`), token: made };
  });
}

/** Changes a token; with `regenerate` it gets a new secret, which is returned, and the old one ends at once. */
export async function changeToken(
  store: ConfigStore,
  user: string,
  token: string,
  fields: TokenFields & { readonly regenerate?: boolean | undefined },
  author: string,
): Promise<{ readonly secret: string | undefined; readonly token: Token }> {
  return editAccess(store, author, ({ config, secrets }) => {
    const found = requireUser(config, user).tokens.get(token);
    if (!found) throw noToken(user, token);
    if (fields.comment !== undefined) found.comment = fields.comment;
    if (fields.expire !== undefined) found.expire = fields.expire;
    if (fields.privsep !== undefined) found.privsep = fields.privsep;
    const secret = fields.regenerate ? newSecret(secrets, `${user}!${token}`) : undefined;
    return { secret, token: found };
  });
}

export async function removeToken(
  store: ConfigStore,
  user: string,
  token: string,
  author: string,
): Promise<void> {
  await editAccess(store, author, (state) => {
    if (!requireUser(state.config, user).tokens.has(token)) throw noToken(user, token);
    forgetToken(state, user, token);
  });
}

/** Throws RyokanError 'not-found'. */
export function requireToken(config: UserConfigView, user: string, token: string): View<Token> {
  const found = config.users.get(user)?.tokens.get(token);
  if (!found) throw noToken(user, token);
  return found;
}

const noToken = (user: string, token: string): RyokanError =>
  new RyokanError('not-found', `no such token '${token}' for user '${user}'`);
