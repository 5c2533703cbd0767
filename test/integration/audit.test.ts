/** The audit log of a running node: what it records, what it never holds, and that a change of it is found out. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';

interface Row {
  readonly seq: number;
  readonly user: string;
  readonly from: string;
  readonly method: string;
  readonly path: string;
  readonly result: string;
  readonly reason?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly upid?: string;
}

const password = 'the secret of ann';

let node: TestNode;
let admin: ApiSession;
let ann: ApiSession;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  await admin.call('POST', '/access/users', { userid: 'ann@pve', password, comment: 'new here' });
  ann = await logIn(node.url, 'ann@pve', password);
});
afterAll(async () => {
  ann?.close();
  await node?.stop();
});

const rows = (filter: Record<string, string | number> = {}) => admin.get<Row[]>('/cluster/audit', filter);
const newest = async (filter: Record<string, string | number> = {}) =>
  (await rows({ ...filter, limit: 1 }))[0];
const logFolder = () => join(node.dataDir, 'log/audit');
async function wholeLog(): Promise<string> {
  const texts = (await readdir(logFolder())).map((name) => readFile(join(logFolder(), name), 'utf8'));
  return (await Promise.all(texts)).join('');
}

test('who did what, from where, with which result', async () => {
  expect(await newest({ path: '/access/users' })).toMatchObject({
    user: 'admin@pve',
    from: '127.0.0.1',
    method: 'POST',
    params: { userid: 'ann@pve', password: '***', comment: 'new here' },
    result: 'ok',
  });
  expect(await newest({ user: 'ann@pve' })).toMatchObject({ path: '/access/ticket', result: 'ok' });
  await expect(ann.call('POST', '/access/groups', { groupid: 'ops' })).rejects.toMatchObject({ status: 403 });
  expect(await newest({ user: 'ann@pve', result: 'refused' })).toMatchObject({
    path: '/access/groups',
    reason: expect.stringContaining('Permission check failed'),
  });
  const { upid } = await admin.run('POST', `${node.path}/qemu`, { vmid: 100, memory: 64 });
  expect(await newest({ path: '/qemu' })).toMatchObject({
    result: 'ok',
    upid,
    params: { vmid: '100', memory: '64' },
  });
  await expect(admin.call('POST', `${node.path}/qemu`, { vmid: 100 })).rejects.toThrow();
  expect(await newest({ path: '/qemu' })).toMatchObject({
    result: 'failed',
    reason: expect.stringContaining('exists'),
  });
  await node.cli('pveum', 'group', 'add', 'ops');
  expect(await newest()).toMatchObject({ user: 'root@pam', from: 'local', path: '/access/groups' });
  await admin.call('POST', '/access/groups', { groupid: 'dry', 'dry-run': 1 });
  expect(await newest()).toMatchObject({ user: 'root@pam' });
});

test('refused logins say why, and not who might be meant', async () => {
  await expect(logIn(node.url, 'ann@pve', 'a wrong password')).rejects.toMatchObject({ status: 401 });
  expect(await newest({ user: 'ann@pve' })).toMatchObject({ result: 'refused', reason: 'wrong password' });
  await expect(logIn(node.url, 'this is my password', 'x')).rejects.toThrow();
  expect(await newest()).toMatchObject({ user: '?', result: 'refused' });
  expect(await wholeLog()).not.toMatch(/the secret of ann|a wrong password|this is my password/);
  expect(await wholeLog()).not.toContain(await node.adminPassword());
});

test('it is for auditors only', async () => {
  for (const path of ['/cluster/audit', '/cluster/audit/verify', '/cluster/audit/export'])
    await expect(ann.get(path), path).rejects.toMatchObject({ status: 403 });
});

test('it is exported as JSON lines', async () => {
  const answer = await admin.answer('GET', '/cluster/audit/export', { user: 'ann@pve' });
  expect(answer.headers['content-disposition']).toContain('.jsonl');
  const lines = answer.body.toString().trim().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as Row).user)).toEqual(lines.map(() => 'ann@pve'));
});

test('the chain goes on over a restart, and shows a record that somebody has changed', async () => {
  await node.down();
  await node.up();
  expect(await admin.get('/cluster/audit/verify')).toMatchObject({ ok: 1, first: 1, problems: [] });
  const [name = ''] = await readdir(logFolder());
  const path = join(logFolder(), name);
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('"result":"refused"', '"result":"ok"'));
  expect(await admin.get('/cluster/audit/verify')).toMatchObject({
    ok: 0,
    problems: [expect.stringMatching(/record \d+ was changed/)],
  });
  const { stdout } = await node.cli('audit', 'verify');
  expect(stdout).toContain('was changed');
  await writeFile(path, text);
}, 120_000);
