import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dataPaths } from '../../host/paths.ts';
import { watchHelpers } from './helper-watch.ts';

let root: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ryokan-helper-'));
  mkdirSync(dataPaths(root).qemuRun, { recursive: true });
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(root, { recursive: true });
});

/** A program that holds the FIFO of a helper open. */
function helper(name: string): ChildProcess {
  const path = join(dataPaths(root).qemuRun, `${name}-life`);
  execFileSync('mkfifo', [path]);
  const held = openSync(path, 'r+');
  const child = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', held] });
  closeSync(held);
  children.push(child);
  return child;
}

test('the end of each helper is told once, whether it comes now or came before', async () => {
  const [tpm, share] = [helper('100.tpm'), helper('100.vfs3')];
  helper('1100.tpm').kill('SIGKILL');
  tpm.kill('SIGKILL');
  await new Promise((resolve) => tpm.once('exit', resolve));
  const problems: string[] = [];
  const unwatch = watchHelpers(dataPaths(root), 100, (problem) => problems.push(problem));
  await expect.poll(() => problems).toEqual([expect.stringMatching(/^tpmstate0: .*swtpm.* has ended/)]);
  share.kill('SIGKILL');
  await expect.poll(() => problems.length).toBe(2);
  expect(problems[1]).toMatch(/^virtiofs3: .*virtiofsd.* has ended/);
  unwatch();
});

test('nothing is told after the watch has ended', async () => {
  const child = helper('100.tpm');
  let told = false;
  watchHelpers(dataPaths(root), 100, () => {
    told = true;
  })();
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', () => setTimeout(resolve, 50)));
  expect(told).toBe(false);
});
