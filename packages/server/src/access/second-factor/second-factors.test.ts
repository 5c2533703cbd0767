import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOTP, URI } from 'otpauth';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../cluster/memory-store.ts';
import { createLogger } from '../../host/log.ts';
import { type DataPaths, dataPaths } from '../../host/paths.ts';
import {
  editAccess,
  readTfaConfig,
  readUserConfig,
  shadowCfg,
  tfaCfg,
  userCfg,
} from '../access-documents.ts';
import { type AccessService, createAccessService } from '../access-service.ts';
import { ensureTicketKeys } from '../keys.ts';
import { changeUser, removeUser, setPassword } from '../users.ts';
import { totpLimit } from './second-factors.ts';

/** scrypt at its lowest cost. */
const password = 'a cheap password';
const cheapHash = '$7$46..../....testsalt$b.9KAbruQKYGHWdBEgTB8pmDwURRsdmXwe8xhZwurdC';
const uri = new TOTP({ issuer: 'Ryokan', label: 'ann@pve' }).toString();
const client = { remote: '192.0.2.1', agent: 'test', host: 'ryokan.example:8006' };
const user = 'ann@pve';

let folder: string;
let paths: DataPaths;
let store: MemoryStore;
let access: AccessService;
let now: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-tfa-'));
  paths = dataPaths(folder);
  await ensureTicketKeys(paths);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  store = new MemoryStore();
  now = Date.UTC(2030, 0, 1);
  await store.commit(
    [],
    [
      { path: userCfg, text: `user:${user}:1:0:::::\n` },
      { path: shadowCfg, text: `ann:${cheapHash}:\n` },
    ],
  );
  access = createAccessService({ store, paths, log: createLogger('test', 'silent'), clock: () => now });
});

const codeAt = (time: number) => (URI.parse(uri) as TOTP).generate({ timestamp: time });
const wrongCode = () => (codeAt(now) === '000000' ? '000001' : '000000');
const firstStep = () => access.login({ username: user, password }, client);
async function secondStep(answer: string, ticket?: string) {
  const challenge = ticket ?? (await firstStep()).ticket;
  return access.login({ username: user, password: answer, challenge }, client);
}
const addTotp = async () => {
  await access.factors.addTotp(user, uri, codeAt(now), 'phone', user);
  now += 60_000;
};
const refusedFor = (reason: RegExp) => ({
  code: 'unauthenticated',
  message: 'authentication failure',
  context: { reason: expect.stringMatching(reason) },
});

