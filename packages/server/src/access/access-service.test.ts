import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../cluster/memory-store.ts';
import type { Doc } from '../cluster/store.ts';
import { createLogger } from '../host/log.ts';
import { type DataPaths, dataPaths } from '../host/paths.ts';
import { editAccess, shadowCfg, tokenCfg, userCfg } from './access-documents.ts';
import { type AccessService, createAccessService } from './access-service.ts';
import { changeToken, createToken } from './api-token.ts';
import { initializeAccess } from './initialize.ts';
import { splitUserId } from './realms/realm.ts';
import { changeUser, createUser, removeUser, setPassword } from './users.ts';

const log = createLogger('test', 'silent');

/** scrypt at its lowest cost, so that a hundred logins of the tests take no minute. */
const password = 'a cheap password';
const cheapHash = '$7$46..../....testsalt$b.9KAbruQKYGHWdBEgTB8pmDwURRsdmXwe8xhZwurdC';

let folder: string;
let paths: DataPaths;
let firstDocs: readonly Doc[];
let firstPassword: string;
let store: MemoryStore;
let access: AccessService;
let now: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-access-'));
  paths = dataPaths(folder);
  const first = new MemoryStore();
  expect(await initializeAccess(first, paths)).toEqual({ created: true });
  firstDocs = first.list('');
  firstPassword = readFileSync(paths.initialPassword, 'utf8').trim();
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(async () => {
  store = new MemoryStore();
  now = Date.UTC(2030, 0, 1);
  const docs = firstDocs.map(({ path, text }) => ({ path, text }));
  await store.commit(
    [],
    [...docs, { path: shadowCfg, text: `admin:${cheapHash}:\n` }].filter(isLastOfItsPath),
  );
  access = createAccessService({ store, paths, log, clock: () => now });
});
afterEach(() => access.close());

const isLastOfItsPath = (doc: { path: string }, index: number, docs: readonly { path: string }[]) =>
  docs.findLastIndex(({ path }) => path === doc.path) === index;

/** Another user with the same cheap password. */
async function addUser(id: string): Promise<void> {
  await createUser(store, id, {}, 'root@pam');
  await editAccess(store, 'root@pam', ({ shadow }) => shadow.set(splitUserId(id).name, cheapHash));
}

const seconds = () => Math.floor(now / 1000);

describe('first start', { timeout: 60_000 }, () => {
  it('makes users and secrets that only root can read', () => {
    expect(firstPassword).toMatch(/^[A-Za-z2-9]{20}$/);
    for (const path of [paths.initialPassword, join(paths.pki, 'ticket.key'), join(paths.pki, 'csrf.key')]) {
      expect(statSync(path).mode & 0o777, path).toBe(0o600);
    }
    expect(statSync(paths.pki).mode & 0o777).toBe(0o700);
    expect(access.privileges('admin@pve', '/vms/100').has('VM.Allocate')).toBe(true);
    expect(access.userExists('root@pam')).toBe(true);
    for (const doc of firstDocs) expect(doc.text).not.toContain(firstPassword);
  });

  it('changes nothing when it comes again', async () => {
    const files = [paths.initialPassword, join(paths.pki, 'ticket.key'), join(paths.pki, 'csrf.key')];
    const before = files.map((path) => readFileSync(path, 'utf8'));
    expect(await initializeAccess(store, paths)).toEqual({ created: false });
    expect(files.map((path) => readFileSync(path, 'utf8'))).toEqual(before);
    await access.login({ username: 'admin@pve', password });
  });

  it('completes what a power cut left after the password file', async () => {
    const empty = new MemoryStore();
    expect(await initializeAccess(empty, paths)).toEqual({ created: true });
    const given = readFileSync(paths.initialPassword, 'utf8').trim();
    expect(given).not.toBe(firstPassword);
    const service = createAccessService({ store: empty, paths, log });
    await service.login({ username: 'admin', realm: 'pve', password: given });
    await setPassword(empty, 'admin@pve', 'another password', 'root@pam');
    await expect(service.login({ username: 'admin', realm: 'pve', password: given })).rejects.toThrow(
      'authentication failure',
    );
    await service.login({ username: 'admin', realm: 'pve', password: 'another password' });
    service.close();
  });

  it('says which key file is damaged and what to do', () => {
    const file = join(paths.pki, 'ticket.key');
    const key = readFileSync(file);
    writeFileSync(file, 'nonsense');
    expect(() => createAccessService({ store, paths, log })).toThrow(
      /ticket\.key cannot be used .*remove it/,
    );
    writeFileSync(file, key);
  });
});

