/** Second factors and sessions on a running node: by REST, and by the command line of root. */
import { TOTP } from 'otpauth';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiSession, CallError, logIn, tokenSession } from '../lib/api-session.ts';
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
