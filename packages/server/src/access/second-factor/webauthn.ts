/**
 * Security keys by WebAuthn. The library is loaded when the first key is met: most logins need none.
 *
 * The domain that keys are bound to may come from the `Host` of the request: a page elsewhere cannot use that to get
 * anywhere, as browsers sign for the domain of the page they show, with keys made for that domain only.
 */
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { webauthnFields } from '@ryokan/api/schema/cluster-options.ts';
import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { datacenterOption } from '../../cluster/datacenter-options.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import { type FactorEntry, isEnabled, type UserFactors, type WebauthnKey } from './tfa-config.ts';

/** Where the Web UI stands, from the point of view of keys and browsers. */
export interface RelyingParty {
  readonly name: string;
  readonly id: string;
  /** Is this the address of the Web UI? */
  readonly isOrigin: (origin: string) => boolean;
}

/** Milliseconds that browsers wait for the key. */
const timeout = 60_000;

/** `host`: the request's header, `name:port`. Undefined when keys cannot be used at this address. */
export function relyingParty(store: ConfigStore, host: string | undefined): RelyingParty | undefined {
  const options = parsePropertyString(webauthnFields, datacenterOption(store, 'webauthn') ?? '');
  const origin = options.origin ?? (host === undefined || host === '' ? undefined : `https://${host}`);
  if (origin === undefined || !URL.canParse(origin)) return undefined;
  const url = new URL(origin);
  const id = options.id ?? url.hostname;
  // Browsers take no addresses for domains.
  if (isIP(id.replace(/^\[|\]$/g, '')) !== 0) return undefined;
  const isOrigin = (given: string) => {
    if (given === url.origin) return true;
    if (options.origin === undefined || options['allow-subdomains'] === false || !URL.canParse(given))
      return false;
    const other = new URL(given);
    return (
      other.protocol === 'https:' && other.port === url.port && other.hostname.endsWith(`.${url.hostname}`)
    );
  };
  return { name: options.rp ?? 'Ryokan', id, isOrigin };
}

/** Like relyingParty; throws RyokanError 'unsupported' with what to do. */
export function requireRelyingParty(store: ConfigStore, host: string | undefined): RelyingParty {
  const party = relyingParty(store, host);
  if (party) return party;
  throw new RyokanError(
    'unsupported',
    `security keys need a host name, not an address ('${host ?? ''}'): open the Web UI by its name, or set the datacenter option 'webauthn'`,
  );
}

/** What a browser needs to make a key ready, for navigator.credentials.create. */
export async function registrationOptions(
  party: RelyingParty,
  user: string,
  factors: UserFactors | undefined,
) {
  // The library is large: it is loaded with the first security key.
  const { generateRegistrationOptions } = await import('@simplewebauthn/server');
  const publicKey = await generateRegistrationOptions({
    rpName: party.name,
    rpID: party.id,
    userName: user,
    userID: Uint8Array.from(Buffer.from(user)),
    timeout,
    excludeCredentials: (factors?.webauthn ?? []).map(({ entry }) => ({ id: entry.cred_id })),
    // A second factor: the password has been asked for already, so the key need not ask for a PIN.
    authenticatorSelection: { residentKey: 'discouraged', userVerification: 'discouraged' },
  });
  return { publicKey };
}

/** Checks what the browser made of the options with this challenge. Throws ParameterError when it does not fit. */
export async function registeredKey(
  party: RelyingParty,
  challenge: string,
  text: string,
): Promise<WebauthnKey> {
  const response = readResponse<RegistrationResponseJSON>(text, 'value');
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server');
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: originOf(party, response.response.clientDataJSON),
      expectedRPID: party.id,
      requireUserVerification: false,
    });
    if (!verified) throw new Error('its signature is wrong');
    const { id, publicKey, counter } = registrationInfo.credential;
    const { storedKey } = await import('./cose-key.ts');
    return { cred_id: id, cred: storedKey(publicKey), counter };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ParameterError({ value: `the security key's answer cannot be used: ${reason}` });
  }
}

/** What a browser needs to ask for one of the user's keys, for navigator.credentials.get. */
export function keyQuestion(party: RelyingParty, factors: UserFactors) {
  const keys = (factors.webauthn ?? []).filter(isEnabled);
  if (keys.length === 0) return undefined;
  return {
    publicKey: {
      challenge: randomBytes(32).toString('base64url'),
      timeout,
      rpId: party.id,
      allowCredentials: keys.map(({ entry }) => ({ type: 'public-key' as const, id: entry.cred_id })),
      userVerification: 'discouraged' as const,
    },
  };
}

/** The key that gave this answer, and its new counter; undefined when it is no answer to the challenge. */
export async function answeringKey(
  party: RelyingParty,
  factors: UserFactors,
  challenge: string,
  text: string,
): Promise<{ readonly key: FactorEntry<WebauthnKey>; readonly counter: number } | undefined> {
  const response = readResponse<AuthenticationResponseJSON>(text, 'password');
  const key = (factors.webauthn ?? []).filter(isEnabled).find(({ entry }) => entry.cred_id === response.id);
  if (!key) return undefined;
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server');
  const { coseKey } = await import('./cose-key.ts');
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: originOf(party, response.response.clientDataJSON),
      expectedRPID: party.id,
      credential: { id: key.entry.cred_id, publicKey: coseKey(key.entry.cred), counter: key.entry.counter },
      requireUserVerification: false,
    });
    return verified ? { key, counter: authenticationInfo.newCounter } : undefined;
  } catch {
    return undefined;
  }
}

/** Clients of the public API leave out what the library wants to see besides. */
function readResponse<T>(text: string, parameter: string): T {
  try {
    const value = JSON.parse(text) as { id?: unknown; response?: { clientDataJSON?: unknown } } | null;
    if (typeof value?.id !== 'string' || typeof value.response?.clientDataJSON !== 'string')
      throw new Error();
    return { rawId: value.id, type: 'public-key', clientExtensionResults: {}, ...value } as T;
  } catch {
    throw new ParameterError({
      [parameter]: 'the answer of a security key must be the JSON that browsers give',
    });
  }
}

/** The origin that the browser names, when it is ours; else one that never fits. */
function originOf(party: RelyingParty, clientData: string): string {
  const { origin } = JSON.parse(Buffer.from(clientData, 'base64url').toString('utf8')) as {
    origin?: unknown;
  };
  return typeof origin === 'string' && party.isOrigin(origin) ? origin : `https://${party.id}`;
}
