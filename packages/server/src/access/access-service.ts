/** Access control at work: the implementation of `AccessControl` over the config store. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { checkFormat } from '@ryokan/api/schema/formats.ts';
import type { ConfigStore } from '../cluster/store.ts';
import type { Logger } from '../host/log.ts';
import type { DataPaths } from '../host/paths.ts';
import type {
  AccessControl,
  Client,
  Credentials,
  Identity,
  LoginRequest,
  LoginResult,
} from './access-control.ts';
import { readTfaConfig, readTokenSecrets, readUserConfig, userCfg } from './access-documents.ts';
import { capabilities } from './capabilities.ts';
import { loadTicketKeys } from './keys.ts';
import { LoginLimit } from './login-limit.ts';
import { obstacleOf } from './obstacle.ts';
import { groupsOf, heldEverywhere, heldOn } from './permissions.ts';
import { knownSpelling, realmDriver, splitUserId, type Verdict } from './realms/realm.ts';
import { findRealm } from './realms/realm-config.ts';
import { FactorChanges, keysElsewhere } from './second-factor/factor-changes.ts';
import {
  asQuestion,
  type FactorVerdict,
  type Question,
  SecondFactors,
} from './second-factor/second-factors.ts';
import { factorsOf } from './second-factor/tfa-config.ts';
import { type Origin, Sessions } from './sessions/sessions.ts';
import { type Clock, type TicketContent, Tickets } from './ticket.ts';
import { readApiToken, secretMatches } from './token-secrets.ts';
import { rootUser } from './user-config.ts';

export interface AccessServiceOptions {
  readonly store: ConfigStore;
  readonly paths: DataPaths;
  readonly log: Logger;
  /** Default Date.now. */
  readonly clock?: Clock;
  /** Where the list of sessions stands; without it sessions are not listed. */
  readonly sessionFile?: string | undefined;
}

/** Reads the keys that `initializeAccess` made. Throws RyokanError 'failed' when they are missing or damaged. */
export function createAccessService(options: AccessServiceOptions): AccessService {
  return new AccessService(options);
}

export class AccessService implements AccessControl {
  readonly sessions: Sessions;
  readonly factors: FactorChanges;
  private readonly store: ConfigStore;
  private readonly log: Logger;
  private readonly clock: Clock;
  private readonly tickets: Tickets;
  private readonly limit: LoginLimit;
  private readonly secondFactors: SecondFactors;
  private readonly stopWatch: () => void;

  constructor({ store, paths, log, clock = Date.now, sessionFile }: AccessServiceOptions) {
    this.store = store;
    this.log = log;
    this.clock = clock;
    this.tickets = new Tickets(loadTicketKeys(paths), clock);
    this.limit = new LoginLimit(clock);
    this.sessions = new Sessions(store, clock, sessionFile);
    this.factors = new FactorChanges(store, clock);
    this.secondFactors = new SecondFactors(store, clock);
    this.reportProblems();
    this.stopWatch = store.watch(userCfg, () => this.reportProblems());
  }

  authenticate({ ticket, apiToken, csrfToken }: Credentials, needCsrf: boolean): Identity {
    if (ticket !== undefined && ticket !== '') return this.byTicket(ticket, csrfToken, needCsrf);
    if (apiToken !== undefined) return this.byToken(apiToken);
    throw unauthenticated('No ticket');
  }

  async login(request: LoginRequest, client: Client = unknownClient): Promise<LoginResult> {
    const { username, realm, password, challenge, otp } = request;
    const typed = realm === undefined ? username : `${username}@${realm}`;
    const user = knownSpelling(this.store, this.config, typed);
    if (challenge !== undefined) return this.secondStep(user, challenge, password, client);
    if (looksLikeTicket(password)) return this.renew(user, password, client);
    await this.verifyPassword(user, password, client.remote);
    const question = this.secondFactors.ask(user, client.host);
    if (!question) return this.withoutFactor(user, client);
    if (otp !== undefined) return this.answered(user, `totp:${otp}`, question, client);
    return {
      username: user,
      ticket: this.tickets.challenge(user, this.sessions.generation(user), question),
      CSRFPreventionToken: this.tickets.csrf(user),
      NeedTFA: 1,
    };
  }

  loginVouched(user: string, client: Origin = unknownClient, factor = ''): LoginResult {
    const obstacle = this.obstacle(user);
    if (obstacle !== undefined) throw this.refused(user, client.remote, obstacle);
    const { remote, agent } = client;
    return this.loggedIn(this.sessions.begin(user, { remote, agent }, factor));
  }

  renewSession(user: string, session: string, client: Origin): LoginResult {
    return this.renewed({ user, session, generation: this.sessions.generation(user) }, client);
  }

