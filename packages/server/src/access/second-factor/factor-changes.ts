/** Adding, changing and removing second factors. Who may do so is the caller's to check. */
import { randomUUID } from 'node:crypto';
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import { type AccessState, editAccess, readTfaConfig } from '../access-documents.ts';
import type { Clock } from '../ticket.ts';
import { requireUser } from '../users.ts';
import { makeRecoveryKeys } from './recovery.ts';
import { unlock } from './second-factors.ts';
import {
  type FactorEntry,
  type FactorInfo,
  factorsOf,
  isEmptyOf,
  listedKinds,
  listFactors,
  type UserFactors,
  type WebauthnKey,
} from './tfa-config.ts';
import { readTotpUri, stepOfCode } from './totp.ts';
import { type RelyingParty, registeredKey, registrationOptions } from './webauthn.ts';

/** What user.cfg says of a user whose factors stand in priv/tfa.cfg. */
export const keysElsewhere = 'x';
/** More factors of one user than anybody has. */
const maxFactors = 32;
/** How long a key that is being added may take to answer (ms). */
const registrationLife = 5 * 60_000;
const maxRegistrations = 1000;

interface Registration {
  readonly user: string;
  readonly description: string;
  readonly party: RelyingParty;
  readonly end: number;
}

export class FactorChanges {
  /** Keys that are being added, by challenge. */
  private readonly registrations = new Map<string, Registration>();

  constructor(
    private readonly store: ConfigStore,
    private readonly clock: Clock,
  ) {}

  /** `code`: a present code of the key, so that nobody locks himself out with a key that was not stored. */
  async addTotp(
    user: string,
    uri: string,
    code: string,
    description: string,
    author: string,
  ): Promise<string> {
    const step = stepOfCode(readTotpUri(uri), code, this.clock());
    if (step === undefined)
      throw new ParameterError({
        value: 'the code does not fit the key; is the clock of both devices right?',
      });
    // The code that proved the key is used up with it.
    return this.add(user, 'totp', description, { totp: uri, 'last-count': step }, author);
  }

  /** Replaces no keys: who has some removes them first. */
  async addRecovery(user: string, author: string): Promise<string[]> {
    const { keys, recovery } = makeRecoveryKeys(this.now());
    await this.edit(user, author, (factors) => {
      if (factors.recovery)
        throw new RyokanError(
          'exists',
          `user '${user}' has recovery keys already; remove them to make new ones`,
        );
      factors.recovery = recovery;
    });
    return keys;
  }

  /** Begins to add a security key: what the browser is to be given, as JSON. */
  async beginKey(party: RelyingParty, user: string, description: string): Promise<string> {
    const factors = factorsOf(readTfaConfig(this.store), user);
    const options = await registrationOptions(party, user, factors);
    const now = this.clock();
    for (const [challenge, one] of this.registrations)
      if (one.end < now) this.registrations.delete(challenge);
    if (this.registrations.size >= maxRegistrations)
      throw new RyokanError(
        'unavailable',
        'too many security keys are being added; try again in some minutes',
      );
    const { challenge } = options.publicKey;
    this.registrations.set(challenge, { user, description, party, end: now + registrationLife });
    return JSON.stringify(options);
  }

  /** Adds the key that answered; gives the id of the factor. */
  async finishKey(user: string, challenge: string, answer: string, author: string): Promise<string> {
    const registration = this.registrations.get(challenge);
    this.registrations.delete(challenge);
    if (registration?.user !== user || registration.end < this.clock())
      throw new ParameterError({ challenge: 'no such challenge, or it took too long: begin again' });
    const key = await registeredKey(registration.party, challenge, answer);
    return this.add(user, 'webauthn', registration.description, key, author);
  }

  async change(
    user: string,
    id: string,
    change: { readonly description?: string | undefined; readonly enable?: boolean | undefined },
    author: string,
  ): Promise<void> {
    await this.edit(user, author, (factors) => {
      if (id === 'recovery')
        throw new ParameterError({ id: 'recovery keys cannot be changed, only removed' });
      const entry = entriesOf(factors).find((one) => one.id === id);
      if (!entry) throw noSuchFactor(user, id);
      if (change.description !== undefined) entry.description = change.description;
      if (change.enable === true) delete entry.enable;
      if (change.enable === false) entry.enable = false;
    });
  }

  async remove(user: string, id: string, author: string): Promise<void> {
    await this.edit(user, author, (factors) => {
      if (id === 'recovery' && factors.recovery) {
        delete factors.recovery;
        return;
      }
      const kind = listedKinds.find((one) => factors[one]?.some((entry) => entry.id === id));
      if (!kind) throw noSuchFactor(user, id);
      const list: FactorEntry<unknown>[] = factors[kind] ?? [];
      list.splice(
        list.findIndex((entry) => entry.id === id),
        1,
      );
      if (list.length === 0) delete factors[kind];
      // The lock was on codes of keys that are gone.
      if (kind === 'totp' && !factors.totp) delete factors['totp-locked'];
    });
  }

  /** True when there was something to unlock. */
  unlock(user: string, author: string): Promise<boolean> {
    return editAccess(this.store, author, ({ config, tfa }) => {
      requireUser(config, user);
      const factors = factorsOf(tfa, user);
      return factors !== undefined && unlock(factors);
    });
  }

  private async add(
    user: string,
    kind: 'totp' | 'webauthn',
    description: string,
    entry: FactorEntry<WebauthnKey>['entry'] | { totp: string; 'last-count': number },
    author: string,
  ): Promise<string> {
    const id = randomUUID();
    await this.edit(user, author, (factors) => {
      if (listFactors(factors).length >= maxFactors)
        throw new RyokanError(
          'state',
          `user '${user}' has ${maxFactors} second factors already; remove some`,
        );
      const list = (factors[kind] ?? []) as FactorEntry<unknown>[];
      list.push({ id, description, created: this.now(), entry });
      Object.assign(factors, { [kind]: list });
    });
    return id;
  }

  /** Edits the factors of a user and keeps what user.cfg says of them in step. */
  private edit(user: string, author: string, change: (factors: UserFactors) => void): Promise<void> {
    return editAccess(this.store, author, ({ config, tfa }: AccessState) => {
      const entry = requireUser(config, user);
      const factors = factorsOf(tfa, user) ?? {};
      change(factors);
      if (isEmptyOf(factors)) {
        delete tfa.users[user];
        if (entry.keys === keysElsewhere) entry.keys = '';
      } else {
        tfa.users[user] = factors;
        if (entry.keys === '') entry.keys = keysElsewhere;
      }
    });
  }

  private now(): number {
    return Math.floor(this.clock() / 1000);
  }
}

const entriesOf = (factors: UserFactors): FactorEntry<unknown>[] =>
  listedKinds.flatMap((kind) => (factors[kind] ?? []) as FactorEntry<unknown>[]);

/** Throws RyokanError 'not-found'. */
export function requireFactor(factors: UserFactors | undefined, user: string, id: string): FactorInfo {
  const found = listFactors(factors).find((one) => one.id === id);
  if (!found) throw noSuchFactor(user, id);
  return found;
}

const noSuchFactor = (user: string, id: string): RyokanError =>
  new RyokanError('not-found', `no such tfa entry '${id}' of user '${user}'`);