describe('password login', () => {
  it('answers with ticket, CSRF token and capabilities', async () => {
    const login = await access.login({ username: 'admin', realm: 'pve', password });
    expect(login.username).toBe('admin@pve');
    expect(login.cap?.vms?.['VM.Allocate']).toBe(1);
    expect(login.cap?.dc).toEqual({
      'SDN.Allocate': 1,
      'SDN.Audit': 1,
      'SDN.Use': 1,
      'Sys.Audit': 1,
      'Sys.Modify': 1,
    });
    expect(Object.keys(login.cap ?? {}).sort()).toEqual([
      'access',
      'dc',
      'mapping',
      'nodes',
      'sdn',
      'storage',
      'vms',
    ]);
    const credentials = { ticket: login.ticket, csrfToken: login.CSRFPreventionToken };
    expect(access.authenticate(credentials, true)).toMatchObject({ user: 'admin@pve', isToken: false });
  });

  it.each([
    ['admin@pve', undefined, 'wrong password'],
    ['admin@pve', undefined, ''],
    ['nobody@pve', undefined, 'whatever'],
    ['admin', undefined, 'whatever'],
    ['admin', 'nowhere', 'whatever'],
    ['admin@pve', 'pve', 'whatever'],
    ['', 'pve', 'whatever'],
    ['__proto__', 'pve', 'whatever'],
    ['admin@pve:x', undefined, 'whatever'],
  ])('refuses %j in realm %j with the password %j, always in the same words', async (user, realm, given) => {
    await expect(access.login({ username: user, realm: realm, password: given })).rejects.toMatchObject({
      code: 'unauthenticated',
      message: 'authentication failure',
    });
  });

  it('refuses who has no password, is disabled, expired or has a second factor, with the right password too', async () => {
    await createUser(store, 'empty@pve', {}, 'root@pam');
    await expect(access.login({ username: 'empty@pve', password: '' })).rejects.toThrow(
      'authentication failure',
    );
    for (const fields of [{ enable: false }, { expire: 1 }, { keys: 'x' }, { keys: 'x!oath' }]) {
      await changeUser(store, 'admin@pve', { enable: true, expire: 0, keys: '', ...fields }, 'root@pam');
      await expect(access.login({ username: 'admin@pve', password })).rejects.toThrow(
        'authentication failure',
      );
    }
    await changeUser(store, 'admin@pve', { keys: 'yubikey1' }, 'root@pam');
    await access.login({ username: 'admin@pve', password });
  });

  it('a ticket in place of the password renews the login, for the same user and within its life', async () => {
    const first = await access.login({ username: 'admin@pve', password });
    now += 3600_000;
    const second = await access.login({ username: 'admin', realm: 'pve', password: first.ticket });
    expect(second.ticket).not.toBe(first.ticket);
    await expect(access.login({ username: 'root@pam', password: first.ticket })).rejects.toThrow(
      'authentication failure',
    );
    now += 3600_000;
    await expect(access.login({ username: 'admin@pve', password: first.ticket })).rejects.toThrow(
      'authentication failure',
    );
    expect(access.authenticate({ ticket: second.ticket }, false).user).toBe('admin@pve');
  });

  it('makes one address wait after ten failures, and nobody else', async () => {
    await addUser('bob@pve');
    const login = (user: string, given: string, remote: string) =>
      access.login({ username: user, password: given }, { remote, agent: '' });
    for (let i = 0; i < 10; i++) {
      await expect(login('bob@pve', 'wrong', '192.0.2.1')).rejects.toThrow('authentication failure');
    }
    await expect(login('bob@pve', password, '192.0.2.1')).rejects.toThrow(
      /^authentication failure - too many failed logins, try again in 300 s$/,
    );
    await login('bob@pve', password, '192.0.2.2');
    await login('admin@pve', password, '192.0.2.1');
    now += 300_000;
    await login('bob@pve', password, '192.0.2.1');
  });
});

