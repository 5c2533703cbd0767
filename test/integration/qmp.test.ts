/** The QMP client against a real QEMU, and the agent client against a real guest agent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withAgentSocket } from '../../packages/server/src/guests/qemu/agent-client.ts';
import { connectQmp, type QmpClient } from '../../packages/server/src/guests/qemu/qmp-client.ts';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-qmp-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

const socketPath = () => join(folder, 'qmp');

function startQemu(): ChildProcess {
  const qmp = `unix:${socketPath()},server=on,wait=off`;
  const machine = ['-machine', 'pc', '-accel', 'tcg', '-m', '32', '-display', 'none', '-nodefaults', '-S'];
  const child = spawn('qemu-system-x86_64', [...machine, '-qmp', qmp], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  return child;
}

async function start(): Promise<{ qemu: ChildProcess; qmp: QmpClient }> {
  const qemu = startQemu();
  return { qemu, qmp: await connectQmp(socketPath(), { timeout: 10_000, waitForSocket: true }) };
}

describe('connectQmp', () => {
  it('waits for the socket of a QEMU that is starting, and knows its version', async () => {
    const { qmp } = await start();
    expect(qmp.greeting.version.qemu.major).toBeGreaterThanOrEqual(7);
    const version = await qmp.execute<{ qemu: { major: number } }>('query-version');
    expect(version.qemu).toEqual(qmp.greeting.version.qemu);
  });

  it('says at once when nobody is there', async () => {
    await expect(connectQmp(socketPath())).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`cannot connect to '${socketPath()}': nobody listens there`),
    });
  });

  it('gives up waiting in time', async () => {
    const started = Date.now();
    const attempt = connectQmp(socketPath(), { timeout: 200, waitForSocket: true });
    await expect(attempt).rejects.toThrow('nobody listens there (waited 200 ms)');
    expect(Date.now() - started).toBeLessThan(1_000);
  });

  it('stops waiting when it is aborted', async () => {
    const stop = new AbortController();
    const attempt = connectQmp(socketPath(), { timeout: 60_000, waitForSocket: true, signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await expect(attempt).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('aborted'),
    });
  });

  it('gets over the stale socket of a QEMU that was killed', async () => {
    const first = await start();
    first.qemu.kill('SIGKILL');
    await first.qmp.closed;
    expect(existsSync(socketPath())).toBe(true);
    const { qmp } = await start();
    expect(await qmp.execute('query-status')).toMatchObject({ status: 'prelaunch' });
  });

  it('tells a second client that the first one holds the socket', async () => {
    await start();
    await expect(connectQmp(socketPath(), { timeout: 300 })).rejects.toThrow(
      /did not greet.*is another client connected\? within \d+ ms/,
    );
  });
});

describe('execute', () => {
  it('carries the error of QEMU with its class', async () => {
    const { qmp } = await start();
    await expect(qmp.execute('device_del', { id: 'nothing' })).rejects.toMatchObject({
      name: 'QmpError',
      qmpClass: 'DeviceNotFound',
      command: 'device_del',
      message: "QEMU refused 'device_del': Device 'nothing' not found",
    });
    await expect(qmp.execute('no-such-command')).rejects.toMatchObject({ qmpClass: 'CommandNotFound' });
    expect(await qmp.execute('query-status')).toMatchObject({ status: 'prelaunch' });
  });

  it('keeps answers apart, large ones too', async () => {
    const { qmp } = await start();
    const names = Array.from({ length: 20 }, (_, i) => `object${i}`);
    await Promise.all(names.map((id) => qmp.execute('object-add', { 'qom-type': 'iothread', id })));
    const types = await Promise.all([
      qmp.execute<unknown[]>('query-qmp-schema'),
      ...names.map((id) => qmp.execute('qom-get', { path: `/objects/${id}`, property: 'type' })),
    ]);
    expect((types[0] as unknown[]).length).toBeGreaterThan(500);
    expect(types.slice(1)).toEqual(names.map(() => 'iothread'));
  });

  it('rejects what is under way when QEMU dies, and everything after', async () => {
    const { qemu, qmp } = await start();
    qemu.kill('SIGSTOP');
    const pending = qmp.execute('query-status');
    qemu.kill('SIGKILL');
    await expect(pending).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('query-status'),
    });
    await qmp.closed;
    await expect(qmp.execute('query-status')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('gives up on a QEMU that does not answer, and goes on afterwards', async () => {
    const { qemu, qmp } = await start();
    qemu.kill('SIGSTOP');
    await expect(qmp.execute('query-status', {}, { timeout: 100 })).rejects.toThrow(
      "QEMU did not answer 'query-status' within 100 ms",
    );
    const stop = new AbortController();
    const aborted = qmp.execute('query-status', {}, { signal: stop.signal });
    stop.abort();
    await expect(aborted).rejects.toThrow('aborted');
    qemu.kill('SIGCONT');
    expect(await qmp.execute('query-version')).toHaveProperty('qemu');
  });
});

describe('events', () => {
  it('arrive with their time, until the listener leaves', async () => {
    const { qmp } = await start();
    const seen: string[] = [];
    const leave = qmp.onEvent((event) => {
      seen.push(event.event);
      expect(Math.abs(event.time - Date.now())).toBeLessThan(10_000);
    });
    const resumed = qmp.waitForEvent('RESUME', { timeout: 5_000 });
    await qmp.execute('cont');
    expect(await resumed).toMatchObject({ event: 'RESUME', data: {} });
    await qmp.execute('stop');
    expect(seen).toEqual(['RESUME', 'STOP']);
    leave();
    await qmp.execute('cont');
    expect(seen).toHaveLength(2);
  });

  it('can be waited for by what they say', async () => {
    const { qmp } = await start();
    const where = (event: { data: object }) =>
      'reason' in event.data && event.data.reason === 'host-qmp-quit';
    const shutdown = qmp.waitForEvent('SHUTDOWN', { timeout: 5_000, where });
    const never = qmp.waitForEvent('BLOCK_JOB_COMPLETED', { timeout: 5_000 });
    never.catch(() => {});
    await qmp.execute('quit');
    expect((await shutdown).data).toMatchObject({ guest: false });
    await expect(never).rejects.toMatchObject({ code: 'unavailable' });
    await qmp.closed;
  });

  it('that do not come are given up', async () => {
    const { qmp } = await start();
    await expect(qmp.waitForEvent('STOP', { timeout: 50 })).rejects.toThrow(
      'no event STOP from QEMU within 50 ms',
    );
  });
});

const agentProgram = ['/usr/sbin/qemu-ga', '/usr/bin/qemu-ga'].find(existsSync);
const root = process.getuid?.() === 0;

/** A real agent on a socket, as a user who cannot do this machine any harm. */
describe.skipIf(!agentProgram || !root)(
  'sessions with a guest agent (needs qemu-guest-agent and root)',
  () => {
    const path = () => join(folder, 'qga');
    const ask = (command: string, args = {}, timeout = 10_000) =>
      withAgentSocket(path(), (agent) => agent.call(command, args), { timeout });

    async function startAgent(): Promise<ChildProcess> {
      const dangerous =
        'guest-shutdown,guest-suspend-disk,guest-suspend-ram,guest-suspend-hybrid,guest-fsfreeze-freeze';
      const files = ['-p', path(), '-t', folder, '-f', join(folder, 'pid')];
      chownSync(folder, 65534, 65534);
      const options = { stdio: 'ignore', uid: 65534, gid: 65534 } as const;
      const child = spawn(agentProgram ?? '', ['-m', 'unix-listen', '-b', dangerous, ...files], options);
      children.push(child);
      for (let i = 0; i < 250 && !existsSync(path()); i++)
        await new Promise((resolve) => setTimeout(resolve, 20));
      return child;
    }

    it('returns what the agent answers', async () => {
      await startAgent();
      expect(await ask('guest-ping')).toEqual({});
      expect(await ask('guest-get-osinfo')).toMatchObject({ id: 'debian' });
      expect(await ask('guest-get-time')).toBeGreaterThan(1.6e18);
    });

    it('carries the error of the agent', async () => {
      await startAgent();
      await expect(ask('guest-file-open', { path: '/no/such/file' })).rejects.toMatchObject({
        name: 'AgentError',
        message: expect.stringContaining('/no/such/file'),
      });
      // Answers only when it fails, and it is blocked here.
      await expect(ask('guest-shutdown', { mode: 'halt' })).rejects.toMatchObject({
        message: expect.stringContaining('guest-shutdown'),
      });
    });

    it('gets over half a command that another client left', async () => {
      await startAgent();
      await new Promise<void>((resolve) => {
        const rude = connect(path(), () => rude.end('{"execute":"guest-pi', () => rude.destroy()));
        rude.once('close', () => resolve());
      });
      expect(await ask('guest-ping')).toEqual({});
    });

    it('serves several callers one after the other', async () => {
      await startAgent();
      const answers = await Promise.all(Array.from({ length: 5 }, () => ask('guest-ping')));
      expect(answers).toEqual([{}, {}, {}, {}, {}]);
    });

    it('says that no agent runs: no socket, a dead one, one that keeps silent', async () => {
      const notRunning = { code: 'state', message: 'QEMU guest agent is not running' };
      await expect(ask('guest-ping')).rejects.toMatchObject(notRunning);
      const agent = await startAgent();
      agent.kill('SIGSTOP');
      const started = Date.now();
      await expect(ask('guest-ping', {}, 300)).rejects.toMatchObject({
        code: 'state',
        message: 'QEMU guest agent is not running: no answer within 300 ms, it may be busy or hang',
      });
      expect(Date.now() - started).toBeLessThan(1_500);
      agent.kill('SIGKILL');
      await new Promise((resolve) => agent.once('exit', resolve));
      await expect(ask('guest-ping')).rejects.toMatchObject(notRunning);
    });
  },
);
