/** The built program as people start it: by the name of a link, on a terminal, in a pipe. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IPty, spawn as spawnPty } from '@lydell/node-pty';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildCli } from '../build.ts';
import { FakeDaemon } from './fake-daemon.ts';

// Each test starts programs, which takes long while the machine is busy with other tests.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'ryokan-program-'));
const data = join(folder, 'data');
const daemon = new FakeDaemon();

beforeAll(async () => {
  await buildCli({ folder: join(import.meta.dirname, '..'), outdir: join(folder, 'dist'), version: '9.9.9' });
  for (const name of ['qm', 'pvesh']) symlinkSync(join(folder, 'dist', 'cli.cjs'), join(folder, name));
  mkdirSync(join(data, 'run', 'qemu'), { recursive: true });
  writeFileSync(join(data, 'node.json'), '{"node":"pve1"}');
  await daemon.open();
  symlinkSync(daemon.socket, join(data, 'run', 'daemon.sock'));
});
afterAll(async () => {
  await daemon.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, args, { env: { ...process.env, RYOKAN_DATA: data, LC_ALL: 'C.UTF-8' } });
}

function run(name: string, ...args: string[]): Promise<Ended> {
  return ended(start(join(folder, name), args));
}

function ended(child: ChildProcess): Promise<Ended> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (piece) => {
    out += piece;
  });
  child.stderr?.on('data', (piece) => {
    err += piece;
  });
  child.stdin?.end();
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('the program', () => {
  it('is what its link is called', async () => {
    daemon.handle = () => ({ body: { data: [{ vmid: 100, status: 'running', name: 'a' }] } });
    const { code, out } = await run('qm', 'list', '--output-format', 'yaml');
    expect(out).toBe('---\n- vmid: 100\n  status: running\n  name: a\n');
    expect(code).toBe(0);
    expect((await run('pvesh', 'usage', '/nodes')).out).toBe('USAGE: pvesh get /nodes\n');
    expect((await run('dist/cli.cjs', '--version')).out).toBe('ryokan 9.9.9\n');
    expect((await run('dist/cli.cjs', 'qm', 'help', 'start')).out).toContain('USAGE: qm start <vmid>');
  });

  it('ends quietly when its reader has enough', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => ({
      vmid: 100 + i,
      status: 'running',
      name: 'x'.repeat(50),
    }));
    daemon.handle = () => ({ body: { data: rows } });
    const shell = start('bash', [
      '--norc',
      '-c',
      `${join(folder, 'qm')} list | head -1; echo "\${PIPESTATUS[0]}"`,
    ]);
    const { out, err } = await ended(shell);
    expect(out).toMatch(/^ *VMID.*\n0\n$/);
    expect(err).toBe('');
  });

  it('writes large answers whole into a pipe', async () => {
    const { out } = await run('qm', 'list', '-o', 'json');
    expect(JSON.parse(out)).toHaveLength(20_000);
  });

  it('stops its task at SIGINT', async () => {
    const upid = daemon.upid();
    daemon.handle = () => ({ body: { data: upid } });
    const child = start(join(folder, 'qm'), ['start', '100']);
    const result = ended(child);
    await expect
      .poll(() => daemon.received.some((one) => one.path.includes('/tasks/')), { timeout: 30_000 })
      .toBe(true);
    child.kill('SIGINT');
    const { code, err } = await result;
    expect(code).toBe(255);
    expect(err).toContain('Stopping the task.');
    expect(daemon.tasks.get(upid)?.exitstatus).toBe('interrupted by signal');
  });
});

describe('qm terminal', () => {
  let guest: Server;
  let port: Socket | undefined;
  let received = '';
  beforeAll(async () => {
    guest = createServer((socket) => {
      port = socket;
      socket.write('login: ');
      socket.on('data', (piece) => {
        received += piece;
      });
    });
    await new Promise<void>((resolve) => guest.listen(join(data, 'run', 'qemu', '100.serial0'), resolve));
  });
  afterAll(async () => {
    port?.destroy();
    await new Promise((resolve) => guest.close(resolve));
  });

  interface Terminal {
    readonly pty: IPty;
    readonly screen: () => string;
    readonly code: Promise<number>;
  }

  /** A shell that runs the command and then says whether the terminal echoes again. */
  function open(args: string): Terminal {
    let screen = '';
    received = '';
    const program = `echo "pid $$"; exec ${join(folder, 'qm')} terminal "$@"`;
    const script = `sh -c '${program}' sh ${args}; echo "code $?"; stty -a`;
    const pty = spawnPty('sh', ['-c', script], {
      env: { ...process.env, RYOKAN_DATA: data },
      cols: 100,
      rows: 30,
    });
    pty.onData((text) => {
      screen += text;
    });
    const code = new Promise<number>((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode)));
    return { pty, screen: () => screen, code };
  }

  const restored = / echo .*/;
  const poll = (read: () => string) => expect.poll(read, { timeout: 30_000, interval: 10 });

  it('passes keys and output, Ctrl-C included, and leaves with Ctrl-O', async () => {
    const terminal = open('100');
    await poll(terminal.screen).toContain('login: ');
    terminal.pty.write('root\x03');
    await poll(() => received).toBe('root\x03');
    terminal.pty.write('a\x0fb');
    await terminal.code;
    expect(received).toBe('root\x03a');
    expect(terminal.screen()).toContain('code 0');
    expect(terminal.screen()).toMatch(restored);
    expect(terminal.screen()).toMatch(/ icanon /);
  });

  it('gives the terminal back when the guest goes', async () => {
    const terminal = open('100');
    await poll(terminal.screen).toContain('login: ');
    port?.destroy();
    await terminal.code;
    expect(terminal.screen()).toMatch(/ icanon /);
  });

  it('gives the terminal back when it is told to end', async () => {
    const terminal = open('100');
    await poll(terminal.screen).toContain('login: ');
    process.kill(Number(/pid (\d+)/.exec(terminal.screen())?.[1]), 'SIGTERM');
    await terminal.code;
    expect(terminal.screen()).toMatch(/ icanon /);
  });

  it('takes another key to leave', async () => {
    const terminal = open("100 --escape '^]'");
    await poll(terminal.screen).toContain('login: ');
    terminal.pty.write('\x0f\x1d');
    await terminal.code;
    expect(received).toBe('\x0f');
  });

  it('says what to do when there is no such port', async () => {
    const { code, err } = await run('qm', 'terminal', '101');
    expect(code).toBe(1);
    expect(err).toContain('qm set 101 --serial0 socket');
    expect((await run('qm', 'terminal', '100', '--iface', 'serial9')).code).toBe(2);
    expect((await run('qm', 'terminal', '../../x')).code).toBe(2);
  });
});
