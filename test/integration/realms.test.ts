/** Realms of directories (types ldap and ad) against a real OpenLDAP server: logins, syncs and bad days. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Attribute, Change } from 'ldapts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readUserConfig } from '../../packages/server/src/access/access-documents.ts';
import { type AccessService, createAccessService } from '../../packages/server/src/access/access-service.ts';
import { changeAcl } from '../../packages/server/src/access/acl.ts';
import { createToken } from '../../packages/server/src/access/api-token.ts';
import { initializeAccess } from '../../packages/server/src/access/initialize.ts';
import {
  checkDirectoryPassword,
  checkStoredDirectory,
} from '../../packages/server/src/access/realms/directory/login.ts';
import { checkDirectory } from '../../packages/server/src/access/realms/directory/read.ts';
import { directorySettings } from '../../packages/server/src/access/realms/directory/settings.ts';
import {
  previewSync,
  type SyncRequest,
  storedDirectory,
  syncOptions,
  syncRealm,
} from '../../packages/server/src/access/realms/directory/sync.ts';
import {
  changeRealm,
  createRealm,
  draftRealm,
  type RealmValues,
  requireRealm,
  setRealmSecret,
} from '../../packages/server/src/access/realms/realm-config.ts';
import { changeUser, createGroup, createUser } from '../../packages/server/src/access/users.ts';
import { MemoryStore } from '../../packages/server/src/cluster/memory-store.ts';
import { createLogger } from '../../packages/server/src/host/log.ts';
import { dataPaths } from '../../packages/server/src/host/paths.ts';
import {
  baseDn,
  type DirectoryServer,
  groups,
  limitedDn,
  readerDn,
  secret,
  slapdReason,
  startDirectory,
  userDn,
  users,
} from '../lib/directory-server.ts';

const crowd = Array.from({ length: 1200 }, (_, i) => `worker${i}`);
const hostile = ['comma,name', 'co:lon', '*', 'a)(uid=*', '@staff', 'token!x'];
const remote = '192.0.2.7';

describe.skipIf(slapdReason !== '')(`directories${slapdReason ? ` (${slapdReason})` : ''}`, () => {
  let server: DirectoryServer;
  let folder: string;
  let store: MemoryStore;
  let access: AccessService;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ryn-realms-'));
    await initializeAccess(new MemoryStore(), dataPaths(folder));
    server = await startDirectory(
      [
        { uid: 'ann', mail: 'ann@ryokan.test', givenName: 'Ann', sn: 'Åström' },
        { uid: 'bob', mail: 'bob@ryokan.test' },
        { uid: 'Cyd', mail: 'cyd@ryokan.test' },
        { uid: 'eve@ryokan.test' },
        ...crowd.map((uid) => ({ uid })),
        ...hostile.map((uid) => ({ uid })),
      ],
      { staff: ['ann', 'bob', 'comma,name'], everybody: crowd, 'bad name': ['ann'] },
    );
  }, 120_000);
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    store = new MemoryStore();
    await store.commit([], [{ path: 'user.cfg', text: 'user:admin@pve:1:0::::::\n' }]);
    access = createAccessService({ store, paths: dataPaths(folder), log: createLogger('test', 'silent') });
  });
  afterEach(() => access.close());

  const ldap = (values: RealmValues = {}): RealmValues => ({
    server1: '127.0.0.1',
    port: server.port,
    base_dn: baseDn,
    user_attr: 'uid',
    bind_dn: readerDn,
    ...values,
  });
  const tls = (values: RealmValues = {}) =>
    ldap({ mode: 'ldaps', port: server.tlsPort, verify: true, capath: server.ca, ...values });
  const drafted = (values: RealmValues, password: string = secret) =>
    directorySettings(draftRealm('corp', 'ldap', values), password);
  const addRealm = async (values: RealmValues = ldap()) => {
    await createRealm(store, 'corp', 'ldap', values, 'test');
    await setRealmSecret(store, 'corp', 'password', secret, 'test');
  };
  const optionsOf = (request: SyncRequest) => syncOptions(store, requireRealm(store, 'corp'), request);
  const sync = (request: SyncRequest = {}) =>
    syncRealm(store, storedDirectory(store, 'corp'), optionsOf(request), 'test');
  const config = () => readUserConfig(store);

  describe('logins', () => {
    const check = (values: RealmValues, name = 'ann', password = `${name}-password`) =>
      checkDirectoryPassword(drafted(values), name, password);

    it.each(['ldap', 'ldaps', 'ldap+starttls'])('by %s', async (mode) => {
      const values =
        mode === 'ldap' ? ldap() : tls({ mode, ...(mode === 'ldaps' ? {} : { port: server.port }) });
      expect(await check(values)).toEqual({ ok: true });
      expect(await check(values, 'ann', 'wrong')).toEqual({ ok: false, refusal: 'wrong password' });
    });

    it('as nobody when there is no bind_dn, with TLS of one version, and with the old form of ldaps', async () => {
      const { bind_dn: _, ...anonymous } = ldap();
      expect(await check(anonymous)).toEqual({ ok: true });
      expect(await check(tls({ sslversion: 'tlsv1_3' }))).toEqual({ ok: true });
      const { mode: __, ...old } = tls({ secure: true });
      expect(await check(old)).toEqual({ ok: true });
    });

    it('never with an empty password, which a directory takes for nobody', async () => {
      for (const password of ['', '\0', 'ann-password\0']) {
        expect(await check(ldap(), 'ann', password)).toEqual({ ok: false, refusal: 'no possible password' });
      }
    });

    it('with names that are filters, DNs and nothing at all', async () => {
      for (const name of ['*', 'a)(uid=*', 'comma,name']) {
        expect(await check(ldap(), name)).toEqual({ ok: true });
        expect(await check(ldap(), name, 'ann-password')).toMatchObject({ ok: false });
      }
      for (const name of ['an*', 'ann)(objectClass=*', 'ann\0', '', userDn('ann'), '\\61nn']) {
        expect(await check(ldap(), name, 'ann-password'), name).toMatchObject({ ok: false });
      }
    });

    it('refuses a name that several entries have', async () => {
      expect(await check(ldap({ user_attr: 'objectClass' }), 'inetOrgPerson', 'x')).toMatchObject({
        refusal: expect.stringContaining('several entries'),
      });
    });

    it('only where whoever entered the realm may send the node, whatever a name leads to by now', async () => {
      const logInHere = () => checkStoredDirectory(store, requireRealm(store, 'corp'), 'ann', 'ann-password');
      const refused = {
        cause: { code: 'forbidden', message: expect.stringMatching(/^'localhost' is an add/) },
      };
      // As if the name had led elsewhere when the realm was entered.
      await createRealm(store, 'corp', 'ldap', ldap({ server1: 'localhost' }), 'test', 'network');
      await setRealmSecret(store, 'corp', 'password', secret, 'test');
      await expect(logInHere()).rejects.toMatchObject(refused);
      await expect(sync()).rejects.toMatchObject(refused.cause);
      for (const values of [tls({ server1: 'localhost', verify: false }), ldap({ mode: 'ldap+starttls' })]) {
        const settings = directorySettings(draftRealm('corp', 'ldap', values, 'public'), secret);
        await expect(checkDirectoryPassword(settings, 'ann', 'x')).rejects.toMatchObject({
          code: 'forbidden',
        });
      }
      // Neither an administrator's remark nor one's own changes that; an address that an administrator enters does.
      const change = (values: RealmValues, reach: 'any' | 'network') =>
        changeRealm(store, 'corp', { values, remove: [], reach }, 'test');
      await change({ comment: 'ours' }, 'any');
      await expect(logInHere()).rejects.toMatchObject(refused);
      await change({ server1: '127.0.0.1' }, 'any');
      expect(await logInHere()).toEqual({ ok: true });
      await change({ comment: 'mine' }, 'network');
      expect(await logInHere()).toEqual({ ok: true });
    });

    it('asks the second server when the first does not answer', async () => {
      expect(await check(ldap({ server1: '127.0.0.2', server2: '127.0.0.1' }))).toEqual({ ok: true });
      // TLS counts too: this certificate is for 127.0.0.1.
      const error = check(tls({ server1: '127.0.0.2', server2: '127.0.0.3' }));
      await expect(error).rejects.toThrow(/127\.0\.0\.2.* refuses connections.*; .*127\.0\.0\.3.* refuses/);
    });

    it('binds to an Active Directory as name@domain, without a search', async () => {
      const settings = directorySettings(
        draftRealm('ads', 'ad', { server1: '127.0.0.1', port: server.port, domain: 'ryokan.test' }),
        undefined,
      );
      // OpenLDAP takes DNs only: what arrives is the principal, and it is refused as no DN.
      await expect(checkDirectoryPassword(settings, 'ann', 'x')).rejects.toThrow(
        'does not take this for a DN',
      );
      // A name with an @ goes as it is: here a DN that has one.
      const dn = userDn('eve@ryokan.test');
      expect(await checkDirectoryPassword(settings, dn, 'eve@ryokan.test-password')).toEqual({ ok: true });
      expect(await checkDirectoryPassword(settings, dn, 'x')).toMatchObject({ ok: false });
      expect(await checkDirectoryPassword(settings, dn, '')).toMatchObject({ ok: false });
    });

    it('end to end need a user here, who is enabled', async () => {
      await addRealm();
      const login = (name: string, password = `${name}-password`) =>
        access.login({ username: name, realm: 'corp', password: password }, { remote, agent: '' });
      await expect(login('ann')).rejects.toMatchObject({ code: 'unauthenticated' });
      await createUser(store, 'ann@corp', {}, 'test');
      const { ticket, username } = await login('ann');
      expect(username).toBe('ann@corp');
      expect(access.authenticate({ ticket }, false).user).toBe('ann@corp');
      await expect(login('ann', 'wrong')).rejects.toMatchObject({ code: 'unauthenticated' });
      await expect(login('ann', '')).rejects.toMatchObject({ code: 'unauthenticated' });
      await changeUser(store, 'ann@corp', { enable: false }, 'test');
      await expect(login('ann')).rejects.toMatchObject({ code: 'unauthenticated' });
      expect(() => access.authenticate({ ticket }, false)).toThrow('user is disabled');
    });

    it('find the user in any case where the realm says so', async () => {
      await addRealm(ldap({ 'case-sensitive': false }));
      await createUser(store, 'Cyd@corp', {}, 'test');
      expect(
        (
          await access.login(
            { username: 'cYD', realm: 'corp', password: 'Cyd-password' },
            { remote, agent: '' },
          )
        ).username,
      ).toBe('Cyd@corp');
      await createUser(store, 'cyd@corp', {}, 'test');
      await expect(
        access.login({ username: 'cYD', realm: 'corp', password: 'Cyd-password' }, { remote, agent: '' }),
      ).rejects.toThrow('authentication failure');
    });

    it('tell a person at the login nothing about the directory', async () => {
      await addRealm(ldap({ port: 1 }));
      await createUser(store, 'ann@corp', {}, 'test');
      const error: unknown = await access
        .login({ username: 'ann', realm: 'corp', password: 'x' }, { remote, agent: '' })
        .catch((one: unknown) => one);
      expect(String(error)).toContain('cannot check passwords at present');
      expect(String(error)).not.toContain('127.0.0.1');
    });
  });

  describe('bad days say what to do', () => {
    it.each<[string, () => RealmValues, string, RegExp]>([
      ['nobody listens', () => ldap({ port: 1 }), secret, /refuses connections: is the directory running/],
      ['no such name', () => ldap({ server1: 'no.such.invalid' }), secret, /DNS/],
      ['unknown authority', () => tls({ capath: '/etc/ssl/certs' }), secret, /set capath to the file/],
      [
        'no such file',
        () => tls({ capath: '/no/such/file' }),
        secret,
        /capath '\/no\/such\/file' cannot be read/,
      ],
      ['another name', () => tls({ server1: 'ip6-localhost.test', server2: '127.0.0.1' }), secret, /^$/],
      ['plain on the TLS port', () => ldap({ port: server.tlsPort }), secret, /127\.0\.0\.1/],
      ['TLS on the plain port', () => tls({ port: server.port }), secret, /is mode the right one/],
      ['wrong bind password', () => ldap(), 'wrong', /check bind_dn and password/],
      ['no bind password', () => ldap(), '', /no password for it/],
      ['wrong base', () => ldap({ base_dn: 'dc=nobody' }), secret, /check base_dn/],
      ['no DN', () => ldap({ base_dn: 'nonsense' }), secret, /check base_dn/],
    ])('%s', async (_what, values, password, text) => {
      const attempt = checkDirectory(drafted(values(), password));
      if (text.source === '^$') await expect(attempt).resolves.toBeUndefined();
      else await expect(attempt).rejects.toThrow(text);
    });

    it('a server that accepts and does not answer', async () => {
      server.pause();
      try {
        const started = performance.now();
        await expect(checkDirectoryPassword(drafted(ldap()), 'ann', 'x')).rejects.toThrow('does not answer');
        expect(performance.now() - started).toBeLessThan(15_000);
      } finally {
        server.resume();
      }
    });

    it('a file that is no certificate', async () => {
      const file = join(folder, 'passwd');
      await writeFile(file, 'root:x:0:0\n');
      const error: unknown = await checkDirectory(drafted(tls({ capath: file }))).catch(
        (one: unknown) => one,
      );
      expect(String(error)).toContain('is no file in PEM format');
      expect(String(error)).not.toContain('root:x');
    });
  });

  describe('syncs', { timeout: 60_000 }, () => {
    const attributes = { sync_attributes: 'email=mail,firstname=givenName,lastname=sn' };
    const people = { base_dn: users, group_dn: groups };

    it('take over users and groups, page by page', async () => {
      await addRealm(ldap({ ...people, ...attributes }));
      const result = await sync();
      expect(result).toMatchObject({ users: 1204 + hostile.length, groups: 3 });
      expect(config().users.get('ann@corp')).toMatchObject({
        enable: true,
        email: 'ann@ryokan.test',
        firstname: 'Ann',
        lastname: 'Åström',
      });
      expect(config().groups.get('staff-corp')?.users).toEqual(new Set(['ann@corp', 'bob@corp']));
      expect(config().groups.get('everybody-corp')?.users.size).toBe(1200);
      // Names that user.cfg would read as something else stay outside, and the document is sound.
      const own = [...config().users.keys()].filter((id) => id.endsWith('@corp'));
      expect(own).toHaveLength(1204 + 2);
      expect(own).toContain('*@corp');
      expect(config().problems).toEqual([]);
      expect(result.warnings.filter((line) => line.includes('left out'))).toHaveLength(
        hostile.length - 2 + 1,
      );
      expect((await sync()).changes).toEqual([]);
    });

    it('preview without a change', async () => {
      await addRealm(ldap({ ...people, filter: 'uid=a*' }));
      const before = store.get('user.cfg')?.text;
      const preview = await previewSync(store, storedDirectory(store, 'corp'), optionsOf({}));
      expect(preview.changes).toContainEqual({ kind: 'user', action: 'create', id: 'ann@corp' });
      expect(preview.changes).toContainEqual({
        kind: 'group',
        action: 'create',
        id: 'staff-corp',
        detail: '+1',
      });
      expect(store.get('user.cfg')?.text).toBe(before);
    });

    it('take part of it: scope, disabled at first, defaults of the realm', async () => {
      const few = { ...people, filter: '(|(uid=ann)(uid=bob))' };
      await addRealm(ldap({ ...few, 'sync-defaults-options': 'scope=users,enable-new=0' }));
      await sync();
      expect(config().users.get('ann@corp')?.enable).toBe(false);
      expect(config().groups.has('staff-corp')).toBe(false);
      await sync({ scope: 'groups' });
      expect(config().groups.get('staff-corp')?.users).toEqual(new Set(['ann@corp', 'bob@corp']));
    });

    it('remove what has vanished as far as they are told', async () => {
      await addRealm(ldap({ ...people, ...attributes, filter: '(|(uid=ann)(uid=temp*))' }));
      await server.change(async (client) => {
        const entry = { objectClass: 'inetOrgPerson', cn: 'x', sn: 'x', mail: 'temp@ryokan.test' };
        for (const uid of ['temp1', 'temp2']) await client.add(userDn(uid), { ...entry, uid });
        await client.add(`cn=temps,${groups}`, {
          objectClass: 'groupOfNames',
          cn: 'temps',
          member: userDn('temp1'),
        });
      });
      await sync();
      await createGroup(store, 'x-a-corp', '', 'test');
      await createRealm(store, 'a-corp', 'ldap', ldap(), 'test');
      await createToken(store, 'temp1@corp', 'ci', {}, 'test');
      const grant = { propagate: true, remove: false, roles: ['PVEAuditor'], tokens: [] };
      await changeAcl(
        store,
        { ...grant, path: '/', users: ['temp1@corp'], groups: ['temps-corp'] },
        'root@pam',
      );
      await changeUser(store, 'ann@corp', { comment: 'set by hand' }, 'test');
      await server.change(async (client) => {
        await client.del(userDn('temp1'));
        await client.del(`cn=temps,${groups}`);
        const noMail = new Attribute({ type: 'mail', values: [] });
        await client.modify(userDn('temp2'), new Change({ operation: 'delete', modification: noMail }));
      });

      expect((await sync()).changes).toEqual([]);
      expect(config().acl.get('/')?.users.has('temp1@corp')).toBe(true);
      expect(config().users.has('temp1@corp')).toBe(true);
      await sync({ 'remove-vanished': 'acl' });
      expect(config().acl.get('/')?.users.has('temp1@corp')).not.toBe(true);
      expect(config().acl.get('/')?.groups.has('temps-corp')).not.toBe(true);
      expect(config().users.has('temp1@corp')).toBe(true);
      await sync({ 'remove-vanished': 'properties' });
      expect(config().users.get('temp2@corp')?.email).toBe('');
      expect(config().users.get('ann@corp')?.comment).toBe('');
      await sync({ 'remove-vanished': 'entry' });
      expect(config().users.has('temp1@corp')).toBe(false);
      expect(store.get('priv/token.cfg')?.text ?? '').not.toContain('temp1');
      expect(config().groups.has('temps-corp')).toBe(false);
      // Of another realm, whose name ends like this one's.
      expect(config().groups.has('x-a-corp')).toBe(true);
      await server.change((client) => client.del(userDn('temp2')));
    });

    it('lose nothing when the directory is empty, cut short or away', async () => {
      await addRealm(ldap({ ...people, filter: '(uid=ann)' }));
      await sync();
      const before = store.get('user.cfg')?.text;
      const attempt = async (values: RealmValues, text: RegExp) => {
        const settings = drafted(ldap({ ...people, ...values }));
        const options = optionsOf({ 'remove-vanished': 'acl;entry;properties' });
        await expect(syncRealm(store, settings, options, 'test')).rejects.toThrow(text);
        expect(store.get('user.cfg')?.text).toBe(before);
      };
      await attempt({ filter: '(uid=nobody)' }, /no user was found, so nothing was removed/);
      await attempt({ bind_dn: limitedDn }, /only a part of the entries/);
      await attempt({ port: 1 }, /refuses connections/);
      await attempt({ filter: '(((' }, /filter is no LDAP filter/);
      await attempt({ group_dn: 'ou=gone,dc=ryokan,dc=test' }, /check base_dn and group_dn/);
    });
  });
});
