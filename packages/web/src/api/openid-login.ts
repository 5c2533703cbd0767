/**
 * Logins at an OpenID provider. The browser leaves for the provider and comes back to the first address of this server,
 * as the provider knows it; what was begun is kept by the tab alone, so that nobody can slip in a login of their own.
 */
import { openidAuthUrl, openidLogin } from '@ryokan/api/methods/access-openid.ts';
import { enter, loginClient } from './session.ts';

const storageKey = 'ryokan.openid';

interface Begun {
  readonly state: string;
  /** Where to go after the login, a path. */
  readonly next: string;
}

export interface OpenIdAnswer extends Begun {
  readonly code: string;
  /** What the provider says went wrong. */
  readonly error: string;
}

/** Sends the browser to the provider of a realm. */
export async function beginOpenIdLogin(realm: string, next: string): Promise<void> {
  const url = await loginClient.call(openidAuthUrl, { realm, 'redirect-url': location.origin });
  const state = new URL(url).searchParams.get('state') ?? '';
  sessionStorage.setItem(storageKey, JSON.stringify({ state, next } satisfies Begun));
  location.assign(url);
}

let answer: OpenIdAnswer | undefined;

/** Call before the pages look at the address: takes the provider's answer out of it and goes on to the login. */
export function receiveOpenIdAnswer(): void {
  const search = new URLSearchParams(location.search);
  const state = search.get('state');
  if (location.pathname !== '/' || state === null) return;
  const begun = takeBegun();
  if (begun?.state !== state) return;
  answer = { ...begun, code: search.get('code') ?? '', error: search.get('error') ?? '' };
  const next = begun.next === '' ? '' : `?next=${encodeURIComponent(begun.next)}`;
  history.replaceState(null, '', `/login${next}`);
}

function takeBegun(): Begun | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(storageKey) ?? 'null') as Begun | undefined;
  } catch {
    return undefined;
  } finally {
    sessionStorage.removeItem(storageKey);
  }
}

/** The answer that has come with this page, once. */
export function takeOpenIdAnswer(): OpenIdAnswer | undefined {
  const taken = answer;
  answer = undefined;
  return taken;
}

/** Completes a login; throws ApiError as `login` does. */
export async function completeOpenIdLogin({ code, state }: OpenIdAnswer): Promise<void> {
  enter(await loginClient.call(openidLogin, { code, state, 'redirect-url': location.origin }));
}