describe('every request', () => {
  it('names what is wrong with the credentials', async () => {
    const { ticket, CSRFPreventionToken } = await access.login({ username: 'admin@pve', password });
    const reason = (credentials: Parameters<AccessService['authenticate']>[0], needCsrf = false) => {
      try {
        access.authenticate(credentials, needCsrf);
        return 'fine';
      } catch (error) {
        expect(error).toMatchObject({ code: 'unauthenticated' });
        return (error as Error).message;
      }
    };
    expect(reason({})).toBe('No ticket');
    expect(reason({ ticket: '' })).toBe('No ticket');
    expect(reason({ ticket: 'PVE:admin@pve:00000000::AAAA' })).toBe('invalid PVE ticket');
    expect(reason({ ticket }, true)).toBe('Permission denied - invalid csrf token');
    expect(reason({ ticket, csrfToken: 'x' }, true)).toBe('Permission denied - invalid csrf token');
    expect(reason({ ticket, csrfToken: CSRFPreventionToken }, true)).toBe('fine');
    expect(reason({ ticket: 'bad', apiToken: 'admin@pve!ci=x' })).toBe('invalid PVE ticket');
    for (const apiToken of [
      '',
      'x',
      'admin@pve=x',
      'admin@pve!ci',
      'admin@pve!ci=',
      'admin@pve!ci=x',
      'a@b!cd=e f',
    ]) {
      expect(reason({ apiToken }), apiToken).toBe('invalid token value!');
    }
    now += 7200_000;
    expect(reason({ ticket })).toBe('invalid PVE ticket');
  });

  it('refuses a disabled, expired or removed user at once', async () => {
    const logIn = async () => (await access.login({ username: 'admin@pve', password })).ticket;
    const ticket = await logIn();
    const { secret } = await createToken(store, 'admin@pve', 'ci', {}, 'root@pam');
    const both = [{ ticket }, { apiToken: `admin@pve!ci=${secret}` }];
    for (const one of both) access.authenticate(one, false);
    await changeUser(store, 'admin@pve', { enable: false }, 'root@pam');
    for (const one of both) expect(() => access.authenticate(one, false)).toThrow('user is disabled');
    await changeUser(store, 'admin@pve', { enable: true, expire: seconds() + 60 }, 'root@pam');
    // Tickets do not come back with their user.
    expect(() => access.authenticate({ ticket }, false)).toThrow('invalid PVE ticket');
    both[0] = { ticket: await logIn() };
    for (const one of both) access.authenticate(one, false);
    now += 60_000;
    for (const one of both) expect(() => access.authenticate(one, false)).toThrow('user account expired');
    await removeUser(store, 'admin@pve', 'root@pam');
    expect(() => access.authenticate({ ticket }, false)).toThrow('no such user');
    expect(() => access.authenticate(both[1] as { apiToken: string }, false)).toThrow('invalid token value!');
  });

  it('survives a document that somebody broke: root@pam and who can still be read get in', async () => {
    const { ticket } = await access.login({ username: 'admin@pve', password });
    const text = store.get(userCfg)?.text ?? '';
    await store.commit([], [{ path: userCfg, text: `\u0001garbage:::\nacl:1:\n${text}` }]);
    expect(access.authenticate({ ticket }, false).user).toBe('admin@pve');
    expect(access.privileges('root@pam', '/').size).toBeGreaterThan(40);
  });
});

