import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimPidFile, passPidFile, readPidFile, releasePidFile, removePidFile } from './pidfile.ts';
import { processStat } from './procfs.ts';

let folder = '';
let path = '';
let other: ChildProcess;
let otherPid = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-pid-'));
  path = join(folder, 'x.pid');
  other = spawn('sleep', ['60'], { stdio: 'ignore' });
  await once(other, 'spawn');
  otherPid = other.pid ?? 0;
});
afterEach(() => {
  other.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

test('one process gets it, the other learns who has it', () => {
  expect(claimPidFile(path)).toBeUndefined();
  expect(claimPidFile(path)).toBeUndefined();
  expect(claimPidFile(path, otherPid)?.pid).toBe(process.pid);
  expect(readPidFile(path)).toEqual({ pid: process.pid, startTime: processStat(process.pid)?.startTime });
  expect(Number.parseInt(readFileSync(path, 'utf8'), 10)).toBe(process.pid);
  expect(readdirSync(folder)).toEqual(['x.pid']);
});

test('a file of an ended process, of a reused pid or with other content is free', async () => {
  claimPidFile(path, otherPid);
  other.kill('SIGKILL');
  await once(other, 'exit');
  expect(readPidFile(path)).toBeUndefined();
  expect(claimPidFile(path)).toBeUndefined();
  for (const text of [`${process.pid} 1\n`, 'nonsense', '']) {
    writeFileSync(path, text);
    expect(readPidFile(path)).toBeUndefined();
    expect(claimPidFile(path)).toBeUndefined();
    expect(readPidFile(path)?.pid).toBe(process.pid);
  }
  expect(readdirSync(folder)).toEqual(['x.pid']);
});

test('release takes away the own file only', () => {
  claimPidFile(path, otherPid);
  releasePidFile(path);
  expect(readPidFile(path)?.pid).toBe(otherPid);
  releasePidFile(path, otherPid);
  expect(readdirSync(folder)).toEqual([]);
  releasePidFile(path);
});

test('removal takes what killed writers left with it, and nothing of others', () => {
  claimPidFile(path, otherPid);
  for (const name of ['x.pid.77.tmp', 'x.pid.78.old', 'xx.pid', 'x.pid.tmp'])
    writeFileSync(join(folder, name), '');
  removePidFile(path);
  expect(readdirSync(folder).sort()).toEqual(['x.pid.tmp', 'xx.pid']);
  removePidFile(path);
});

test('a process that does not exist cannot have it', () => {
  expect(() => claimPidFile(path, 999_999_999)).toThrow('no process');
  expect(readdirSync(folder)).toEqual([]);
});

test('it can be passed on', () => {
  claimPidFile(path);
  passPidFile(path, otherPid);
  expect(readPidFile(path)?.pid).toBe(otherPid);
  expect(claimPidFile(path)?.pid).toBe(otherPid);
  expect(readdirSync(folder)).toEqual(['x.pid']);
});
