import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { clusterOptionsSet } from '@ryokan/api/methods/cluster.ts';
import { qemuCreate, qemuDestroy } from '@ryokan/api/methods/qemu.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodeDb } from '../tasks/node-db.ts';
import { IdempotentCalls, type KeyedCall } from './idempotency.ts';
import { type HttpReply, success } from './reply.ts';

let folder: string;
let db: NodeDb;
let time: number;
let calls: IdempotentCalls;
let acted: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-keys-'));
  db = new NodeDb(join(folder, 'node.db'));
  time = 1_000_000;
  acted = 0;
  restart();
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

/** A new daemon on the same database. */
function restart(): void {
  calls = new IdempotentCalls(db.answers, () => time);
}

const call = (more: Partial<KeyedCall> = {}): KeyedCall => ({
  key: 'k-1',
  user: 'a@pve',
  method: qemuCreate,
  raw: { node: 'n', vmid: '100' },
  format: 'json',
  ...more,
});

const upid = 'UPID:n:00000001:00000002:00000003:qmcreate:100:a@pve:';

async function act(answer: unknown = upid): Promise<HttpReply> {
  acted++;
  return success(answer, 'json');
}

const data = async (reply: Promise<HttpReply>) => JSON.parse((await reply).body.toString()).data;

test('a repetition gets the first answer, at once and later, after a restart too', async () => {
  const both = await Promise.all([data(calls.run(call(), act)), data(calls.run(call(), act))]);
  expect(both).toEqual([upid, upid]);
  // Parameters in another order are the same parameters.
  expect(await data(calls.run(call({ raw: { vmid: '100', node: 'n' } }), act))).toBe(upid);
  restart();
  expect(await data(calls.run(call(), act))).toBe(upid);
  expect(acted).toBe(1);
});

test('the key of another caller, or after a day, is another key', async () => {
  await calls.run(call(), act);
  await calls.run(call({ user: 'b@pve' }), act);
  expect(acted).toBe(2);
  time += 24 * 3600 + 1;
  await calls.run(call(), act);
  expect(acted).toBe(3);
});

test('another call with the same key is refused, before and after a restart', async () => {
  await calls.run(call(), act);
  const others = [
    call({ raw: { node: 'n', vmid: '101' } }),
    call({ method: qemuDestroy }),
    call({ format: 'extjs' }),
  ];
  for (const other of others) await expect(calls.run(other, act)).rejects.toThrow('another call');
  restart();
  for (const other of others) await expect(calls.run(other, act)).rejects.toThrow('another call');
  expect(acted).toBe(1);
});

test('what failed may be tried again', async () => {
  const failing = () => Promise.reject(new RyokanError('state', 'not now'));
  await expect(calls.run(call(), failing)).rejects.toThrow('not now');
  expect(await data(calls.run(call(), act))).toBe(upid);
});

test('an answer that may hold a secret is never written down', async () => {
  const secret = { value: 'top-secret' };
  const made = call({ method: clusterOptionsSet });
  expect(await data(calls.run(made, () => act(secret)))).toEqual(secret);
  expect(await data(calls.run(made, act))).toEqual(secret);
  restart();
  await expect(calls.run(made, act)).rejects.toThrow('was done');
  expect(acted).toBe(1);
});

test('a call that the end of the server broke off is not done twice', async () => {
  void calls.run(call(), () => new Promise<HttpReply>(() => {}));
  restart();
  await expect(calls.run(call(), act)).rejects.toThrow('broken off');
  expect(acted).toBe(0);
});

test.each(['', ' ', 'a b', 'x'.repeat(256), 'ü', 'a\n'])('%j is no key', async (key) => {
  await expect(calls.run(call({ key }), act)).rejects.toThrow('1 to 255 printable');
});

test('of more than a thousand keys the oldest go', async () => {
  for (let i = 0; i < 1005; i++) {
    db.answers.begin('a@pve', `k${i}`, 'f', i, 0);
  }
  expect(db.answers.find('a@pve', 'k4', 0)).toBeUndefined();
  expect(db.answers.find('a@pve', 'k5', 0)).toBeDefined();
  expect(db.answers.find('a@pve', 'k1004', 0)).toBeDefined();
});
