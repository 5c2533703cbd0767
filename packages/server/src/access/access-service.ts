/** Access control at work: the implementation of `AccessControl` over the config store. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { checkFormat } from '@ryokan/api/schema/formats.ts';
import type { ConfigStore } from '../cluster/store.ts';
import type { Logger } from '../host/log.ts';
import type { DataPaths } from '../host/paths.ts';
import type { AccessControl, Credentials, Identity, LoginResult } from './access-control.ts';
import { readTokenSecrets, readUserConfig, userCfg } from './access-documents.ts';
import { capabilities } from './capabilities.ts';
import { loadTicketKeys } from './keys.ts';
import { LoginLimit } from './login-limit.ts';
import { groupsOf, heldEverywhere, heldOn } from './permissions.ts';
import { knownSpelling, realmDriver, splitUserId, type Verdict } from './realms/realm.ts';
import { findRealm } from './realms/realm-config.ts';
import { type Clock, Tickets } from './ticket.ts';
import { readApiToken, secretMatches } from './token-secrets.ts';

export interface AccessServiceOptions {
  readonly store: ConfigStore;
  readonly paths: DataPaths;
  readonly log: Logger;
  /** Default Date.now. */
  readonly clock?: Clock;
}

/** Reads the keys that `initializeAccess` made. Throws RyokanError 'failed' when they are missing or damaged. */
export function createAccessService(options: AccessServiceOptions): AccessService {
  return new AccessService(options);
}

export class AccessService implements AccessControl {
  private readonly store: ConfigStore;
  private readonly log: Logger;
  private readonly clock: Clock;
  private readonly tickets: Tickets;
  private readonly limit: LoginLimit;
  private readonly stopWatch: () => void;

  constructor({ store, paths, log, clock = Date.now }: AccessServiceOptions) {
    this.store = store;
    this.log = log;
    this.clock = clock;
    this.tickets = new Tickets(loadTicketKeys(paths), clock);
    this.limit = new LoginLimit(clock);
    this.reportProblems();
    this.stopWatch = store.watch(userCfg, () => this.reportProblems());
  }

  authenticate({ ticket, apiToken, csrfToken }: Credentials, needCsrf: boolean): Identity {
    if (ticket !== undefined && ticket !== '') return this.byTicket(ticket, csrfToken, needCsrf);
    if (apiToken !== undefined) return this.byToken(apiToken);
    throw unauthenticated('No ticket');
  }

  async login(
    username: string,
    realm: string | undefined,
    password: string,
    remote = '',
  ): Promise<LoginResult> {
    const typed = realm === undefined ? username : `${username}@${realm}`;
    const user = knownSpelling(this.store, this.config, typed);
    if (looksLikeTicket(password)) this.checkRenewal(user, password);
    else await this.verifyPassword(user, password, remote);
    return this.loggedIn(user);
  }

  loginVouched(user: string, remote = ''): LoginResult {
    const obstacle = this.obstacle(user);
    if (obstacle === undefined) return this.loggedIn(user);
    this.log.warn({ user: loggable(user), remote, reason: obstacle }, 'login refused');
    throw unauthenticated('authentication failure');
  }

  private loggedIn(user: string): LoginResult {
    return {
      username: user,
      ticket: this.tickets.login(user),
      CSRFPreventionToken: this.tickets.csrf(user),
      cap: capabilities(this.config, user),
    };
  }

  async verifyPassword(user: string, password: string, remote = ''): Promise<void> {
    const wait = this.limit.wait(user, remote);
    if (wait > 0) {
      throw unauthenticated(`authentication failure - too many failed logins, try again in ${wait} s`);
    }
    const verdict = await this.judge(user, password, remote);
    if (verdict.ok) return this.limit.succeeded(user, remote);
    this.limit.failed(user, remote);
    // The reason goes to the log only: an answer that tells it would tell which users exist.
    this.log.warn({ user: loggable(user), remote, reason: verdict.refusal }, 'login refused');
    throw unauthenticated('authentication failure');
  }

  privileges(user: string, path: string): ReadonlySet<Privilege> {
    return heldOn(this.config, user, path).set;
  }

  privilegesEverywhere(user: string): ReadonlySet<Privilege> {
    return heldEverywhere(this.config, user);
  }

