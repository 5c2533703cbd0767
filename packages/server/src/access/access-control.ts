/** Who may do what: the interface that the API kernel uses. access-service.ts implements it. */
import type { Privilege } from '@ryokan/api/privileges.ts';
import type { FactorChanges } from './second-factor/factor-changes.ts';
import type { Origin, Sessions } from './sessions/sessions.ts';

export interface Identity {
  /** `user@realm`, or `user@realm!token` for an API token. */
  readonly user: string;
  readonly isToken: boolean;
  /** The session of the ticket; undefined for an API token. */
  readonly session?: string;
  /** Does the session go on, or is the token good? Unlike the ticket, a session outlives two hours by being renewed. */
  readonly goesOn: () => boolean;
}

/** Who asks to be let in, from where. */
export interface Client extends Origin {
  /** The `Host` header: security keys are bound to the name of the Web UI. */
  readonly host?: string | undefined;
}

export interface LoginRequest {
  readonly username: string;
  readonly realm?: string | undefined;
  /** The password, or a ticket that still holds; with `challenge` the answer `totp:123456`, `recovery:…`, `webauthn:{…}`. */
  readonly password: string;
  /** The ticket of the first step of a login with a second factor. */
  readonly challenge?: string | undefined;
  /** A TOTP code that is given together with the password, by older clients. */
  readonly otp?: string | undefined;
}

export interface Credentials {
  /** Value of the PVEAuthCookie, decoded; undefined without one. */
  readonly ticket?: string | undefined;
  /** `user@realm!id=secret` from `Authorization: PVEAPIToken…`. */
  readonly apiToken?: string | undefined;
  readonly csrfToken?: string | undefined;
}

export interface LoginResult {
  readonly username: string;
  readonly ticket: string;
  readonly CSRFPreventionToken: string;
  /** Absent in the first step of a login with a second factor. */
  readonly cap?: Readonly<Record<string, Readonly<Record<string, 1>>>>;
  /** A second factor is needed: the ticket is only good to ask for it. */
  readonly NeedTFA?: 1;
}

/** Who exists and belongs where; rules on users need it (`authorize`). */
export interface UserDirectory {
  userExists(user: string): boolean;
  /** Groups of a user; none for an unknown one or a token. */
  groupsOf(user: string): readonly string[];
}

export interface AccessControl extends UserDirectory {
  /**
   * Checks ticket or token. `needCsrf` for methods that change something: with a ticket the CSRF token must fit.
   * Throws RyokanError 'unauthenticated' whose message is the HTTP reason (`No ticket`, `invalid PVE ticket`, …).
   * Synchronous: it stands in front of every request.
   */
  authenticate(credentials: Credentials, needCsrf: boolean): Identity;
  /**
   * Password login, its second step, or renewal with a still valid ticket as password. Throws 'unauthenticated'.
   * Failures are counted by the client's address.
   */
  login(request: LoginRequest, client?: Client): Promise<LoginResult>;
  /**
   * Begins a session for a user whom the realm's own provider has vouched for. `factor`: what proved it besides.
   * Throws 'unauthenticated' when the user is disabled or expired.
   */
  loginVouched(user: string, client?: Origin, factor?: string): LoginResult;
  /** A new ticket for a session that the caller has just been seen to have. */
  renewSession(user: string, session: string, client: Origin): LoginResult;
  readonly sessions: Sessions;
  readonly factors: FactorChanges;
  /** Checks the password of a user who is enabled. Throws 'unauthenticated', like `login`. */
  verifyPassword(user: string, password: string, remote?: string): Promise<void>;
  /** Privileges on an ACL path, those of a token cut to what its user has. root@pam has all. */
  privileges(user: string, path: string): ReadonlySet<Privilege>;
  /** Privileges that the user has on every ACL path: what is in it need not be asked for path by path. */
  privilegesEverywhere(user: string): ReadonlySet<Privilege>;
  /** A ticket for one console: bound to user, ACL path and port, valid for 30 s. `PVEVNC:…`. */
  consoleTicket(user: string, path: string, port: number): string;
  /**
   * True when the ticket was made for exactly this user, path and port and is fresh; it can be used once.
   * With `keep` it is only looked at and stays usable.
   */
  checkConsoleTicket(ticket: string, user: string, path: string, port: number, keep?: boolean): boolean;
  close(): void;
}
