/** Logins under way at OpenID providers: what was asked for, until the browser comes back. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigStore } from '../../../cluster/store.ts';
import { Gate } from '../../gate.ts';
import { realmSecret, requireRealm } from '../realm-config.ts';
import { beginLogin, completeLogin, discover, type LoginProof, type Provider } from './provider.ts';
import { type OpenIdSettings, openIdSettings } from './settings.ts';
import { type ClaimedUser, userOfClaims } from './user-of-claims.ts';

interface Pending {
  readonly realm: string;
  readonly redirectUrl: string;
  readonly proof: LoginProof;
  /** Milliseconds since the epoch. */
  readonly ends: number;
}

/** How long a person may take at the provider, and how long what discovery told is used again (ms). */
const loginTime = 10 * 60_000;
const discoveryTime = 5 * 60_000;
/** Logins under way at a time; beyond it the oldest is forgotten. */
const maxPending = 10_000;

export class OpenIdLogins {
  private readonly pending = new Map<string, Pending>();
  private readonly discovered = new Map<
    string,
    { readonly provider: Promise<Provider>; readonly ends: number }
  >();
  private readonly gate = new Gate(8, 64);

  constructor(
    private readonly store: ConfigStore,
    private readonly clock: () => number = Date.now,
  ) {}

  /** The address to send the browser to. Throws RyokanError. */
  async begin(realm: string, redirectUrl: string): Promise<string> {
    demandRedirectUrl(redirectUrl);
    const settings = this.settings(realm);
    const { proof, url } = await beginLogin(await this.provider(settings), settings, redirectUrl);
    this.remember({ realm, redirectUrl, proof, ends: this.clock() + loginTime });
    return url;
  }

  /**
   * Who has logged in. Throws RyokanError 'unauthenticated' for a state that is unknown, used or too old and for what the
   * provider does not confirm, 'forbidden' for somebody who is no user, 'failed' when the provider cannot be asked.
   */
  async complete(state: string, code: string, redirectUrl: string): Promise<ClaimedUser> {
    const login = this.pending.get(state);
    this.pending.delete(state);
    if (!login || login.ends < this.clock() || login.redirectUrl !== redirectUrl) {
      throw new RyokanError('unauthenticated', 'this login has ended or was begun elsewhere: log in again');
    }
    const settings = this.settings(login.realm);
    const provider = await this.provider(settings);
    const claims = await this.gate.run(() =>
      completeLogin(provider, settings, redirectUrl, code, login.proof),
    );
    return userOfClaims(this.store, settings, claims);
  }

  private settings(realm: string): OpenIdSettings {
    return openIdSettings(requireRealm(this.store, realm), realmSecret(this.store, realm, 'client-key'));
  }

  private provider(settings: OpenIdSettings): Promise<Provider> {
    const key = JSON.stringify([settings.issuer, settings.clientId, settings.capath, settings.reach]);
    const known = this.discovered.get(key);
    if (known && known.ends > this.clock()) return known.provider;
    const provider = this.gate.run(() => discover(settings));
    this.discovered.set(key, { provider, ends: this.clock() + discoveryTime });
    provider.catch(() => this.discovered.delete(key));
    return provider;
  }

  private remember(login: Pending): void {
    for (const [state, { ends }] of this.pending) {
      // In the order in which they began, so the first that is still good ends the search.
      if (ends >= this.clock() && this.pending.size < maxPending) break;
      this.pending.delete(state);
    }
    this.pending.set(login.proof.state, login);
  }
}

/** Throws ParameterError for what a provider must not be told to send a code to. */
function demandRedirectUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  const isWeb = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal);
  if (url && isWeb && url.username === '' && url.password === '' && url.hash === '' && url.search === '')
    return;
  throw new ParameterError({
    'redirect-url': 'must be an https:// address of this user interface, without a query',
  });
}
