/** The settings of an OpenID realm, read and with the defaults of Proxmox VE. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Reach } from '../../../host/network-reach.ts';
import { type RealmConfig, realmReach } from '../realm-config.ts';

export interface OpenIdSettings {
  readonly realm: string;
  /** Where the node connects to for this realm. */
  readonly reach: Reach;
  readonly issuer: URL;
  readonly clientId: string;
  readonly clientKey: string | undefined;
  /** With `openid` in front. */
  readonly scope: string;
  readonly prompt: string | undefined;
  readonly acrValues: string | undefined;
  /** Allowed in a token besides clientId. */
  readonly audiences: readonly string[];
  readonly usernameClaim: string;
  readonly autocreate: boolean;
  readonly autocreateLimit: number;
  readonly groupsClaim: string | undefined;
  readonly groupsAutocreate: boolean;
  readonly groupsOverwrite: boolean;
  readonly queryUserinfo: boolean;
  /** File or folder on the node. */
  readonly capath: string;
}

/** Short names of claims that hold the name of a user. */
const claimNames: Readonly<Record<string, string>> = { subject: 'sub', username: 'preferred_username' };

/** Throws RyokanError 'unsupported' for a realm of another type, 'failed' for an address that is none. */
export function openIdSettings(config: RealmConfig, clientKey: string | undefined): OpenIdSettings {
  const { realm, type, options } = config;
  if (type !== 'openid') throw new RyokanError('unsupported', `realm '${realm}' is not of type openid`);
  const words = (key: string, byDefault = '') =>
    (options.get(key) ?? byDefault).split(/[\s,;]+/).filter(Boolean);
  const claim = options.get('username-claim') ?? 'sub';
  return {
    realm,
    reach: realmReach(config),
    issuer: issuerOf(realm, options.get('issuer-url') ?? ''),
    clientId: options.get('client-id') ?? '',
    clientKey,
    scope: [...new Set(['openid', ...words('scopes', 'email profile')])].join(' '),
    prompt: options.get('prompt'),
    acrValues: options.get('acr-values'),
    audiences: words('audiences'),
    usernameClaim: claimNames[claim] ?? claim,
    autocreate: options.get('autocreate') === '1',
    autocreateLimit: Number(options.get('autocreate-limit') ?? Number.POSITIVE_INFINITY),
    groupsClaim: options.get('groups-claim'),
    groupsAutocreate: options.get('groups-autocreate') === '1',
    groupsOverwrite: options.get('groups-overwrite') === '1',
    queryUserinfo: options.get('query-userinfo') !== '0',
    capath: options.get('capath') ?? '/etc/ssl/certs',
  };
}

function issuerOf(realm: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url && isWeb && url.username === '' && url.password === '' && url.hash === '') return url;
  throw new RyokanError(
    'failed',
    `realm '${realm}': issuer-url is no address of a provider: it begins with https://`,
  );
}
