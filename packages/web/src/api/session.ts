/**
 * The login of this browser. The ticket stands in a cookie that the server sets and no script can read; user name, CSRF
 * token and privileges stand in localStorage, so that every tab shares one login. Whether the cookie is good, or there at
 * all, shows with the first call: a 401 ends the session.
 */

import { createClient } from '@ryokan/api/client.ts';
import { type ResultOf, sessionHeader } from '@ryokan/api/method.ts';
import { accessLogin } from '@ryokan/api/methods/access.ts';
import { sessionEnd, sessionRenew } from '@ryokan/api/methods/access-sessions.ts';
import { useSyncExternalStore } from 'react';

export interface Session {
  /** `user@realm`. */
  readonly username: string;
  readonly csrf: string;
  /** Privileges by area: `{vms: {'VM.Allocate': 1}, …}`; says what to offer, never what is allowed. */
  readonly cap: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Milliseconds since the epoch of the login or the last renewal. */
  readonly renewed: number;
}

const storageKey = 'ryokan.session';
const renewAfterMs = 15 * 60_000;
/** Tickets live two hours on the server. */
const ticketLifeMs = 2 * 3600_000;

let current: Session | undefined = load();
const listeners = new Set<() => void>();

function load(): Session | undefined {
  if (typeof localStorage === 'undefined') return undefined;
  try {
    const session = JSON.parse(localStorage.getItem(storageKey) ?? 'null') as Session | null;
    return session && !hasRunOut(session) ? session : undefined;
  } catch {
    return undefined;
  }
}

function hasRunOut({ renewed }: Session): boolean {
  return Date.now() - renewed > ticketLifeMs;
}

function set(session: Session | undefined): void {
  current = session;
  if (session) localStorage.setItem(storageKey, JSON.stringify(session));
  else localStorage.removeItem(storageKey);
  for (const listener of listeners) listener();
}

export function session(): Session | undefined {
  return current;
}

export function useSession(): Session | undefined {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, session);
}

/**
 * The client of all pages; a 401 ends the session, and the frame then shows the login. Refusals come late: one of the
 * session before does not end that of a new login.
 */
export const api = createClient({
  csrf: () => current?.csrf,
  onUnauthenticated: (csrf) => current && current.csrf === csrf && set(undefined),
});
/** For logins, renewals and logouts, which change the cookie; a wrong password is no end of a session. */
export const loginClient = createClient({
  csrf: () => current?.csrf,
  headers: () => ({ [sessionHeader]: 'cookie' }),
});

/** The second factor that the server asks for after the password. */
export interface Challenge {
  readonly username: string;
  /** Goes back with the answer. */
  readonly ticket: string;
  readonly totp?: true;
  /** Numbers of the recovery keys that are left. */
  readonly recovery?: readonly number[];
  /** For navigator.credentials.get, with its bytes as base64url. */
  readonly webauthn?: { readonly publicKey: object };
}

/** Logs in, or gives back what is still asked for. Throws ApiError with status 401 for a wrong name or password. */
export function login(username: string, realm: string, password: string): Promise<Challenge | undefined> {
  return acquire(`${username}@${realm}`, { password });
}

/** The second step: `totp:123456`, `recovery:<key>` or `webauthn:<JSON>`. Throws ApiError with status 401. */
export async function answerChallenge({ username, ticket }: Challenge, answer: string): Promise<void> {
  await acquire(username, { password: answer, 'tfa-challenge': ticket });
}

async function acquire(
  username: string,
  proof: { readonly password: string; readonly 'tfa-challenge'?: string },
): Promise<Challenge | undefined> {
  const answer = await loginClient.call(accessLogin, { username, ...proof });
  if (answer.NeedTFA) return readChallenge(answer.username, answer.ticket ?? '');
  enter(answer);
  return undefined;
}

/** Begins the session that a login has given. */
export function enter(answer: ResultOf<typeof accessLogin>): void {
  leftByChoice = false;
  set({
    username: answer.username,
    csrf: answer.CSRFPreventionToken ?? '',
    cap: (answer.cap ?? {}) as Session['cap'],
    renewed: Date.now(),
  });
}

/** `PVE:!tfa!<question as JSON, percent-encoded>:…` */
function readChallenge(username: string, ticket: string): Challenge {
  const question = decodeURIComponent((ticket.split(':')[1] ?? '').slice('!tfa!'.length));
  return { ...(JSON.parse(question) as object), username, ticket };
}

/** Whether the last session was ended by the person and not by time: the login then asks for nothing and keeps no address. */
let leftByChoice = false;

export function endedByTime(): boolean {
  return !leftByChoice;
}

/** Ends the session, on the server too; a server that does not answer soon does not hold anybody up. */
export async function logout(): Promise<void> {
  leftByChoice = true;
  await loginClient
    // A refusal comes after three seconds, and takes the cookie away too.
    .call(sessionEnd, { id: 'current' }, { signal: AbortSignal.timeout(5000) })
    .catch(() => undefined);
  set(undefined);
}

async function renewIfDue(): Promise<void> {
  const before = current;
  if (!before) return;
  if (hasRunOut(before)) return set(undefined);
  if (Date.now() - before.renewed < renewAfterMs) return;
  try {
    const answer = await loginClient.call(sessionRenew, { id: 'current' });
    // Meanwhile another tab may have logged out, logged in, or renewed as well.
    if (current === before) enter(answer);
  } catch (error) {
    // Refused: the user is gone or disabled. Not reachable: try again at the next tick.
    if ((error as { status?: number }).status === 401 && current === before) set(undefined);
  }
}

/** Renews the ticket in time and follows logins and logouts of other tabs. Call once at start. */
export function keepSession(): void {
  setInterval(renewIfDue, 60_000);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void renewIfDue();
  });
  window.addEventListener('storage', (event) => {
    if (event.key !== storageKey) return;
    current = load();
    for (const listener of listeners) listener();
  });
}

/** Whether the login has a privilege anywhere in an area; root@pam has all. */
export function may(area: 'vms' | 'storage' | 'nodes' | 'access' | 'dc', privilege: string): boolean {
  return current?.username === 'root@pam' || Boolean(current?.cap[area]?.[privilege]);
}