describe('TOTP', () => {
  it('is asked for after the password, and the answer makes the login', async () => {
    await addTotp();
    const first = await firstStep();
    expect(first).toMatchObject({ username: user, NeedTFA: 1 });
    expect(first.cap).toBeUndefined();
    expect(first.ticket).toMatch(/^PVE:!tfa!%7B/);
    expect(() => access.authenticate({ ticket: first.ticket }, false)).toThrow('invalid PVE ticket');
    const login = await secondStep(`totp:${codeAt(now)}`, first.ticket);
    expect(login.cap).toBeDefined();
    expect(access.authenticate({ ticket: login.ticket }, false).user).toBe(user);
  });

  it('takes the codes one step around, each once, and one question once', async () => {
    await addTotp();
    const { ticket } = await firstStep();
    await secondStep(`totp:${codeAt(now - 30_000)}`, ticket);
    await expect(secondStep(`totp:${codeAt(now)}`, ticket)).rejects.toMatchObject(
      refusedFor(/answered already/),
    );
    await expect(secondStep(`totp:${codeAt(now - 30_000)}`)).rejects.toMatchObject(
      refusedFor(/used already/),
    );
    await secondStep(`totp:${codeAt(now + 30_000)}`);
    // A later code was used, so an earlier one is none any more.
    await expect(secondStep(`totp:${codeAt(now)}`)).rejects.toMatchObject(refusedFor(/used already/));
    now += 10 * 60_000;
    await expect(secondStep(`totp:${codeAt(now - 90_000)}`)).rejects.toMatchObject(refusedFor(/wrong code/));
  });

  it('lets one of two logins with the same code in', async () => {
    await addTotp();
    const answer = `totp:${codeAt(now)}`;
    const ends = await Promise.allSettled([secondStep(answer), secondStep(answer)]);
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('is locked after several wrong codes, until a recovery key is used', async () => {
    await addTotp();
    const [key = '', second = ''] = await access.factors.addRecovery(user, user);
    for (let i = 0; i < totpLimit; i++) await expect(secondStep(`totp:${wrongCode()}`)).rejects.toThrow();
    await expect(secondStep(`totp:${codeAt(now)}`)).rejects.toMatchObject(refusedFor(/locked/));
    expect(readTfaConfig(store).users[user]?.['totp-locked']).toBe(true);
    await secondStep(`recovery:${key}`);
    await secondStep(`totp:${codeAt(now)}`);
    await expect(secondStep(`recovery:${key}`)).rejects.toMatchObject(refusedFor(/wrong or used/));
    await secondStep(`recovery:${second.toUpperCase()}`);
  });

  it('is unlocked by an administrator', async () => {
    await addTotp();
    expect(await access.factors.unlock(user, 'root@pam')).toBe(false);
    for (let i = 0; i < totpLimit; i++) await expect(secondStep(`totp:${wrongCode()}`)).rejects.toThrow();
    expect(await access.factors.unlock(user, 'root@pam')).toBe(true);
    await secondStep(`totp:${codeAt(now)}`);
  });

  it('can come together with the password, as older clients send it', async () => {
    await addTotp();
    const login = await access.login({ username: user, password, otp: codeAt(now) }, client);
    expect(login.NeedTFA).toBeUndefined();
    await expect(
      access.login({ username: user, password: 'wrong password', otp: codeAt(now + 30_000) }, client),
    ).rejects.toThrow('authentication failure');
  });

  it.each([
    ['otpauth://hotp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DP&counter=1', /HOTP/],
    ['otpauth://totp/x?secret=JBSWY3DP', /at least 10 bytes/],
    ['otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DP&digits=4', /6 to 8 digits/],
    ['https://example.org/', /otpauth URI/],
  ])('refuses %s as a key', async (given, reason) => {
    await expect(access.factors.addTotp(user, given, '123456', '', user)).rejects.toMatchObject({
      errors: { totp: expect.stringMatching(reason) },
    });
  });

  it('is not added without a present code', async () => {
    await expect(access.factors.addTotp(user, uri, wrongCode(), '', user)).rejects.toThrow();
    expect(store.get(tfaCfg)).toBeUndefined();
    expect((await firstStep()).NeedTFA).toBeUndefined();
  });
});

describe('the document', () => {
  it('has the shape of Proxmox VE, and user.cfg points to it', async () => {
    await addTotp();
    await access.factors.addRecovery(user, user);
    const { users } = JSON.parse(store.get(tfaCfg)?.text ?? '');
    expect(users[user].totp).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        description: 'phone',
        created: Date.UTC(2030, 0, 1) / 1000,
        entry: { totp: uri, 'last-count': Date.UTC(2030, 0, 1) / 30_000 },
      },
    ]);
    expect(users[user].recovery).toEqual({
      secret: expect.stringMatching(/^[0-9a-f]{16}$/),
      entries: Array.from({ length: 10 }, () => expect.stringMatching(/^[0-9a-f]{64}$/)),
      created: now / 1000,
    });
    expect(readUserConfig(store).users.get(user)?.keys).toBe('x');
  });

  it('keeps what it does not know, and takes keys that were never used', async () => {
    const yubico = [{ id: 'y', description: 'old', created: 1, entry: 'abc' }];
    const totp = [{ id: 't', description: 'phone', created: 1, entry: uri }];
    const known = { users: { [user]: { totp, yubico } }, webauthn: { rp: 'x' } };
    await store.commit([], [{ path: tfaCfg, text: JSON.stringify(known) }]);
    await secondStep(`totp:${codeAt(now)}`);
    const after = JSON.parse(store.get(tfaCfg)?.text ?? '');
    expect(after.webauthn).toEqual({ rp: 'x' });
    expect(after.users[user].yubico).toEqual(yubico);
    await access.factors.remove(user, 't', user);
    // The other kind cannot be answered here, and must not be passed over either.
    await expect(secondStep('yubico:whatever')).rejects.toMatchObject(refusedFor(/not supported/));
  });

  it('lets nobody in when it is damaged', async () => {
    await store.commit([], [{ path: tfaCfg, text: '{"users":' }]);
    await expect(firstStep()).rejects.toThrow(/priv\/tfa\.cfg is damaged.*command line/);
  });

  it('loses the factors of a removed user', async () => {
    await addTotp();
    await removeUser(store, user, 'root@pam');
    expect(store.get(tfaCfg)?.text ?? '').toBe('');
  });

  it('asks for nothing when all factors are off or gone', async () => {
    await addTotp();
    const id = readTfaConfig(store).users[user]?.totp?.[0]?.id ?? '';
    await access.factors.change(user, id, { enable: false }, user);
    expect((await firstStep()).NeedTFA).toBeUndefined();
    await access.factors.change(user, id, { enable: true }, user);
    expect((await firstStep()).NeedTFA).toBe(1);
    await access.factors.remove(user, id, user);
    expect((await firstStep()).NeedTFA).toBeUndefined();
    expect(readUserConfig(store).users.get(user)?.keys).toBe('');
  });

  it('refuses a user who should have factors and has none', async () => {
    await changeUser(store, user, { keys: 'x' }, 'root@pam');
    await expect(firstStep()).rejects.toMatchObject(refusedFor(/priv\/tfa\.cfg has none/));
  });
});

