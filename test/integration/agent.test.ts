/**
 * The guest agent through the API. QEMU is real; on its channel speaks a real qemu-ga, or one that hangs: the guest
 * itself has none, so the channel's socket is that of a program beside it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiSession } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;
let agent: ChildProcess | undefined;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  // A serial port of ISA type counts as open from the start, whoever listens.
  await admin.run('POST', `${node.path}/qemu`, { vmid: 400, memory: 64, agent: 'enabled=1,type=isa' });
  await admin.run('POST', `${node.path}/qemu`, { vmid: 401, memory: 64, agent: 1 });
  await admin.run('POST', `${node.path}/qemu`, { vmid: 402, memory: 64 });
  for (const vmid of [400, 401, 402]) await admin.run('POST', `${node.path}/qemu/${vmid}/status/start`);
});
afterAll(async () => {
  agent?.kill('SIGKILL');
  await node?.stop();
});

const path = (vmid: number, command = '') => `${node.path}/qemu/${vmid}/agent${command}`;
const guestFile = () => join(node.dataDir, 'run/qemu/guest-file');
const result = async <T>(call: Promise<{ result: T }>) => (await call).result;

/** Puts a real agent in the place of the channel of VM 400. */
async function startAgent(): Promise<void> {
  const socket = node.guestSocket(400, 'qga');
  await rm(socket, { force: true });
  const state = join(node.dataDir, 'run/qemu/agent');
  await mkdir(state, { recursive: true });
  await chown(state, 65534, 65534);
  await chown(join(node.dataDir, 'run/qemu'), 65534, 65534);
  const blocked =
    'guest-shutdown,guest-suspend-disk,guest-suspend-ram,guest-suspend-hybrid,guest-fsfreeze-freeze';
  const args = ['-m', 'unix-listen', '-b', blocked, '-p', socket, '-t', state, '-f', join(state, 'pid')];
  agent = spawn('/usr/sbin/qemu-ga', args, { stdio: 'ignore', uid: 65534, gid: 65534 });
  await waitFor(async () => existsSync(socket) || undefined, { timeout: 10, what: 'the agent' });
}

describe('no agent', () => {
  test('none configured, none in the guest, no VM: each said at once', async () => {
    expect((await admin.answer('POST', path(402, '/ping'))).reason).toMatch(
      /^No QEMU guest agent configured/,
    );
    const started = Date.now();
    expect((await admin.answer('POST', path(401, '/ping'))).reason).toBe('QEMU guest agent is not running');
    expect(Date.now() - started).toBeLessThan(1500);
    expect((await admin.answer('POST', path(499, '/ping'))).reason).toMatch(/does not exist|not running/);
  });

  test('a channel on which nobody answers is given up, by all that wait for it', async () => {
    const answers = await Promise.all([1, 2].map(() => admin.answer('POST', path(400, '/ping'))));
    for (const answer of answers)
      expect(answer.reason).toMatch(/^QEMU guest agent is not running: no answer/);
  });
});

