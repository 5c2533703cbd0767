import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MemoryStore } from '../../cluster/memory-store.ts';
import { createLogger } from '../../host/log.ts';
import { AuditLog } from './audit-log.ts';
import { queryAudit, verifyAudit } from './audit-query.ts';

let folder: string;
let store: MemoryStore;
let log: AuditLog;

const open = (maxFile?: number) =>
  AuditLog.open({
    folder,
    store,
    node: 'n1',
    log: createLogger('test', 'silent'),
    ...(maxFile === undefined ? {} : { maxFile }),
  });

beforeEach(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'ryokan-audit-')), 'audit');
  store = new MemoryStore();
  log = await open();
});
afterEach(async () => {
  await log.close();
  rmSync(join(folder, '..'), { recursive: true });
});

const event = (number: number) => ({
  user: number % 2 === 0 ? 'ann@pve' : 'bob@pve',
  from: '192.0.2.1',
  method: 'POST',
  path: `/nodes/n1/qemu/${number}/status/start`,
  result: number % 5 === 0 ? ('refused' as const) : ('ok' as const),
});
const addMany = (count: number, first = 1) => {
  for (let i = 0; i < count; i++) log.add(event(first + i));
};
const files = () => readdirSync(folder).sort();
const pathOf = (index: number) => join(folder, files()[index] ?? '');
const verdict = () => verifyAudit(folder, store, 'n1');

it('chains records over files and restarts', async () => {
  await log.close();
  log = await open(2000);
  for (let i = 0; i < 6; i++) {
    addMany(10, 1 + i * 10);
    await log.flush();
    if (i !== 3) continue;
    await log.close();
    log = await open(2000);
  }
  expect(files().length).toBeGreaterThan(3);
  expect(await verdict()).toEqual({ ok: true, records: 60, first: 1, last: 60, problems: [] });
});

it('answers by every filter, newest first, page by page', async () => {
  await log.close();
  log = await open(50_000);
  addMany(2000);
  await log.flush();
  const ask = (filter: object, limit = 10_000) => queryAudit(folder, { limit, ...filter });
  expect((await ask({}, 3)).map(({ seq }) => seq)).toEqual([2000, 1999, 1998]);
  expect((await ask({ before: 1998 }, 2)).map(({ seq }) => seq)).toEqual([1997, 1996]);
  expect((await ask({})).map(({ seq }) => seq)).toEqual(Array.from({ length: 2000 }, (_, i) => 2000 - i));
  expect(await ask({ user: 'ann@pve' })).toHaveLength(1000);
  expect(await ask({ user: 'a*' })).toHaveLength(1000);
  expect(await ask({ result: 'refused' })).toHaveLength(400);
  expect((await ask({ path: '/qemu/77/' })).map(({ seq }) => seq)).toEqual([77]);
  expect(await ask({ method: 'DELETE' })).toEqual([]);
  expect(await ask({ from: '192.0.2.2' })).toEqual([]);
  expect(await ask({ since: Date.now() + 1000 })).toEqual([]);
  expect(await ask({ until: Date.now() - 60_000 })).toEqual([]);
  expect(await ask({ since: Date.now() - 60_000, until: Date.now() })).toHaveLength(2000);
});

it('tells of a record that was changed, taken out or put in', async () => {
  addMany(5);
  await log.flush();
  const text = readFileSync(pathOf(0), 'utf8');
  const lines = text.split('\n');
  writeFileSync(pathOf(0), text.replace('/qemu/3/', '/qemu/9/'));
  expect((await verdict()).problems).toEqual([expect.stringContaining('record 3 was changed')]);
  writeFileSync(pathOf(0), lines.filter((_, index) => index !== 3).join('\n'));
  expect((await verdict()).problems).toEqual([expect.stringContaining('record 4 stands where 3 should')]);
  writeFileSync(pathOf(0), lines.toSpliced(3, 0, lines[3] ?? '').join('\n'));
  expect((await verdict()).ok).toBe(false);
  writeFileSync(pathOf(0), text);
  expect((await verdict()).ok).toBe(true);
});

it('tells of an end that was cut off, by the note in the configuration', async () => {
  addMany(5);
  await log.close();
  const lines = readFileSync(pathOf(0), 'utf8').split('\n');
  writeFileSync(pathOf(0), `${lines.slice(0, 4).join('\n')}\n`);
  expect((await verdict()).problems).toEqual([expect.stringContaining('its end was cut off')]);
  log = await open();
});

it('tells of a chain that was written anew from the beginning', async () => {
  addMany(5);
  await log.close();
  rmSync(pathOf(0));
  log = await open();
  addMany(6, 100);
  await log.flush();
  expect((await verdict()).problems).toEqual([
    expect.stringContaining('record 6 says: the log ended with record 0'),
  ]);
});

it('goes on behind a line that a power cut broke off, and says so', async () => {
  addMany(3);
  await log.close();
  const size = readFileSync(pathOf(0)).length;
  appendFileSync(pathOf(0), '{"seq":4,"time":1');
  log = await open();
  addMany(1);
  await log.flush();
  expect(await verdict()).toMatchObject({ ok: true, records: 5 });
  const [, told] = await queryAudit(folder, { limit: 2 });
  expect(told).toMatchObject({ seq: 4, reason: expect.stringContaining('17 bytes was broken off') });
  await log.close();
  truncateSync(pathOf(0), size + 10);
  log = await open();
  await log.flush();
  // The note knows that there were five.
  expect((await verdict()).ok).toBe(false);
});

it('does not hold up who writes: thousands of records in milliseconds', async () => {
  const begin = performance.now();
  addMany(5000);
  const took = performance.now() - begin;
  await log.flush();
  expect((await verdict()).records).toBe(5000);
  expect(took).toBeLessThan(1500);
});
