/** Second factors and sessions on a running node: by REST, and by the command line of root. */
import { TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiSession, CallError, logIn, tokenSession } from '../lib/api-session.ts';
import { type Answer, jsonOf } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';

interface Login {
  readonly username: string;
  readonly ticket: string;
  readonly CSRFPreventionToken: string;
  readonly NeedTFA?: number;
  readonly cap?: object;
}

const password = 'a password of ann';
const key = new TOTP({ issuer: 'Ryokan', label: 'ann@pve' });

let node: TestNode;
let admin: ApiSession;
let anonymous: ApiSession;
const opened: ApiSession[] = [];

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  anonymous = new ApiSession(node.url, { 'User-Agent': 'second-factor.test' });
  await admin.call('POST', '/access/users', { userid: 'ann@pve', password });
});
afterAll(async () => {
  for (const session of [anonymous, ...opened]) session?.close();
  await node?.stop();
});

const firstStep = () => anonymous.call<Login>('POST', '/access/ticket', { username: 'ann@pve', password });
const secondStep = (challenge: string, answer: string) =>
  anonymous.call<Login>('POST', '/access/ticket', {
    username: 'ann@pve',
    password: answer,
    'tfa-challenge': challenge,
  });

function sessionOf({ ticket, CSRFPreventionToken }: Login): ApiSession {
  const session = new ApiSession(node.url, { Cookie: `PVEAuthCookie=${ticket}`, CSRFPreventionToken });
  opened.push(session);
  return session;
}

/** What a client of the public API reads in the ticket of the first step. */
const questionIn = (ticket: string) =>
  JSON.parse(decodeURIComponent((ticket.split(':')[1] ?? '').slice('!tfa!'.length)));

let steps = 0;
/** A code that was not used yet: a step on from the last one, as far as the window goes. */
const freshCode = () => key.generate({ timestamp: Date.now() + 30_000 * (steps++ - 1) });

let recovery: string[];

test('a user adds TOTP and recovery keys, with the own password', async () => {
  const ann = sessionOf(await firstStep());
  const totp = { type: 'totp', totp: key.toString(), value: freshCode(), description: 'phone' };
  await expect(ann.call('POST', '/access/tfa/ann@pve', totp)).rejects.toMatchObject({
    status: 400,
    errors: { password: expect.stringContaining('current password') },
  });
  await expect(
    ann.call('POST', '/access/tfa/ann@pve', { ...totp, password: 'wrong one' }),
  ).rejects.toMatchObject({
    status: 400,
    errors: { password: 'this is not your current password' },
  });
  await expect(ann.call('POST', '/access/tfa/admin@pve', { ...totp, password })).rejects.toMatchObject({
    status: 403,
  });
  const { id } = await ann.call<{ id: string }>('POST', '/access/tfa/ann@pve', { ...totp, password });
  ({ recovery } = await ann.call<{ recovery: string[] }>('POST', '/access/tfa/ann@pve', {
    type: 'recovery',
    password,
  }));
  expect(recovery).toHaveLength(10);
  for (const one of recovery) expect(one).toMatch(/^[0-9a-f]{4}(-[0-9a-f]{4}){3}$/);
  const list = await ann.get('/access/tfa/ann@pve');
  expect(list).toEqual([
    { id, type: 'totp', description: 'phone', created: expect.any(Number), enable: 1 },
    { id: 'recovery', type: 'recovery', description: '', created: expect.any(Number), enable: 1, left: 10 },
  ]);
  expect(await ann.get('/access/tfa')).toEqual([{ userid: 'ann@pve', entries: list }]);
  expect(await ann.get('/access/users/ann@pve/tfa', { multiple: 1 })).toEqual({
    types: ['totp', 'recovery'],
  });
  expect(await ann.get(`/access/tfa/ann@pve/${id}`)).toMatchObject({ id, type: 'totp' });
  await expect(ann.call('POST', '/access/tfa/ann@pve', { type: 'u2f', password })).rejects.toMatchObject({
    reason: expect.stringContaining('not supported'),
  });
});