describe('an agent', () => {
  beforeAll(startAgent);

  test('answers questions, also many at once', async () => {
    expect(await result(admin.call('POST', path(400, '/ping')))).toEqual({});
    expect(await result(admin.get(path(400, '/get-osinfo')))).toMatchObject({ id: 'debian' });
    expect(await result(admin.call('POST', path(400), { command: 'get-host-name' }))).toHaveProperty(
      'host-name',
    );
    const many = Array.from({ length: 8 }, () => admin.answer('POST', path(400, '/ping')));
    expect((await Promise.all(many)).map((answer) => answer.status)).toEqual(Array(8).fill(200));
    const index = await admin.get<{ name: string }[]>(path(400));
    expect(index.map((one) => one.name)).toEqual(expect.arrayContaining(['exec', 'fstrim', 'suspend-ram']));
  });

  test('runs programs: words, input, exit code, output', async () => {
    const { pid } = await admin.call<{ pid: number }>('POST', path(400, '/exec'), {
      command: ['/bin/sh', '-c', 'cat; echo "ü $1" >&2; exit 3', 'sh', 'a b'],
      'input-data': 'from outside',
    });
    const ended = await waitFor(
      async () => {
        const status = await admin.get<{ exited: number }>(path(400, '/exec-status'), { pid });
        return status.exited === 1 ? status : undefined;
      },
      { timeout: 10, what: 'the end of the program' },
    );
    expect(ended).toMatchObject({ exitcode: 3, 'out-data': 'from outside', 'err-data': 'ü a b\n' });
    const single = await admin.call<{ pid: number }>('POST', path(400, '/exec'), { command: '/bin/true' });
    expect(single.pid).toBeGreaterThan(0);
    const unknown = await admin.answer('GET', path(400, '/exec-status'), { pid: 999999 });
    expect(unknown.reason).toMatch(/^Agent error: /);
    const { stdout } = await node.cli('qm', 'guest', 'exec', '400', '--', '/bin/echo', '-n', 'hello');
    expect(JSON.parse(stdout)).toMatchObject({ exitcode: 0, 'out-data': 'hello' });
  });

  test('writes and reads files: text, bytes, parts, what is too long', async () => {
    const file = guestFile();
    await admin.call('POST', path(400, '/file-write'), { file, content: 'Grüße 旅館\n' });
    expect(await readFile(file, 'utf8')).toBe('Grüße 旅館\n');
    const read = (params = {}) => admin.get(path(400, '/file-read'), { file, ...params });
    expect(await read()).toEqual({ content: 'Grüße 旅館\n', 'bytes-read': 15 });
    expect(await read({ offset: 1, count: 2 })).toEqual({
      content: 'r\u00c3',
      'bytes-read': 2,
      truncated: 1,
    });
    expect(await read({ count: 15 })).toEqual({ content: 'Grüße 旅館\n', 'bytes-read': 15 });
    await admin.call('POST', path(400, '/file-write'), { file, content: '/wAB', encode: 0 });
    expect([...(await readFile(file))]).toEqual([255, 0, 1]);
    expect(await read({ decode: 0 })).toEqual({ content: '/wAB', 'bytes-read': 3 });
    const missing = await admin.answer('GET', path(400, '/file-read'), { file: '/no/such/file' });
    expect([missing.status, missing.reason]).toEqual([
      500,
      expect.stringMatching(/^Agent error: .*no.such.file/),
    ]);
    const zeros = await admin.get<{ content: string }>(path(400, '/file-read'), {
      file: '/dev/zero',
      decode: 0,
    });
    expect(zeros).toMatchObject({ 'bytes-read': 16 * 1024 * 1024, truncated: 1 });
  });

  test('refuses what it does not do, in its own words', async () => {
    const freeze = await admin.answer('POST', path(400, '/fsfreeze-freeze'));
    expect([freeze.status, freeze.reason]).toEqual([
      500,
      expect.stringMatching(/^Agent error: .*guest-fsfreeze-freeze/),
    ]);
    expect((await admin.answer('POST', path(400), { command: 'exec' })).status).toBe(400);
    expect(
      (await admin.answer('POST', path(400, '/set-user-password'), { username: 'x', password: '1' })).status,
    ).toBe(400);
  });

  test('gets over half a command of somebody else, and is missed when it hangs', async () => {
    const rude = connect(node.guestSocket(400, 'qga'));
    await new Promise<void>((done) => rude.write('{"execute":"guest-pi', () => done()));
    rude.destroy();
    expect((await admin.answer('POST', path(400, '/ping'))).status).toBe(200);
    agent?.kill('SIGSTOP');
    expect((await admin.answer('POST', path(400, '/ping'))).reason).toMatch(
      /^QEMU guest agent is not running: no answer/,
    );
    agent?.kill('SIGCONT');
    expect((await admin.answer('POST', path(400, '/ping'))).status).toBe(200);
  });
});
