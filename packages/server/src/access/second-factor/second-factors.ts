/**
 * The second step of a login: what to ask a user for whose password was right, and whether the answer is good.
 * Limits count here by user alone: whoever gets here knows the password, so nobody else can lock a user out.
 */
import { randomUUID } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import { editAccess, readTfaConfig } from '../access-documents.ts';
import type { Clock } from '../ticket.ts';
import { keysLeft, useRecoveryKey } from './recovery.ts';
import { factorsOf, isEnabled, type UserFactors } from './tfa-config.ts';
import { lastCountOf, readTotpUri, stepOfCode, uriOf } from './totp.ts';
import { answeringKey, keyQuestion, relyingParty } from './webauthn.ts';

/** What clients read in the ticket that asks for a second factor. */
export interface Question {
  /** Makes each question another one. */
  readonly id: string;
  readonly totp?: true;
  /** Numbers of the recovery keys that are left; absent when the user never had any. */
  readonly recovery?: readonly number[];
  readonly webauthn?: NonNullable<ReturnType<typeof keyQuestion>>;
}

export type FactorVerdict =
  | { readonly ok: true; readonly factor: 'totp' | 'webauthn' | 'recovery' }
  | { readonly ok: false; readonly refusal: string };

/** Wrong codes in a row after which TOTP is locked. */
export const totpLimit = 8;
/** Wrong answers of any kind in a row after which all is locked for `lockTime` seconds. */
const anyLimit = 100;
const lockTime = 3600;
/** Users whose failures are remembered; who has guessed at more accounts knows more passwords than that. */
const maxCounted = 10_000;

interface Failures {
  totp: number;
  any: number;
}

export class SecondFactors {
  private readonly failures = new Map<string, Failures>();
  /** Questions that were answered well, and when they would have ended anyway (seconds). */
  private readonly answered = new Map<string, number>();

  constructor(
    private readonly store: ConfigStore,
    private readonly clock: Clock,
  ) {}

  /** What the user has to answer; undefined when the password is enough. `host`: see relyingParty. */
  ask(user: string, host: string | undefined): Question | undefined {
    const factors = factorsOf(readTfaConfig(this.store), user);
    if (!factors || !isAskedFor(factors)) return undefined;
    const party = relyingParty(this.store, host);
    const webauthn = party && keyQuestion(party, factors);
    return {
      id: randomUUID(),
      ...(factors.totp?.some(isEnabled) ? { totp: true } : {}),
      ...(factors.recovery ? { recovery: keysLeft(factors.recovery) } : {}),
      ...(webauthn ? { webauthn } : {}),
    };
  }

  /** Judges `<kind>:<answer>`. A good answer is used up: neither it nor its question is good for another login. */
  async judge(
    user: string,
    answer: string,
    question: Question,
    host: string | undefined,
  ): Promise<FactorVerdict> {
    const factors = factorsOf(readTfaConfig(this.store), user);
    if (!factors) return refuse('the user has no second factor any more');
    if (this.answered.has(question.id)) return refuse('this question was answered already');
    const locked = factors['tfa-locked-until'] ?? 0;
    const colon = answer.indexOf(':');
    const [kind, value] = [answer.slice(0, colon), answer.slice(colon + 1).trim()];
    if (locked > this.now() && kind !== 'recovery') return refuse('second factors are locked');
    const verdict = await this.byKind(kind, { user, value, factors, question, host });
    if (verdict.ok) {
      this.markAnswered(question.id);
      this.failures.delete(user);
    } else await this.countFailure(user, kind);
    return verdict;
  }

  private byKind(kind: string, one: Answer): Promise<FactorVerdict> | FactorVerdict {
    if (kind === 'totp') return this.totp(one);
    if (kind === 'recovery') return this.recovery(one);
    if (kind === 'webauthn') return this.webauthn(one);
    return refuse(`second factor of kind '${kind.slice(0, 16)}' is not supported`);
  }

