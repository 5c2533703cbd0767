/** Talks to an OpenID provider: discovery, the address of a login, and what a code is worth. */
import { RyokanError } from '@ryokan/api/errors.ts';
import * as openid from 'openid-client';
import { certificateAuthorities } from '../certificate-files.ts';
import { limitedFetch } from './limited-fetch.ts';
import type { OpenIdSettings } from './settings.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** What a login begun has to come back with. */
export interface LoginProof {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** A provider as discovery has told it, with the way to talk to it. */
export interface Provider {
  readonly metadata: openid.ServerMetadata;
  readonly allowHttp: boolean;
  readonly fetch: openid.CustomFetch;
}

/**
 * Asks the provider where its services are, as far as whoever has entered the realm may send the node. Throws RyokanError
 * 'failed' or 'forbidden'.
 */
export async function discover(settings: OpenIdSettings): Promise<Provider> {
  const { issuer, realm, clientId, capath, reach } = settings;
  const allowHttp = issuer.protocol === 'http:';
  const fetch = limitedFetch({ realm, allowHttp, reach, ca: await certificateAuthorities(realm, capath) });
  try {
    const config = await openid.discovery(issuer, clientId, {}, openid.None(), {
      execute: allowHttp ? [openid.allowInsecureRequests] : [],
      [openid.customFetch]: fetch,
    });
    return { metadata: config.serverMetadata(), allowHttp, fetch };
  } catch (error) {
    throw providerError(realm, 'discovery failed: check issuer-url', error);
  }
}

function configuration(
  { metadata, allowHttp, fetch }: Provider,
  { clientId }: OpenIdSettings,
  authenticate: openid.ClientAuth = openid.None(),
): openid.Configuration {
  const config = new openid.Configuration(metadata, clientId, {}, authenticate);
  config[openid.customFetch] = fetch;
  if (allowHttp) openid.allowInsecureRequests(config);
  return config;
}

/** How the client shows the provider who it is: by HTTP Basic where the provider knows it, else in the request's body. */
function authentication({ clientKey }: OpenIdSettings, redirectUrl: string): openid.ClientAuth {
  const isPublic = clientKey === undefined || clientKey === '';
  return (server, client, body, headers) => {
    // To the letter as it was asked for: the library takes it from a URL object, which puts a slash behind the host.
    body.set('redirect_uri', redirectUrl);
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const authenticate = isPublic
      ? openid.None()
      : methods.includes('client_secret_basic')
        ? openid.ClientSecretBasic(clientKey)
        : openid.ClientSecretPost(clientKey);
    authenticate(server, client, body, headers);
  };
}

/** A new login: what to keep, and the address to send the browser to. */
export async function beginLogin(
  provider: Provider,
  settings: OpenIdSettings,
  redirectUrl: string,
): Promise<{ readonly proof: LoginProof; readonly url: string }> {
  const proof = {
    state: openid.randomState(),
    nonce: openid.randomNonce(),
    verifier: openid.randomPKCECodeVerifier(),
  };
  const url = openid.buildAuthorizationUrl(configuration(provider, settings), {
    redirect_uri: redirectUrl,
    scope: settings.scope,
    state: proof.state,
    nonce: proof.nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(proof.verifier),
    code_challenge_method: 'S256',
    ...(settings.prompt === undefined ? {} : { prompt: settings.prompt }),
    ...(settings.acrValues === undefined ? {} : { acr_values: settings.acrValues }),
  });
  return { proof, url: url.href };
}

/** Exchanges the code for a checked ID token and gives its claims. Throws RyokanError 'failed' or 'unauthenticated'. */
export async function completeLogin(
  provider: Provider,
  settings: OpenIdSettings,
  redirectUrl: string,
  code: string,
  proof: LoginProof,
): Promise<Claims> {
  const config = configuration(provider, settings, authentication(settings, redirectUrl));
  const { issuer, userinfo_endpoint: endpoint } = provider.metadata;
  const answer = new URL(redirectUrl);
  // The state belongs to one realm, and the code goes to the provider of that realm only: `iss` adds nothing.
  for (const [key, value] of Object.entries({ code, state: proof.state, iss: issuer })) {
    answer.searchParams.set(key, value);
  }
  try {
    const checks = {
      pkceCodeVerifier: proof.verifier,
      expectedState: proof.state,
      expectedNonce: proof.nonce,
      idTokenExpected: true,
    };
    const tokens = await openid.authorizationCodeGrant(config, answer, checks);
    const claims = tokens.claims() as Claims & { readonly sub: string; readonly aud: string | string[] };
    demandAudience(claims.aud, settings);
    if (!settings.queryUserinfo || endpoint === undefined) return claims;
    return { ...(await openid.fetchUserInfo(config, tokens.access_token, claims.sub)), ...claims };
  } catch (error) {
    throw providerError(settings.realm, 'the login was not accepted', error, 'unauthenticated');
  }
}

/** A token for others as well is one that others may have passed on. */
function demandAudience(aud: string | readonly string[], { clientId, audiences }: OpenIdSettings): void {
  const stranger = [aud].flat().find((one) => one !== clientId && !audiences.includes(one));
  if (stranger !== undefined)
    throw new Error('the token is for an audience that is not allowed: see audiences');
}

/** The network's errors keep their own text; the library wraps them as causes. */
function providerError(
  realm: string,
  what: string,
  error: unknown,
  code: 'failed' | 'unauthenticated' = 'failed',
): RyokanError {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    if (one instanceof RyokanError) return one;
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new RyokanError(code, `realm '${realm}': ${what} (${reason})`, { cause: error });
}
