import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeDataFolders, removeFolders, socketPathProblem } from './data-folder.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-data-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const users = { gateway: { uid: 10_001, gid: 10_001 }, guest: { uid: 10_002, gid: 10_002 } };
const isRoot = process.getuid?.() === 0;

test('folders with their owners and modes; a second call mends only', async (context) => {
  if (!isRoot) context.skip('only root can give folders away');
  const data = join(folder, 'deep', 'data');
  expect((await makeDataFolders(data, users))[0]).toBe(join(folder, 'deep'));
  const fact = (path: string) => {
    const { mode, uid, gid } = statSync(join(data, path));
    return `${(mode & 0o7777).toString(8)} ${uid} ${gid}`;
  };
  expect(fact('.')).toBe('711 0 0');
  expect(fact('pki')).toBe('700 0 0');
  expect(fact('spool')).toBe('700 10001 10001');
  expect(fact('run')).toBe('711 0 0');
  expect(fact('run/qemu')).toBe('700 10002 10002');
  expect(fact('log/tasks')).toBe('700 0 0');
  rmSync(join(data, 'spool'), { recursive: true });
  expect(await makeDataFolders(data, users)).toEqual([join(data, 'spool')]);
});

test('what was made is taken back when a folder cannot be made', async (context) => {
  if (!isRoot) context.skip('only root can give folders away');
  const data = join(folder, 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'run'), 'a file in the way');
  await expect(makeDataFolders(data, users)).rejects.toThrow();
  expect(existsSync(join(data, 'pki'))).toBe(false);
  expect(existsSync(join(data, 'run'))).toBe(true);
  const made = await makeDataFolders(join(folder, 'new'), users);
  await removeFolders(made);
  expect(existsSync(join(folder, 'new'))).toBe(false);
});

test('socket addresses have 107 bytes', () => {
  const room = 107 - Buffer.byteLength('/run/qemu/999999999.serial0');
  expect(socketPathProblem(`/${'a'.repeat(room - 1)}`)).toBeUndefined();
  expect(socketPathProblem(`/${'a'.repeat(room)}`)).toContain('1 bytes too long');
  expect(socketPathProblem(`/${'旅'.repeat(30)}`)).toContain('too long');
});