describe('API tokens', () => {
  it('come with = or a blank, need no CSRF token, and end when they should', async () => {
    const { secret } = await createToken(store, 'admin@pve', 'ci', { expire: seconds() + 60 }, 'root@pam');
    expect(secret).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const identity = { user: 'admin@pve!ci', isToken: true };
    expect(access.authenticate({ apiToken: `admin@pve!ci=${secret}` }, true)).toMatchObject(identity);
    expect(access.authenticate({ apiToken: `admin@pve!ci ${secret}` }, true)).toMatchObject(identity);
    now += 60_000;
    expect(() => access.authenticate({ apiToken: `admin@pve!ci=${secret}` }, true)).toThrow(
      'token access expired',
    );
  });

  it('get a new secret, and the old one ends at once', async () => {
    const { secret } = await createToken(store, 'admin@pve', 'ci', {}, 'root@pam');
    const next = (await changeToken(store, 'admin@pve', 'ci', { regenerate: true }, 'root@pam')).secret;
    expect(() => access.authenticate({ apiToken: `admin@pve!ci=${secret}` }, false)).toThrow(
      'invalid token value!',
    );
    access.authenticate({ apiToken: `admin@pve!ci=${next}` }, false);
  });

  it('are stored as hashes; plain secrets of another product work and become hashes', async () => {
    const plain = '11111111-2222-3333-4444-555555555555';
    await createToken(store, 'admin@pve', 'old', {}, 'root@pam');
    await store.commit([], [{ path: tokenCfg, text: `admin@pve!old ${plain}\n` }]);
    access.authenticate({ apiToken: `admin@pve!old=${plain}` }, false);
    const { secret } = await createToken(store, 'admin@pve', 'ci', {}, 'root@pam');
    const text = store.get(tokenCfg)?.text ?? '';
    expect(text).not.toContain(plain);
    expect(text).not.toContain(secret);
    access.authenticate({ apiToken: `admin@pve!old=${plain}` }, false);
    const stored = /ci (sha256:\w+)/.exec(text)?.[1];
    for (const wrong of [stored, 'sha256:', 'sha256:00']) {
      expect(() => access.authenticate({ apiToken: `admin@pve!ci=${wrong}` }, false)).toThrow(
        'invalid token value!',
      );
    }
  });

  it('of a removed user do not come back with a new user of the same name', async () => {
    await addUser('bob@pve');
    await access.login({ username: 'bob@pve', password });
    const { secret } = await createToken(store, 'bob@pve', 'ci', {}, 'root@pam');
    await removeUser(store, 'bob@pve', 'root@pam');
    await createUser(store, 'bob@pve', {}, 'root@pam');
    await createToken(store, 'bob@pve', 'ci', {}, 'root@pam');
    expect(() => access.authenticate({ apiToken: `bob@pve!ci=${secret}` }, false)).toThrow(
      'invalid token value!',
    );
    await expect(access.login({ username: 'bob@pve', password })).rejects.toThrow('authentication failure');
  });
});

describe('changes', () => {
  it('of many callers at once are all kept', async () => {
    await Promise.all(
      Array.from({ length: 10 }, (_, i) => createUser(store, `u${i}@pve`, { comment: `c${i}` }, 'root@pam')),
    );
    for (let i = 0; i < 10; i++) expect(access.userExists(`u${i}@pve`)).toBe(true);
    const same = await Promise.allSettled(
      Array.from({ length: 10 }, () => createUser(store, 'same@pve', {}, 'root@pam')),
    );
    expect(same.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('write nothing when the edit throws, and name their author', async () => {
    const before = store.get(userCfg)?.revision;
    await expect(
      editAccess(store, 'ann@pve', ({ config }) => {
        config.users.clear();
        throw new Error('stop');
      }),
    ).rejects.toThrow('stop');
    expect(store.get(userCfg)?.revision).toBe(before);
    await createUser(store, 'bob@pve', {}, 'ann@pve');
    expect((await store.history(userCfg))[0]?.author).toBe('ann@pve');
  });
});
