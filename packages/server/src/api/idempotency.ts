/**
 * The header `Idempotency-Key`: a POST that is repeated with the same key acts once, and every repetition gets the answer
 * of the first. Keys belong to the caller and hold for a day. A call that failed has done nothing worth keeping: its key
 * is free again. After the IETF draft "The Idempotency-Key HTTP Header Field".
 */
import { createHash } from 'node:crypto';
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { Method } from '@ryokan/api/method.ts';
import type { KeptAnswers } from '../tasks/kept-answers.ts';
import { type HttpReply, jsonType } from './reply.ts';

const lifetime = 24 * 3600;
/** Answers kept in memory, all users together; what falls out is still known to be done. */
const rememberedAnswers = 2000;
/** Longer answers (bytes) are not remembered: no POST of the API has one. */
const longestAnswer = 64 * 1024;

interface Remembered {
  readonly fingerprint: string;
  readonly until: number;
  readonly reply: Promise<HttpReply>;
}

/** A UPID or nothing, with the VMID that was chosen: no secret, so it may be written down. */
const harmlessAnswer = /^\{"data":(null|"UPID:[^"]{1,200}")(,"assigned":\{"\w{1,20}":\d{1,10}\})?\}$/;

export interface KeyedCall {
  readonly key: string;
  readonly user: string;
  readonly method: Method;
  readonly raw: Readonly<Record<string, unknown>>;
  /** Of the answer: another format is another call. */
  readonly format: string;
}

export class IdempotentCalls {
  readonly #remembered = new Map<string, Remembered>();

  constructor(
    private readonly kept: KeptAnswers,
    private readonly now: () => number = () => Math.floor(Date.now() / 1000),
  ) {}

  /** Runs `act`, or answers with what it answered before. Rejects with what `act` throws. */
  async run(call: KeyedCall, act: () => Promise<HttpReply>): Promise<HttpReply> {
    const key = hashOf(validKey(call.key));
    const id = `${call.user}\n${key}`;
    const fingerprint = hashOf(
      JSON.stringify([call.method.id, call.format, Object.entries(call.raw).sort(byName)]),
    );
    const present = this.#remembered.get(id);
    if (present && present.until > this.now()) {
      demandSame(present.fingerprint, fingerprint);
      return present.reply;
    }
    const oldest = this.now() - lifetime;
    const stored = this.kept.find(call.user, key, oldest);
    if (stored) {
      demandSame(stored.fingerprint, fingerprint);
      return storedReply(stored.state, stored.body);
    }
    this.kept.begin(call.user, key, fingerprint, this.now(), oldest);
    const reply = this.#first(call.user, key, act);
    this.#remember(id, { fingerprint, until: this.now() + lifetime, reply });
    try {
      const { body } = await reply;
      if (body.length > longestAnswer) this.#remembered.delete(id);
    } catch (error) {
      this.#remembered.delete(id);
      throw error;
    }
    return reply;
  }

  async #first(user: string, key: string, act: () => Promise<HttpReply>): Promise<HttpReply> {
    let reply: HttpReply;
    try {
      reply = await act();
    } catch (error) {
      this.kept.forget(user, key);
      throw error;
    }
    const text = reply.body.length > 500 ? '' : reply.body.toString('utf8');
    this.kept.answered(user, key, harmlessAnswer.test(text) ? text : undefined);
    return reply;
  }

  #remember(id: string, entry: Remembered): void {
    this.#remembered.set(id, entry);
    const oldest = this.#remembered.keys().next().value;
    if (this.#remembered.size > rememberedAnswers && oldest !== undefined) this.#remembered.delete(oldest);
  }
}

function storedReply(state: 'begun' | 'answered', body: string | undefined): HttpReply {
  if (body !== undefined)
    return { status: 200, reason: 'OK', contentType: jsonType, body: Buffer.from(body) };
  throw new RyokanError(
    'conflict',
    state === 'begun'
      ? 'the first call with this Idempotency-Key was broken off by the end of the server: look whether it was done, and repeat it with a new key if not'
      : 'the first call with this Idempotency-Key was done, but its answer is not kept any more: look at what it made',
  );
}

function demandSame(first: string, now: string): void {
  if (first === now) return;
  throw new RyokanError(
    'parameter',
    'this Idempotency-Key belongs to another call: a repetition must have the same path and parameters; take a new key for a new call',
  );
}

function validKey(key: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new ParameterError(
    {},
    'Idempotency-Key must have 1 to 255 printable ASCII characters without blanks',
  );
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0);

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