test('an API token cannot touch them', async () => {
  const { value } = await admin.call<{ value: string }>('POST', '/access/users/ann@pve/token/ci', {
    privsep: 0,
  });
  const token = tokenSession(node.url, `ann@pve!ci=${value}`);
  opened.push(token);
  await expect(
    token.call('POST', '/access/tfa/ann@pve', { type: 'recovery', password }),
  ).rejects.toMatchObject({ status: 403 });
});

test('the login has two steps', async () => {
  const first = await firstStep();
  expect(first).toMatchObject({ username: 'ann@pve', NeedTFA: 1 });
  expect(first.cap).toBeUndefined();
  expect(questionIn(first.ticket)).toMatchObject({ totp: true, recovery: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] });
  await expect(sessionOf(first).get('/version')).rejects.toMatchObject({ status: 401 });
  await expect(secondStep(first.ticket, 'totp:12345')).rejects.toMatchObject({ status: 401 });
  const code = freshCode();
  const second = await secondStep(first.ticket, `totp:${code}`);
  expect(second.cap).toBeDefined();
  expect(await sessionOf(second).get('/version')).toBeDefined();
  await expect(secondStep((await firstStep()).ticket, `totp:${code}`)).rejects.toBeInstanceOf(CallError);
  const { ticket } = await firstStep();
  await secondStep(ticket, `recovery:${recovery[3]}`);
  expect(questionIn((await firstStep()).ticket).recovery).not.toContain(3);
});

test('too many wrong codes lock TOTP; root unlocks it on the command line', async () => {
  const { ticket } = await firstStep();
  for (let i = 0; i < 8; i++)
    await expect(secondStep(ticket, 'totp:000000')).rejects.toMatchObject({ status: 401 });
  expect(await admin.get('/access/tfa')).toMatchObject([{ userid: 'ann@pve', 'totp-locked': 1 }]);
  const { stdout } = await node.cli('pveum', 'tfa', 'list', 'ann@pve');
  expect(stdout).toContain('phone');
  await node.cli('pveum', 'tfa', 'unlock', 'ann@pve');
  const [factors] = await admin.get<Array<Record<string, unknown>>>('/access/tfa');
  expect(factors).not.toHaveProperty('totp-locked');
}, 120_000);

test('sessions are listed with where they come from, and end at once', async () => {
  const { ticket } = await firstStep();
  const ann = sessionOf(await secondStep(ticket, `recovery:${recovery[0]}`));
  const other = sessionOf(await secondStep((await firstStep()).ticket, `recovery:${recovery[1]}`));
  const rows = await ann.get<Array<{ id: string; current?: number; userid: string }>>('/access/sessions');
  expect(rows.every(({ userid }) => userid === 'ann@pve')).toBe(true);
  expect(rows.filter(({ current }) => current === 1)).toMatchObject([
    { remote: '127.0.0.1', agent: 'second-factor.test', tfa: 'recovery' },
  ]);
  // Newest first, and these two may have begun in the same second.
  const theOther = rows.find(({ current }) => current !== 1);
  await ann.call('DELETE', `/access/sessions/${theOther?.id}`);
  await expect(other.get('/version')).rejects.toMatchObject({ status: 401 });
  await ann.call('DELETE', '/access/sessions/current');
  await expect(ann.get('/version')).rejects.toMatchObject({ status: 401 });
  const all = await admin.get<Array<{ userid: string }>>('/access/sessions');
  expect(new Set(all.map(({ userid }) => userid))).toContain('admin@pve');
}, 60_000);