  private async totp({ user, value, factors }: Answer): Promise<FactorVerdict> {
    if (factors['totp-locked']) return refuse('TOTP is locked after too many wrong codes');
    // In one transaction with the check, so that of two logins with one code only one succeeds.
    const refusal = await editAccess(this.store, user, ({ tfa }) => {
      for (const one of (factorsOf(tfa, user)?.totp ?? []).filter(isEnabled)) {
        const uri = uriOf(one.entry);
        const step = stepOfCode(readTotpUri(uri), value, this.clock());
        if (step === undefined) continue;
        if (step <= lastCountOf(one.entry)) return 'this code was used already';
        one.entry = { totp: uri, 'last-count': step };
        return undefined;
      }
      return 'wrong code';
    });
    return refusal === undefined ? { ok: true, factor: 'totp' } : refuse(refusal);
  }

  private async recovery({ user, value }: Answer): Promise<FactorVerdict> {
    const isGood = await editAccess(this.store, user, ({ tfa }) => {
      const factors = factorsOf(tfa, user);
      if (!factors?.recovery || !useRecoveryKey(factors.recovery, value)) return false;
      unlock(factors);
      return true;
    });
    return isGood ? { ok: true, factor: 'recovery' } : refuse('wrong or used recovery key');
  }

  private async webauthn({ user, value, factors, question, host }: Answer): Promise<FactorVerdict> {
    const party = relyingParty(this.store, host);
    const challenge = question.webauthn?.publicKey.challenge;
    const found = party && challenge ? await answeringKey(party, factors, challenge, value) : undefined;
    if (!found) return refuse('the answer of the security key does not fit');
    await editAccess(this.store, user, ({ tfa }) => {
      const key = factorsOf(tfa, user)?.webauthn?.find(({ id }) => id === found.key.id);
      if (key) key.entry = { ...key.entry, counter: found.counter };
    });
    return { ok: true, factor: 'webauthn' };
  }

  private async countFailure(user: string, kind: string): Promise<void> {
    const count = this.failures.get(user) ?? { totp: 0, any: 0 };
    count.any++;
    if (kind === 'totp') count.totp++;
    if (this.failures.size >= maxCounted && !this.failures.has(user)) this.failures.clear();
    this.failures.set(user, count);
    const [lockTotp, lockAll] = [count.totp >= totpLimit, count.any >= anyLimit];
    if (!lockTotp && !lockAll) return;
    await editAccess(this.store, user, ({ tfa }) => {
      const factors = factorsOf(tfa, user);
      if (!factors) return;
      if (lockTotp && factors.totp?.length) factors['totp-locked'] = true;
      if (lockAll) factors['tfa-locked-until'] = this.now() + lockTime;
    });
    this.failures.set(user, { totp: lockTotp ? 0 : count.totp, any: lockAll ? 0 : count.any });
  }

  private markAnswered(id: string): void {
    const now = this.now();
    for (const [other, end] of this.answered) if (end < now) this.answered.delete(other);
    // Longer than any question can be answered.
    this.answered.set(id, now + lockTime);
  }

  private now(): number {
    return Math.floor(this.clock() / 1000);
  }
}

interface Answer {
  readonly user: string;
  readonly value: string;
  readonly factors: UserFactors;
  readonly question: Question;
  readonly host: string | undefined;
}

/** Factors that were all switched off ask for nothing; keys of an unsupported kind do, and only others can answer. */
function isAskedFor(factors: UserFactors): boolean {
  const listed = [factors.totp, factors.webauthn, factors.u2f, factors.yubico].flatMap((list) => list ?? []);
  return factors.recovery !== undefined || listed.some(isEnabled);
}

/** True when there was a lock. */
export function unlock(factors: UserFactors): boolean {
  const was = factors['totp-locked'] === true || factors['tfa-locked-until'] !== undefined;
  delete factors['totp-locked'];
  delete factors['tfa-locked-until'];
  return was;
}

const refuse = (refusal: string): FactorVerdict => ({ ok: false, refusal });

/** Reads what a ticket that asked for a second factor holds. Throws 'unauthenticated' when it is no such thing. */
export function asQuestion(value: unknown): Question {
  if (typeof value === 'object' && value !== null && typeof (value as Question).id === 'string')
    return value as Question;
  throw new RyokanError('unauthenticated', 'invalid tfa challenge');
}
