/** The documents of access control in the config store: cached reading, and changes to several of them at once. */
import { isRehearsal } from '../cluster/rehearsal.ts';
import { type ConfigStore, ConflictError } from '../cluster/store.ts';
import { formatTfaConfig, parseTfaConfig, type TfaConfig } from './second-factor/tfa-config.ts';
import {
  type EndedSessions,
  endAllOf,
  formatEndedSessions,
  parseEndedSessions,
  sessionsCfg,
} from './sessions/ended-sessions.ts';
import { formatTokenSecrets, parseTokenSecrets, type TokenSecrets } from './token-secrets.ts';
import { parseUserConfig, type UserConfig, type UserConfigView } from './user-config.ts';
import { formatUserConfig } from './user-config-text.ts';

export const userCfg = 'user.cfg';
export const shadowCfg = 'priv/shadow.cfg';
export const tokenCfg = 'priv/token.cfg';
export const tfaCfg = 'priv/tfa.cfg';
export { sessionsCfg };

/** Password hashes of realm pve: user name without realm to hash. */
export type Shadow = Map<string, string>;

/**
 * A reader of one document that reads and parses it once for each of its states: every request asks several times, a
 * list of guests once for each guest. The store's watch tells of changes, this process's own before their commit
 * resolves.
 */
function cachedReader<T>(path: string, parse: (text: string) => T): (store: ConfigStore) => T {
  const caches = new WeakMap<ConfigStore, { known?: { readonly value: T } }>();
  return (store) => {
    if (isRehearsal()) return parse(store.get(path)?.text ?? '');
    let cache = caches.get(store);
    if (!cache) {
      const fresh: { known?: { readonly value: T } } = {};
      // The watch comes before the first look, so that no change falls between them.
      store.watch(path, (changes) => {
        if (changes.some((change) => change.path === path)) fresh.known = undefined;
      });
      caches.set(store, fresh);
      cache = fresh;
    }
    cache.known ??= { value: parse(store.get(path)?.text ?? '') };
    return cache.known.value;
  };
}

/** Users, groups, roles and access rules as they are now. The same object as long as nothing changed. */
export const readUserConfig: (store: ConfigStore) => UserConfigView = cachedReader(userCfg, parseUserConfig);
export const readShadow: (store: ConfigStore) => ReadonlyMap<string, string> = cachedReader(
  shadowCfg,
  parseShadow,
);
export const readTokenSecrets: (store: ConfigStore) => TokenSecrets = cachedReader(
  tokenCfg,
  parseTokenSecrets,
);
/** Throws RyokanError 'failed' when the document is damaged: nobody gets in without a factor that cannot be read. */
export const readTfaConfig: (store: ConfigStore) => TfaConfig = cachedReader(tfaCfg, parseTfaConfig);
export const readEndedSessions: (store: ConfigStore) => EndedSessions = cachedReader(
  sessionsCfg,
  parseEndedSessions,
);

/** What a change may touch. */
export interface AccessState {
  readonly config: UserConfig;
  readonly shadow: Shadow;
  readonly secrets: TokenSecrets;
  /** Second factors. */
  readonly tfa: TfaConfig;
  readonly sessions: EndedSessions;
}

/** The documents, in the order in which `parseState` and `textsOf` have them. */
const documents = [userCfg, shadowCfg, tokenCfg, tfaCfg, sessionsCfg];

/** A change that others disturb this often in a row is given up. */
const maxAttempts = 20;

/**
 * Reads all documents, lets `edit` change them and writes those that differ in one transaction; again from the
 * start when somebody else was faster. What `edit` throws is passed on and nothing is written. Users whose password
 * was changed, or who may not come in any more, are logged out in the same transaction.
 */
export async function editAccess<T>(
  store: ConfigStore,
  author: string,
  edit: (state: AccessState) => T,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const docs = documents.map((path) => ({ path, doc: store.get(path) }));
    const texts = docs.map(({ doc }) => doc?.text ?? '');
    const state = parseState(texts);
    const before = textsOf(state);
    const result = edit(state);
    if (!sameTexts(before, textsOf(state))) logOut(parseState(texts), state);
    const after = textsOf(state);
    const writes = docs.flatMap(({ path }, i) =>
      after[i] === before[i] ? [] : [{ path, text: after[i] as string }],
    );
    if (writes.length === 0) return result;
    try {
      const conditions = docs.map(({ path, doc }) => ({ path, revision: doc?.revision ?? 0 }));
      await store.commit(conditions, writes, { author });
      return result;
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt >= maxAttempts) throw error;
    }
  }
}

/** The documents as they are, to try a change on. */
export function copyOfAccess(store: ConfigStore): AccessState {
  return parseState(documents.map((path) => store.get(path)?.text ?? ''));
}

function parseState([
  user = '',
  shadow = '',
  tokens = '',
  tfa = '',
  sessions = '',
]: readonly string[]): AccessState {
  return {
    config: parseUserConfig(user),
    shadow: parseShadow(shadow),
    secrets: parseTokenSecrets(tokens),
    tfa: parseTfaConfig(tfa),
    sessions: parseEndedSessions(sessions),
  };
}

function textsOf(state: AccessState): string[] {
  return [
    formatUserConfig(state.config),
    formatShadow(state.shadow),
    formatTokenSecrets(state.secrets),
    formatTfaConfig(state.tfa),
    formatEndedSessions(state.sessions),
  ];
}

const sameTexts = (one: readonly string[], other: readonly string[]): boolean =>
  one[0] === other[0] && one[1] === other[1];

/** Ends the sessions of those who were removed or disabled, and of those in realm pve who have another password. */
function logOut(before: AccessState, after: AccessState): void {
  for (const [id, user] of before.config.users) {
    const name = id.endsWith('@pve') ? id.slice(0, -'@pve'.length) : undefined;
    const isOut = user.enable && !after.config.users.get(id)?.enable;
    const hasOtherPassword = name !== undefined && before.shadow.get(name) !== after.shadow.get(name);
    if (isOut || hasOtherPassword) endAllOf(after.sessions, id);
  }
}

/** `<user>:<hash>:` a line. */
export function parseShadow(text: string): Shadow {
  const shadow: Shadow = new Map();
  for (const line of text.split('\n')) {
    const [user, hash] = line.split(':');
    if (user && hash) shadow.set(user, hash);
  }
  return shadow;
}

export function formatShadow(shadow: Shadow): string {
  const lines = [...shadow].sort(([a], [b]) => (a < b ? -1 : 1)).map(([user, hash]) => `${user}:${hash}:\n`);
  return lines.join('');
}
