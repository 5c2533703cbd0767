/**
 * `priv/token.cfg`: the secrets of API tokens, `<user@realm>!<id> <secret>` a line.
 *
 * A secret is a random UUID (122 random bits), so one round of SHA-256 is as good at rest as a slow password hash, and
 * quick enough to stand before every request. Written is `sha256:<hex>`; a plain UUID as Proxmox VE writes it is
 * accepted and becomes a hash with the next change. See docs/decisions/0003-password-hashes.md.
 */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { splitTokenId } from './user-config.ts';

/** Full token id to the SHA-256 of its secret. */
export type TokenSecrets = Map<string, Buffer>;

const prefix = 'sha256:';

export function parseTokenSecrets(text: string): TokenSecrets {
  const secrets: TokenSecrets = new Map();
  for (const line of text.split('\n')) {
    const match = /^(\S+)\s+(\S+)\s*$/.exec(line);
    if (!match) continue;
    const [, id, value] = match as unknown as [string, string, string];
    const hash = /^sha256:([0-9a-f]{64})$/.exec(value)?.[1];
    if (hash) secrets.set(id, Buffer.from(hash, 'hex'));
    // A damaged hash must not become the hash of itself, which would make its text a password.
    else if (!value.startsWith(prefix)) secrets.set(id, digest(value));
  }
  return secrets;
}

export function formatTokenSecrets(secrets: TokenSecrets): string {
  const lines = [...secrets].sort(([a], [b]) => (a < b ? -1 : 1));
  return lines.map(([id, hash]) => `${id} ${prefix}${hash.toString('hex')}\n`).join('');
}

/** Gives a token a new secret and returns it: the only time that it is seen. */
export function newSecret(secrets: TokenSecrets, tokenId: string): string {
  const secret = randomUUID();
  secrets.set(tokenId, digest(secret));
  return secret;
}

export interface GivenToken {
  /** `user@realm!id` */
  readonly id: string;
  readonly user: string;
  readonly token: string;
  readonly secret: string;
}

/** Reads `user@realm!id=secret`, or a blank in the place of `=`. */
export function readApiToken(text: string): GivenToken | undefined {
  const match = /^([^\s=]{1,256})[= ](\S{1,256})$/.exec(text.trim());
  if (!match) return undefined;
  const [, id, secret] = match as unknown as [string, string, string];
  const parts = splitTokenId(id);
  return parts && { id, ...parts, secret };
}

export function secretMatches(secrets: TokenSecrets, given: GivenToken): boolean {
  const hash = secrets.get(given.id);
  return hash !== undefined && timingSafeEqual(hash, digest(given.secret));
}

const digest = (secret: string): Buffer => createHash('sha256').update(secret).digest();
