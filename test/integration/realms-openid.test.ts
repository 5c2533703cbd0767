/** Realms of type openid against a real provider, walked through with real HTTP requests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readUserConfig } from '../../packages/server/src/access/access-documents.ts';
import { OpenIdLogins } from '../../packages/server/src/access/realms/openid/logins.ts';
import {
  changeRealm,
  createRealm,
  type RealmValues,
  setRealmSecret,
} from '../../packages/server/src/access/realms/realm-config.ts';
import { createGroup, createUser } from '../../packages/server/src/access/users.ts';
import { MemoryStore } from '../../packages/server/src/cluster/memory-store.ts';
import { clientId, clientKey, type OpenIdProvider, startOpenIdProvider } from '../lib/openid-provider.ts';

const home = 'https://ryokan.test:8006';
let folder: string;
let provider: OpenIdProvider;
let store: MemoryStore;
let logins: OpenIdLogins;
let now = Date.now();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryn-openid-'));
  provider = await startOpenIdProvider(folder, [home]);
});
afterAll(async () => {
  await provider?.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  store = new MemoryStore();
  now = Date.now();
  logins = new OpenIdLogins(store, () => now);
  provider.tamper = undefined;
  provider.accounts.clear();
});

const addRealm = async (values: RealmValues = {}) => {
  const base = { 'issuer-url': provider.issuer, 'client-id': clientId, capath: provider.ca };
  await createRealm(store, 'sso', 'openid', { ...base, ...values }, 'test');
  await setRealmSecret(store, 'sso', 'client-key', clientKey, 'test');
};
const answerFor = async (person: string) => {
  const { searchParams } = await provider.visit(await logins.begin('sso', home), person);
  return { code: searchParams.get('code') ?? '', state: searchParams.get('state') ?? '' };
};
const logIn = async (person: string) => {
  const { code, state } = await answerFor(person);
  return logins.complete(state, code, home);
};
const config = () => readUserConfig(store);

describe('a login by OpenID', () => {
  it('asks with code flow, PKCE, state, nonce and what the realm says', async () => {
    await addRealm({ scopes: 'email', prompt: 'login', 'acr-values': 'urn:a' });
    const { searchParams: asked } = new URL(await logins.begin('sso', home));
    expect(Object.fromEntries(asked)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      scope: 'openid email',
      prompt: 'login',
      acr_values: 'urn:a',
      redirect_uri: home,
    });
  });

  it('lets in a user of that name', async () => {
    await addRealm();
    await createUser(store, 'ann@sso', {}, 'test');
    expect(await logIn('ann')).toEqual({ user: 'ann@sso', warnings: [] });
  });

  it('refuses who is no user, and says so', async () => {
    await addRealm();
    await expect(logIn('eve')).rejects.toMatchObject({ code: 'forbidden' });
    expect(config().users.has('eve@sso')).toBe(false);
  });

  it('takes the claim that the realm names, from the token or by asking the provider', async () => {
    await addRealm({ 'username-claim': 'username', autocreate: true });
    provider.accounts.set('4711', { preferred_username: 'ann', email: 'ann@ryokan.test', given_name: 'Ann' });
    expect((await logIn('4711')).user).toBe('ann@sso');
    expect(config().users.get('ann@sso')).toMatchObject({
      email: 'ann@ryokan.test',
      firstname: 'Ann',
      enable: true,
    });
    await changeRealm(store, 'sso', { values: { 'query-userinfo': false }, remove: [] }, 'test');
    await expect(logIn('4711')).rejects.toThrow("does not give the claim 'preferred_username'");
  });

  it('never by an email address that nobody has verified', async () => {
    await addRealm({ 'username-claim': 'email', autocreate: true });
    provider.accounts.set('1', { email: 'boss@ryokan.test', email_verified: false });
    provider.accounts.set('2', { email: 'ann@ryokan.test', email_verified: true });
    await expect(logIn('1')).rejects.toThrow('not verified');
    expect((await logIn('2')).user).toBe('ann@ryokan.test@sso');
  });

  it('works with a provider that takes the key in the body only', async () => {
    const other = await startOpenIdProvider(join(folder, 'post'), [home], {
      authMethod: 'client_secret_post',
    });
    try {
      await addRealm({ 'issuer-url': other.issuer, capath: other.ca, autocreate: true });
      const { searchParams } = await other.visit(await logins.begin('sso', home), 'ann');
      const [code, state] = [searchParams.get('code') ?? '', searchParams.get('state') ?? ''];
      expect((await logins.complete(state, code, home)).user).toBe('ann@sso');
    } finally {
      await other.stop();
    }
  });
});

describe('self-registration', () => {
  it('makes users without rights, up to a limit', async () => {
    await addRealm({ autocreate: true, 'autocreate-limit': 1 });
    await logIn('ann');
    expect([...config().acl.values()]).toEqual([]);
    await expect(logIn('bob')).rejects.toThrow('makes no more');
    await logIn('ann');
  });

  it.each(['a:b', 'root@pam,x', '@admins', 'x!token', 'a b', 'x'.repeat(80), 'a\u202eb'])(
    'refuses the name %j',
    async (name) => {
      await addRealm({ autocreate: true, 'username-claim': 'username' });
      provider.accounts.set('x', { preferred_username: name });
      await expect(logIn('x')).rejects.toMatchObject({ code: 'forbidden' });
      expect(store.get('user.cfg')).toBeUndefined();
    },
  );
});

describe('groups', () => {
  beforeEach(() =>
    provider.accounts.set('ann', { roles: ['staff', 'new', 'b/d'], realm_access: { roles: ['staff'] } }),
  );

  it('come from a claim, those that exist', async () => {
    await addRealm({ autocreate: true, 'groups-claim': 'roles' });
    await createGroup(store, 'staff-sso', '', 'test');
    await createGroup(store, 'staff', '', 'test');
    const { warnings } = await logIn('ann');
    expect(config().groups.get('staff-sso')?.users).toEqual(new Set(['ann@sso']));
    expect(config().groups.get('staff')?.users.size).toBe(0);
    expect(warnings).toEqual([expect.stringContaining("'new-sso'"), expect.stringContaining("'b/d'")]);
  });

  it('are made and left as the realm says, also from a claim inside a claim', async () => {
    const all = { autocreate: true, 'groups-autocreate': true, 'groups-overwrite': true };
    await addRealm({ ...all, 'groups-claim': 'roles' });
    await logIn('ann');
    expect(config().groups.get('new-sso')?.users).toEqual(new Set(['ann@sso']));
    await changeRealm(store, 'sso', { values: { 'groups-claim': 'realm_access.roles' }, remove: [] }, 'test');
    await logIn('ann');
    expect(config().groups.get('new-sso')?.users.size).toBe(0);
    expect(config().groups.get('staff-sso')?.users).toEqual(new Set(['ann@sso']));
    await changeRealm(store, 'sso', { values: { 'groups-claim': 'gone' }, remove: [] }, 'test');
    expect((await logIn('ann')).warnings).toEqual([expect.stringContaining('groups stay as they are')]);
    expect(config().groups.get('staff-sso')?.users.size).toBe(1);
  });
});

describe('what is refused', () => {
  beforeEach(() => addRealm({ autocreate: true }));

  it('a state that is unknown, used, too old or from elsewhere', async () => {
    const refusal = { code: 'unauthenticated' };
    await expect(logins.complete('x', 'y', home)).rejects.toMatchObject(refusal);
    const first = await answerFor('ann');
    await logins.complete(first.state, first.code, home);
    await expect(logins.complete(first.state, first.code, home)).rejects.toMatchObject(refusal);
    const old = await answerFor('ann');
    now += 11 * 60_000;
    await expect(logins.complete(old.state, old.code, home)).rejects.toMatchObject(refusal);
    const moved = await answerFor('ann');
    await expect(logins.complete(moved.state, moved.code, `${home}/x`)).rejects.toMatchObject(refusal);
    const [one, two] = [await answerFor('ann'), await answerFor('bob')];
    await expect(logins.complete(one.state, two.code, home)).rejects.toMatchObject(refusal);
  });

  it.each<[string, (claims: Readonly<Record<string, unknown>>) => Record<string, unknown>]>([
    ['another audience', (claims) => ({ ...claims, aud: 'somebody else' })],
    ['an audience more', (claims) => ({ ...claims, aud: [clientId, 'somebody else'], azp: clientId })],
    ['another issuer', (claims) => ({ ...claims, iss: 'https://evil.test' })],
    ['another nonce', (claims) => ({ ...claims, nonce: 'x' })],
    ['no nonce', ({ nonce: _, ...claims }) => claims],
    ['that has expired', (claims) => ({ ...claims, exp: 1 })],
  ])('a token with %s', async (_, tamper) => {
    provider.tamper = tamper;
    await expect(logIn('ann')).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(config().users.has('ann@sso')).toBe(false);
  });

  it('but not an audience that the realm allows', async () => {
    await changeRealm(store, 'sso', { values: { audiences: 'somebody other' }, remove: [] }, 'test').catch(
      () => {},
    );
    await changeRealm(store, 'sso', { values: { audiences: 'somebody,other' }, remove: [] }, 'test');
    provider.tamper = (claims) => ({ ...claims, aud: [clientId, 'other'], azp: clientId });
    expect((await logIn('ann')).user).toBe('ann@sso');
  });

  it('a provider that whoever entered the realm may not send the node to', async () => {
    // As if its name had led elsewhere then.
    const values = { 'issuer-url': `${provider.issuer}/` };
    await changeRealm(store, 'sso', { values, remove: [], reach: 'network' }, 'test');
    await expect(logins.begin('sso', home)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('addresses that codes must not go to', async () => {
    for (const url of [
      'http://ryokan.test',
      'javascript:alert(1)',
      'x',
      'https://a:b@ryokan.test',
      `${home}/#x`,
      `${home}/?x`,
    ]) {
      await expect(logins.begin('sso', url), url).rejects.toMatchObject({ code: 'parameter' });
    }
  });
});

describe('bad days say what to do', () => {
  it.each<[string, () => RealmValues, RegExp]>([
    ['nobody listens', () => ({ 'issuer-url': 'https://127.0.0.1:1' }), /is the provider running/],
    ['an authority unknown', () => ({ capath: '/etc/ssl/certs' }), /set capath/],
    ['no provider', () => ({ 'issuer-url': `${provider.issuer}/nowhere` }), /check issuer-url/],
    ['no address', () => ({ 'issuer-url': 'ldap://x' }), /begins with https/],
  ])('%s', async (_, values, text) => {
    await addRealm(values());
    await expect(logins.begin('sso', home)).rejects.toThrow(text);
  });

  const badServer = async (listener: RequestListener, text: RegExp) => {
    const server = createServer(listener);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    try {
      await addRealm({ 'issuer-url': `http://127.0.0.1:${port}` });
      const error: unknown = await logins.begin('sso', home).catch((one: unknown) => one);
      expect(String(error)).toMatch(text);
      expect(String(error)).not.toContain('TOP SECRET');
    } finally {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  };

  it('a redirect to somewhere inside', () =>
    badServer(
      (_, answer) => answer.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('TOP SECRET'),
      /redirect/,
    ));
  it('an answer without end', () =>
    badServer((_, answer) => {
      const more = () =>
        void (answer.write('TOP SECRET'.repeat(10_000)) ? setImmediate(more) : answer.once('drain', more));
      more();
    }, /longer than/));
  it('another service altogether', () =>
    badServer(
      (_, answer) => answer.writeHead(200, { 'content-type': 'text/plain' }).end('TOP SECRET'),
      /check issuer-url/,
    ));
});