  userExists(user: string): boolean {
    return this.config.users.has(user);
  }

  groupsOf(user: string): readonly string[] {
    return groupsOf(this.config, user);
  }

  consoleTicket(user: string, path: string, port: number): string {
    return this.tickets.console(user, path, port);
  }

  checkConsoleTicket(ticket: string, user: string, path: string, port: number, keep = false): boolean {
    return this.tickets.consoleFits(ticket, user, path, port, !keep);
  }

  spiceTicket(vmid: number, node: string): string {
    return this.tickets.spice(vmid, node);
  }

  spiceTicketVmid(ticket: string, node: string): number | undefined {
    return this.tickets.spiceVmid(ticket, node);
  }

  /** Ends the watch on user.cfg. */
  close(): void {
    this.stopWatch();
  }

  private get config() {
    return readUserConfig(this.store);
  }

  private byTicket(ticket: string, csrfToken: string | undefined, needCsrf: boolean): Identity {
    const user = this.tickets.loginUser(ticket);
    if (user === undefined) throw unauthenticated('invalid PVE ticket');
    const obstacle = this.obstacle(user);
    if (obstacle !== undefined) throw unauthenticated(obstacle);
    if (needCsrf && (csrfToken === undefined || !this.tickets.csrfFits(csrfToken, user))) {
      throw unauthenticated('Permission denied - invalid csrf token');
    }
    return { user, isToken: false };
  }

  private byToken(text: string): Identity {
    const given = readApiToken(text);
    if (!given || !secretMatches(readTokenSecrets(this.store), given)) {
      throw unauthenticated('invalid token value!');
    }
    const token = this.config.users.get(given.user)?.tokens.get(given.token);
    if (!token) throw unauthenticated('invalid token value!');
    if (this.isPast(token.expire)) throw unauthenticated('token access expired');
    const obstacle = this.obstacle(given.user);
    if (obstacle !== undefined) throw unauthenticated(obstacle);
    return { user: given.id, isToken: true };
  }

  /** Why a known user may not come in at present. */
  private obstacle(user: string): string | undefined {
    const entry = this.config.users.get(user);
    if (!entry) return 'no such user';
    if (!entry.enable) return 'user is disabled';
    if (this.isPast(entry.expire)) return 'user account expired';
    return undefined;
  }

  private isPast(expire: number): boolean {
    return expire > 0 && expire * 1000 <= this.clock();
  }

  private checkRenewal(user: string, ticket: string): void {
    if (this.tickets.loginUser(ticket) === user && this.obstacle(user) === undefined) return;
    throw unauthenticated('authentication failure');
  }

  private async judge(user: string, password: string, remote: string): Promise<Verdict> {
    const refuse = (refusal: string): Verdict => ({ ok: false, refusal });
    if (checkFormat('pve-userid', user) !== undefined) return refuse('no user id');
    const obstacle = this.obstacle(user);
    if (obstacle !== undefined) return refuse(obstacle);
    if (password === '') return refuse('empty password');
    // Second factors are not built yet; who has set one up elsewhere must not get in without it.
    if (/^x(!|$)/.test(this.config.users.get(user)?.keys ?? ''))
      return refuse('second factor not supported yet');
    const { name, realm } = splitUserId(user);
    const config = findRealm(this.store, realm);
    if (!config) return refuse('unknown realm');
    try {
      return await realmDriver(config.type).check(this.store, config, name, password, remote);
    } catch (error) {
      this.log.error({ err: error, user: loggable(user) }, 'a realm could not check a password');
      throw error;
    }
  }

  private reportProblems(): void {
    for (const problem of this.config.problems) this.log.warn(problem);
  }
}

/** Such a text is no password of anybody, and realms and their logs have no business with tickets. */
const looksLikeTicket = (text: string): boolean => /^PVE:[^\s:]+@[^\s:]+:[0-9A-F]{8}::/.test(text);

const unauthenticated = (reason: string): RyokanError => new RyokanError('unauthenticated', reason);

/** People type passwords into the name field; what cannot be a user id is not logged. */
const loggable = (user: string): string =>
  checkFormat('pve-userid', user) === undefined ? user.slice(0, 64) : '?';
