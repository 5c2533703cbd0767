/** Recovery keys: ten, each good for one login. Only keyed hashes are kept: each key has 64 random bits. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RecoveryKeys } from './tfa-config.ts';

const keyCount = 10;

/** `keys` are shown once; `recovery` is kept. `now`: seconds since the epoch. */
export function makeRecoveryKeys(now: number): { keys: string[]; recovery: RecoveryKeys } {
  const secret = randomBytes(8).toString('hex');
  const keys = Array.from(
    { length: keyCount },
    () => randomBytes(8).toString('hex').match(/.{4}/g)?.join('-') ?? '',
  );
  return { keys, recovery: { secret, entries: keys.map((key) => hashOf(secret, key)), created: now } };
}

/** Uses a key up. False when it is none of them. */
export function useRecoveryKey(recovery: RecoveryKeys, key: string): boolean {
  const wanted = Buffer.from(hashOf(recovery.secret, key.trim().toLowerCase()));
  const at = recovery.entries.findIndex((entry) => {
    const known = Buffer.from(entry ?? '');
    return known.length === wanted.length && timingSafeEqual(known, wanted);
  });
  if (at < 0) return false;
  recovery.entries[at] = null;
  return true;
}

/** Numbers of the keys that are left. */
export function keysLeft(recovery: RecoveryKeys): number[] {
  return recovery.entries.flatMap((entry, index) => (entry === null ? [] : [index]));
}

const hashOf = (secret: string, key: string): string =>
  createHmac('sha256', secret).update(key).digest('hex');
