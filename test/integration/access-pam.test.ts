/**
 * Realm pam against the host's real PAM stack, with an account made for the test and removed after it. Needs root and
 * Debian's pamtester, chage and useradd.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccessService, createAccessService } from '../../packages/server/src/access/access-service.ts';
import { initializeAccess } from '../../packages/server/src/access/initialize.ts';
import { checkPamPassword, setPamPassword } from '../../packages/server/src/access/realms/pam.ts';
import { createUser, setPassword } from '../../packages/server/src/access/users.ts';
import { MemoryStore } from '../../packages/server/src/cluster/memory-store.ts';
import { createLogger } from '../../packages/server/src/host/log.ts';
import { dataPaths } from '../../packages/server/src/host/paths.ts';

const reason =
  process.getuid?.() !== 0
    ? 'needs root'
    : existsSync('/usr/bin/pamtester')
      ? ''
      : "needs Debian's package pamtester";
const account = `ryktest${process.pid}`;
const password = 'Geh: "heim" $1 \\ ß東';
const remote = '192.0.2.7';

const host = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });

describe.skipIf(reason !== '')(`realm pam${reason ? ` (${reason})` : ''}`, () => {
  let folder: string;
  let store: MemoryStore;
  let access: AccessService;

  beforeAll(async () => {
    host('/usr/sbin/useradd', '-M', '-s', '/usr/sbin/nologin', account);
    await setPamPassword(account, password);
    folder = await mkdtemp(join(tmpdir(), 'ryokan-pam-'));
    store = new MemoryStore();
    await initializeAccess(store, dataPaths(folder));
    access = createAccessService({ store, paths: dataPaths(folder), log: createLogger('test', 'silent') });
    await createUser(store, `${account}@pam`, {}, 'root@pam');
  });
  afterAll(async () => {
    access?.close();
    host('/usr/sbin/userdel', account);
    await rm(folder, { recursive: true, force: true });
  });

  it('lets in with the right password', async () => {
    expect(await checkPamPassword(account, password, remote)).toEqual({ ok: true });
    const login = await access.login(
      { username: account, realm: 'pam', password: password },
      { remote, agent: '' },
    );
    expect(login.username).toBe(`${account}@pam`);
    expect(access.authenticate({ ticket: login.ticket }, false).user).toBe(`${account}@pam`);
  });

  it('keeps out with a wrong password, and says why in the log only', async () => {
    expect(await checkPamPassword(account, 'wrong', remote)).toEqual({
      ok: false,
      refusal: 'Authentication failure',
    });
    await expect(
      access.login({ username: account, realm: 'pam', password: 'wrong' }, { remote, agent: '' }),
    ).rejects.toMatchObject({
      code: 'unauthenticated',
      message: 'authentication failure',
    });
  });

  it('keeps out accounts that do not exist', async () => {
    expect(await checkPamPassword('ryknobody', password, remote)).toMatchObject({ ok: false });
  });

  it('keeps out an account of the host that is no user here', async () => {
    const other = new MemoryStore();
    await initializeAccess(other, dataPaths(folder));
    const service = createAccessService({
      store: other,
      paths: dataPaths(folder),
      log: createLogger('test', 'silent'),
    });
    await expect(
      service.login({ username: account, realm: 'pam', password: password }, { remote, agent: '' }),
    ).rejects.toThrow('authentication failure');
    service.close();
  });

  it('keeps out locked, expired and overdue accounts with the right password', async () => {
    host('/usr/sbin/usermod', '-L', account);
    expect(await checkPamPassword(account, password, remote)).toMatchObject({ ok: false });
    host('/usr/sbin/usermod', '-U', account);
    host('/usr/bin/chage', '-E', '0', account);
    expect(await checkPamPassword(account, password, remote)).toMatchObject({ ok: false });
    host('/usr/bin/chage', '-E', '-1', '-d', '0', account);
    const overdue = await checkPamPassword(account, password, remote);
    expect(overdue).toEqual({
      ok: false,
      refusal: 'Authentication token is no longer valid; new one required',
    });
    host('/usr/bin/chage', '-d', new Date().toISOString().slice(0, 10), account);
    expect(await checkPamPassword(account, password, remote)).toEqual({ ok: true });
  });

  it.each(['', '-v', '--help', 'a b', 'root\nx', '../root', 'x'.repeat(33), 'röot', 'root;id', '0'])(
    'does not even ask for the name %j',
    async (name) => {
      expect(await checkPamPassword(name, password, remote)).toEqual({
        ok: false,
        refusal: 'no name of a host account',
      });
      await expect(setPamPassword(name, 'something long')).rejects.toThrow('cannot be an account');
    },
  );

  it.each(['', 'two\nlines', 'nul\0', 'x'.repeat(512)])(
    'does not even ask for the password %j',
    async (given) => {
      expect(await checkPamPassword(account, given, remote)).toMatchObject({
        refusal: 'no possible password of a host account',
      });
      await expect(setPamPassword(account, given)).rejects.toThrow('one line');
    },
  );

  it('does not let a second line of a password change another account', async () => {
    await expect(setPamPassword(account, 'fine\nroot:owned')).rejects.toThrow('one line');
  });

  it('never shows a password in the process list', async () => {
    const secret = 'visible-if-it-were-an-argument';
    const asked = checkPamPassword(account, secret, remote);
    let lists = '';
    let done = false;
    void asked.finally(() => {
      done = true;
    });
    while (!done) {
      lists += execFileSync('/bin/ps', ['axww', '-o', 'args'], { encoding: 'utf8' });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(lists).toContain(`pamtester -I rhost=${remote} ryokan ${account} authenticate acct_mgmt`);
    expect(lists).not.toContain(secret);
  });

  it('sets a new password', async () => {
    await setPassword(store, `${account}@pam`, 'another password', 'root@pam');
    await access.login(
      { username: account, realm: 'pam', password: 'another password' },
      { remote, agent: '' },
    );
    await expect(setPassword(store, 'ryknobody@pam', 'another password', 'root@pam')).rejects.toThrow(
      /did not take the password of 'ryknobody': .*ryknobody/,
    );
  });
});
