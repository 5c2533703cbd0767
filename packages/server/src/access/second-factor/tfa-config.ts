/**
 * `priv/tfa.cfg`: second factors, as JSON in the shape of Proxmox VE:
 *
 *     { "users": { "<user@realm>": {
 *         "totp":     [{ "id", "description", "created", "enable"?, "entry": "otpauth://…" | { "totp", "last-count" } }],
 *         "webauthn": [{ "id", "description", "created", "enable"?, "entry": { "cred_id", "cred", "counter" } }],
 *         "recovery": { "secret", "entries": ["<HMAC-SHA256, hex>" | null, …], "created" },
 *         "totp-locked"?: true, "tfa-locked-until"?: <seconds since the epoch> } } }
 *
 * `enable` is written only when it is false. What is not known here (u2f and yubico factors, settings of them) is kept as
 * it stands.
 */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';

export interface FactorEntry<T> {
  readonly id: string;
  description: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** Absent: true. */
  enable?: boolean;
  entry: T;
}

/** The key as otpauth URI; with the time step of the code that was used last, once one was. */
export type TotpSecret = string | { readonly totp: string; readonly 'last-count': number };

export interface WebauthnKey {
  /** base64url */
  readonly cred_id: string;
  /** The public key: see cose-key.ts. */
  readonly cred: unknown;
  readonly counter: number;
}

export interface RecoveryKeys {
  readonly secret: string;
  /** A used key leaves null. */
  entries: (string | null)[];
  readonly created: number;
}

export interface UserFactors {
  totp?: FactorEntry<TotpSecret>[];
  webauthn?: FactorEntry<WebauthnKey>[];
  recovery?: RecoveryKeys;
  /** Kinds that are not supported here; they are listed and can be removed. */
  u2f?: FactorEntry<unknown>[];
  yubico?: FactorEntry<unknown>[];
  /** Too many wrong codes: TOTP is of no use until a recovery key was, or an administrator unlocks it. */
  'totp-locked'?: boolean;
  'tfa-locked-until'?: number;
}

export interface TfaConfig {
  readonly users: Record<string, UserFactors>;
}

/** Kinds whose factors stand in lists. */
export const listedKinds = ['totp', 'webauthn', 'u2f', 'yubico'] as const;

/** Throws RyokanError 'failed' when it is no such document. */
export function parseTfaConfig(text: string): TfaConfig {
  if (text.trim() === '') return { users: {} };
  try {
    const value = JSON.parse(text) as Partial<TfaConfig> | null;
    if (typeof value !== 'object' || value === null) throw new Error('it is no JSON object');
    return { ...value, users: { ...value.users } };
  } catch (cause) {
    const advice =
      'root@pam can still act by the command line: repair it, or remove it to begin without second factors';
    throw new RyokanError('failed', `priv/tfa.cfg is damaged (${messageOf(cause)}): ${advice}`, { cause });
  }
}

export function formatTfaConfig(config: TfaConfig): string {
  const isEmpty = Object.keys(config).length === 1 && Object.keys(config.users).length === 0;
  return isEmpty ? '' : `${JSON.stringify(config)}\n`;
}

/** The factors of a user; undefined when there are none. */
export function factorsOf(config: TfaConfig, user: string): UserFactors | undefined {
  return Object.hasOwn(config.users, user) ? config.users[user] : undefined;
}

/** What the API tells about one factor. */
export interface FactorInfo {
  readonly id: string;
  readonly type: (typeof listedKinds)[number] | 'recovery';
  readonly description: string;
  readonly created: number;
  readonly enable: boolean;
  /** Recovery keys that were not used yet. */
  readonly left?: number;
}

export function listFactors(factors: UserFactors | undefined): FactorInfo[] {
  if (!factors) return [];
  const listed = listedKinds.flatMap((type) =>
    (factors[type] ?? []).map(({ id, description, created, enable = true }) => ({
      id,
      type,
      description,
      created,
      enable,
    })),
  );
  const { recovery } = factors;
  if (!recovery) return listed;
  const left = recovery.entries.filter((entry) => entry !== null).length;
  const info = { id: 'recovery', type: 'recovery' as const, description: '', enable: true };
  return [...listed, { ...info, created: recovery.created, left }];
}

export const isEmptyOf = (factors: UserFactors): boolean => listFactors(factors).length === 0;

export const isEnabled = (entry: { readonly enable?: boolean }): boolean => entry.enable !== false;