describe('sessions', () => {
  const isIn = (ticket: string) => {
    try {
      return access.authenticate({ ticket }, false).user === user;
    } catch {
      return false;
    }
  };

  it('end with the password, also for tickets that were renewed', { timeout: 60_000 }, async () => {
    const first = await firstStep();
    const renewed = await access.login({ username: user, password: first.ticket }, client);
    expect([first, renewed].map(({ ticket }) => isIn(ticket))).toEqual([true, true]);
    await setPassword(store, user, 'another password', 'root@pam');
    expect([first, renewed].map(({ ticket }) => isIn(ticket))).toEqual([false, false]);
    await expect(access.login({ username: user, password: renewed.ticket }, client)).rejects.toThrow();
    expect(isIn((await access.login({ username: user, password: 'another password' }, client)).ticket)).toBe(
      true,
    );
  });

  it('do not come back with a user who was disabled or removed for a while', async () => {
    const { ticket } = await firstStep();
    await changeUser(store, user, { enable: false }, 'root@pam');
    await changeUser(store, user, { enable: true }, 'root@pam');
    expect(isIn(ticket)).toBe(false);
    const again = await firstStep();
    await removeUser(store, user, 'root@pam');
    await editAccess(store, 'root@pam', ({ config, shadow }) => {
      const entry = readUserConfig(store).users.get('root@pam');
      if (entry) config.users.set(user, { ...entry, tokens: new Map() });
      shadow.set('ann', cheapHash);
    });
    expect(isIn(again.ticket)).toBe(false);
    expect(isIn((await firstStep()).ticket)).toBe(true);
  });

  it('end one by one', async () => {
    const [one, other] = [await firstStep(), await firstStep()];
    const { session = '' } = access.authenticate({ ticket: one.ticket }, false);
    await access.sessions.end(session, user);
    expect([one, other].map(({ ticket }) => isIn(ticket))).toEqual([false, true]);
  });

  it('are listed with address, agent and second factor, also after a restart', async () => {
    const options = { store, paths, log: createLogger('test', 'silent'), clock: () => now };
    const sessionFile = join(folder, 'sessions.db');
    const first = createAccessService({ ...options, sessionFile });
    await first.login({ username: user, password }, { ...client, agent: 'a\u001b[31m browser' });
    now += 5000;
    await addTotp();
    const [key = ''] = await first.factors.addRecovery(user, user);
    const { ticket } = await first.login({ username: user, password }, client);
    await first.login({ username: user, password: `recovery:${key}`, challenge: ticket }, client);
    const rows = first.sessions.list();
    expect(rows).toMatchObject([
      { user, remote: '192.0.2.1', agent: 'test', factor: 'recovery', created: now / 1000 },
      { user, remote: '192.0.2.1', agent: 'a [31m browser', factor: '' },
    ]);
    first.close();
    const second = createAccessService({ ...options, sessionFile });
    expect(second.sessions.list()).toEqual(rows);
    await second.sessions.end(rows[0]?.id ?? '', user);
    expect(second.sessions.list()).toEqual(rows.slice(1));
    now += 2 * 3600_000;
    expect(second.sessions.list()).toEqual([]);
    second.close();
  });
});