test('a new password and a restart: the one ends sessions, the other keeps them', async () => {
  await admin.call('POST', '/access/users', { userid: 'bob@pve', password: 'a first password' });
  const bob = await logIn(node.url, 'bob@pve', 'a first password');
  const carl = await logIn(node.url, 'bob@pve', 'a first password');
  opened.push(bob, carl);
  const before = await bob.get<object[]>('/access/sessions');
  expect(before).toHaveLength(2);
  await bob.call('DELETE', '/access/sessions/current');
  await node.down();
  await node.up();
  await expect(bob.get('/version')).rejects.toMatchObject({ status: 401 });
  expect(await carl.get<object[]>('/access/sessions')).toHaveLength(1);
  await admin.call('PUT', '/access/password', {
    userid: 'bob@pve',
    password: 'a second password',
    'confirmation-password': await node.adminPassword(),
  });
  await expect(carl.get('/version')).rejects.toMatchObject({ status: 401 });
  const { stdout } = await node.cli('pveum', 'session', 'list');
  expect(stdout).not.toContain('bob@pve');
  expect(stdout).toContain('admin@pve');
}, 120_000);

describe('a page that asks for its login in a cookie', () => {
  const asPage = { 'Ryokan-Session': 'cookie' };
  const flags = 'Path=/; Secure; HttpOnly; SameSite=Strict';
  const cleared = `PVEAuthCookie=; ${flags}; Max-Age=0`;
  const carl = { username: 'carl@pve', password: 'a password of carl' };
  const visitor = (headers: Record<string, string>) => {
    const session = new ApiSession(node.url, headers);
    opened.push(session);
    return session;
  };
  const cookiesOf = (answer: Answer) => answer.headers['set-cookie'] ?? [];
  /** What a browser would send back. */
  const kept = (answer: Answer) => cookiesOf(answer)[0]?.split(';')[0] ?? '';

  beforeAll(async () => {
    const { username: userid, password } = carl;
    await admin.call('POST', '/access/users', { userid, password });
  });

  test('gets the ticket there and nowhere else; who does not ask gets what clients know', async () => {
    const page = await visitor(asPage).answer('POST', '/access/ticket', carl);
    expect(cookiesOf(page)).toEqual([expect.stringMatching(/^PVEAuthCookie=PVE%3Acarl%40pve%3A[\w%]+; /)]);
    expect(cookiesOf(page)[0]?.split('; ').slice(1).join('; ')).toBe(flags);
    const { data } = jsonOf<Login>(page);
    expect(data).toMatchObject({ username: 'carl@pve', cap: {}, CSRFPreventionToken: expect.any(String) });
    expect(page.body.toString()).not.toMatch(/ticket|PVE:/);
    const others: Record<string, string>[] = [{}, { 'Ryokan-Session': 'body' }];
    for (const headers of others) {
      const client = await visitor(headers).answer('POST', '/access/ticket', carl);
      expect(cookiesOf(client)).toEqual([]);
      expect(jsonOf<Login>(client).data.ticket).toMatch(/^PVE:carl@pve:/);
    }
  });

  test('gets the question for a second factor in the body, and no cookie for it', async () => {
    const first = await visitor(asPage).answer('POST', '/access/ticket', { username: 'ann@pve', password });
    expect(cookiesOf(first)).toEqual([]);
    const { NeedTFA, ticket } = jsonOf<Login>(first).data;
    expect(NeedTFA).toBe(1);
    const second = await visitor(asPage).answer('POST', '/access/ticket', {
      username: 'ann@pve',
      password: `recovery:${recovery[2]}`,
      'tfa-challenge': ticket,
    });
    expect(kept(second)).toMatch(/^PVEAuthCookie=PVE%3Aann%40pve/);
    expect(jsonOf<Login>(second).data.ticket).toBeUndefined();
  });

  test('renews the same session by cookie and CSRF token, not by the cookie alone', async () => {
    const begun = await visitor(asPage).answer('POST', '/access/ticket', carl);
    const Cookie = kept(begun);
    const { CSRFPreventionToken } = jsonOf<Login>(begun).data;
    const page = visitor({ ...asPage, Cookie, CSRFPreventionToken });
    const session = async (caller: ApiSession) =>
      (await caller.get<Array<{ id: string; current?: number }>>('/access/sessions')).find(
        ({ current }) => current === 1,
      )?.id;
    const before = await session(page);
    const answer = await page.answer('PUT', '/access/sessions/current');
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).not.toMatch(/ticket|PVE:/);
    const renewed = visitor({
      Cookie: kept(answer),
      CSRFPreventionToken: jsonOf<Login>(answer).data.CSRFPreventionToken,
    });
    expect(await session(renewed)).toBe(before);
    // A script could leave the header out; the ticket is not its to get.
    const without = await renewed.answer('PUT', '/access/sessions/current');
    expect(kept(without)).toMatch(/^PVEAuthCookie=PVE%3Acarl%40pve/);
    expect(without.body.toString()).not.toMatch(/ticket|PVE:/);
    expect(await admin.get('/cluster/audit', { user: 'carl@pve', limit: 1 })).toMatchObject([
      { operation: 'access.sessionRenew', result: 'ok' },
    ]);

    const wrong: Record<string, string>[] = [
      { Cookie },
      { Cookie, CSRFPreventionToken: `${CSRFPreventionToken.slice(0, 9)}${'A'.repeat(44)}` },
    ];
    const refused = await Promise.all([
      ...wrong.map((headers) => visitor({ ...asPage, ...headers }).answer('PUT', '/access/sessions/current')),
      visitor({ ...asPage, Cookie }).answer('DELETE', '/access/sessions/current'),
      // Nor does a cookie stand for the password of a login.
      visitor({ ...asPage, Cookie, CSRFPreventionToken }).answer('POST', '/access/ticket', {
        username: 'carl@pve',
        password: '',
      }),
    ]);
    for (const { status, headers } of refused) {
      expect(status).toBe(401);
      expect(headers['set-cookie'] ?? [cleared]).toEqual([cleared]);
    }
    expect(await session(page)).toBe(before);
  }, 30_000);

  test('is rid of the cookie by logging out, also when the session had ended before', async () => {
    const begun = await visitor(asPage).answer('POST', '/access/ticket', carl);
    const { CSRFPreventionToken } = jsonOf<Login>(begun).data;
    const page = visitor({ ...asPage, Cookie: kept(begun), CSRFPreventionToken });
    const out = await page.answer('DELETE', '/access/sessions/current');
    expect([out.status, cookiesOf(out)]).toEqual([200, [cleared]]);
    const client = visitor({ Cookie: kept(begun), CSRFPreventionToken });
    const [again, other] = await Promise.all(
      [page, client].map((caller) => caller.answer('DELETE', '/access/sessions/current')),
    );
    expect([again?.status, again?.body.length, again && cookiesOf(again)]).toEqual([401, 0, [cleared]]);
    expect([other?.status, other && cookiesOf(other)]).toEqual([401, []]);
  }, 30_000);

  test('is of this node: the page of another site can neither send the header nor log anybody in by a form', async () => {
    const origin = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
    const preflight = await anonymous.client.send('/api2/json/access/ticket', {
      method: 'OPTIONS',
      headers: {
        ...origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'ryokan-session',
      },
    });
    expect(preflight.status).toBe(501);
    expect(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    const byForm = await visitor(origin).answer('POST', '/access/ticket', carl);
    expect(cookiesOf(byForm)).toEqual([]);
  });

  test('API tokens have no session to renew', async () => {
    const { value } = await admin.call<{ value: string }>('POST', '/access/users/carl@pve/token/page', {});
    const token = visitor({ ...asPage, Authorization: `PVEAPIToken=carl@pve!page=${value}` });
    const answer = await token.answer('PUT', '/access/sessions/current');
    expect([answer.status, cookiesOf(answer)]).toEqual([403, []]);
  });
});