  async verifyPassword(user: string, password: string, remote = ''): Promise<void> {
    const wait = this.limit.wait(user, remote);
    if (wait > 0) {
      throw unauthenticated(`authentication failure - too many failed logins, try again in ${wait} s`);
    }
    const verdict = await this.judge(user, password, remote);
    if (verdict.ok) return this.limit.succeeded(user, remote);
    this.limit.failed(user, remote);
    throw this.refused(user, remote, verdict.refusal);
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

  /** Ends the watch on user.cfg and the use of the list of sessions. */
  close(): void {
    this.stopWatch();
    this.sessions.close();
  }

  private get config() {
    return readUserConfig(this.store);
  }

  private byTicket(ticket: string, csrfToken: string | undefined, needCsrf: boolean): Identity {
    const content = this.tickets.readLogin(ticket);
    if (!content) throw unauthenticated('invalid PVE ticket');
    const { user, session } = content;
    const obstacle = this.obstacle(user);
    if (obstacle !== undefined) throw unauthenticated(obstacle);
    if (!this.sessions.isOn(content)) throw unauthenticated('invalid PVE ticket');
    if (needCsrf && (csrfToken === undefined || !this.tickets.csrfFits(csrfToken, user))) {
      throw unauthenticated('Permission denied - invalid csrf token');
    }
    this.sessions.used(content);
    const goesOn = () => this.obstacle(user) === undefined && this.sessions.isOn(content);
    return { user, isToken: false, session, goesOn };
  }

  private byToken(text: string): Identity {
    const given = readApiToken(text);
    const obstacle = this.tokenObstacle(given);
    if (given === undefined || obstacle === 'no such token') throw unauthenticated('invalid token value!');
    if (obstacle !== undefined) throw unauthenticated(obstacle);
    return { user: given.id, isToken: true, goesOn: () => this.tokenObstacle(given) === undefined };
  }

  private tokenObstacle(given: ReturnType<typeof readApiToken>): string | undefined {
    if (!given || !secretMatches(readTokenSecrets(this.store), given)) return 'no such token';
    return obstacleOf(this.config, given.id, this.clock());
  }

  /** Why a known user may not come in at present. */
  private obstacle(user: string): string | undefined {
    return obstacleOf(this.config, user, this.clock());
  }

  private renew(user: string, ticket: string, client: Client): LoginResult {
    const content = this.tickets.readLogin(ticket);
    if (content?.user !== user || !this.sessions.isOn(content) || this.obstacle(user) !== undefined)
      throw unauthenticated('authentication failure');
    return this.renewed(content, client);
  }

  private renewed(content: TicketContent, { remote, agent }: Origin): LoginResult {
    this.sessions.renewed(content, { remote, agent });
    return this.loggedIn(content);
  }

  private loggedIn(content: TicketContent): LoginResult {
    const { user } = content;
    return {
      username: user,
      ticket: this.tickets.login(content),
      CSRFPreventionToken: this.tickets.csrf(user),
      cap: capabilities(this.config, user),
    };
  }

  /** A realm may demand TOTP of its users. root@pam is the way back in and goes without. */
  private withoutFactor(user: string, client: Client): LoginResult {
    const demanded = findRealm(this.store, splitUserId(user).realm)?.options.get('tfa');
    if (demanded !== undefined && user !== rootUser)
      throw this.refused(
        user,
        client.remote,
        `the realm demands a second factor (${demanded}), and the user has none`,
      );
    return this.loginVouched(user, client);
  }

  private async secondStep(
    user: string,
    ticket: string,
    answer: string,
    client: Client,
  ): Promise<LoginResult> {
    const asked = this.tickets.readChallenge(ticket, user, this.sessions.generation(user));
    if (asked === undefined) throw this.refused(user, client.remote, 'invalid or expired tfa challenge');
    return this.answered(user, answer, asQuestion(asked), client);
  }

  private async answered(
    user: string,
    answer: string,
    question: Question,
    client: Client,
  ): Promise<LoginResult> {
    const obstacle = this.obstacle(user);
    const verdict: FactorVerdict =
      obstacle === undefined
        ? await this.secondFactors.judge(user, answer, question, client.host)
        : { ok: false, refusal: obstacle };
    if (!verdict.ok) throw this.refused(user, client.remote, verdict.refusal);
    return this.loginVouched(user, client, verdict.factor);
  }

  /** The reason goes to the logs only: an answer that tells it would tell which users exist. */
  private refused(user: string, remote: string, reason: string): RyokanError {
    this.log.warn({ user: loggable(user), remote, reason }, 'login refused');
    return new RyokanError('unauthenticated', 'authentication failure', { context: { reason } });
  }

  private async judge(user: string, password: string, remote: string): Promise<Verdict> {
    const refuse = (refusal: string): Verdict => ({ ok: false, refusal });
    if (checkFormat('pve-userid', user) !== undefined) return refuse('no user id');
    const obstacle = this.obstacle(user);
    if (obstacle !== undefined) return refuse(obstacle);
    if (password === '') return refuse('empty password');
    // Who has set one up elsewhere must not get in without it.
    const { keys = '' } = this.config.users.get(user) ?? {};
    if (keys.split('!')[0] === keysElsewhere && !factorsOf(readTfaConfig(this.store), user))
      return refuse(`user.cfg says that the user has a second factor, and priv/tfa.cfg has none`);
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
const looksLikeTicket = (text: string): boolean => /^PVE:[^\s:]+:[0-9A-F]{8}::/.test(text);

const unknownClient: Client = { remote: '', agent: '' };

const unauthenticated = (reason: string): RyokanError => new RyokanError('unauthenticated', reason);

/** People type passwords into the name field; what cannot be a user id is not logged. */
const loggable = (user: string): string =>
  checkFormat('pve-userid', user) === undefined ? user.slice(0, 64) : '?';
