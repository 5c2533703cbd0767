/** The command line client on a running node: what people type, what scripts read, and the exit codes they test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn as spawnPty } from '@lydell/node-pty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { projectRoot, startNode, type TestNode } from '../lib/node.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let folder: string;

beforeAll(async () => {
  node = await startNode();
  folder = await mkdtemp(join(tmpdir(), 'ryokan-cli-it-'));
});
afterAll(async () => {
  await node?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** Any way to end is fine: the test looks at the code. */
const cli = (...args: string[]) => node.cliWith({ okCodes: [0, 1, 2, 130, 255] }, ...args);
const words = (text: string) => cli(...text.split(' '));
const program = () => join(process.env.RYOKAN_TEST_CHECKOUT ?? projectRoot, 'bin', 'qm');
const environment = () => ({ ...process.env, RYOKAN_DATA: node.dataDir, LC_ALL: 'C.UTF-8' });

interface Collected {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly code: Promise<number | null>;
}

/** `qm ...` as a process of its own, to be sent signals. */
function start(...args: string[]): Collected {
  const child = spawn(program(), args, { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece) => {
      output += piece;
    });
  }
  const code = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, output: () => output, code };
}

describe('guests', () => {
  test('create, list, change, start, stop and remove', async () => {
    expect((await words('qm list')).stdout).toBe('');
    const created = await words('qm create 100 --name web --memory 64 --scsi0 local:1 --tags a --tags b');
    expect(created).toMatchObject({ code: 0, stderr: '' });
    expect(created.stdout).toContain("made volume 'local:100/vm-100-disk-0.qcow2'");
    const listed = (await words('qm list')).stdout.split('\n').map((line) => line.trim().split(/ +/));
    expect(listed.slice(0, 2)).toEqual([
      ['VMID', 'NAME', 'STATUS', 'MEM(MB)', 'BOOTDISK(GB)', 'PID'],
      ['100', 'web', 'stopped', '64', '1.00', '0'],
    ]);
    expect(await words('qm set 100 --memory 80 --no-onboot --description=日本語')).toMatchObject({
      code: 0,
      stdout: '',
    });
    const config = (await words('qm config 100')).stdout;
    expect(config).toMatch(/^memory: 80$/m);
    expect(config).toMatch(/^description: 日本語$/m);
    expect(config).toMatch(/^tags: a[,;]b$/m);
    expect(config).not.toContain('digest');
    expect(await words('qm start 100')).toMatchObject({ code: 0, stderr: '' });
    expect((await words('qm status 100')).stdout).toBe('status: running\n');
    await words('qm set 100 --memory 96');
    expect((await words('qm pending 100')).stdout).toContain('cur memory: 80\nnew memory: 96\n');
    expect((await words('qm stop 100')).code).toBe(0);
    expect(await words('qm wait 100 --timeout 5')).toMatchObject({ code: 0 });
    expect((await words('qm destroy 100')).code).toBe(0);
    expect((await words('qm list -o json')).stdout).toBe('[]\n');
  });

  test('what is refused says why, with the exit codes that scripts know', async () => {
    expect(await words('qm start 999')).toMatchObject({
      code: 255,
      stdout: '',
      stderr: `Configuration file 'nodes/${node.name}/qemu-server/999.conf' does not exist\n`,
    });
    const wrong = await words('qm create 101 --memory x --name -');
    expect(wrong.code).toBe(255);
    expect(wrong.stderr).toMatch(/^Parameter verification failed.\n/);
    expect(wrong.stderr).toMatch(/^memory: /m);
    expect(wrong.stderr).toMatch(/^name: /m);
    expect((await words('qm create 101 --memroy 5')).code).toBe(2);
    expect((await words('qm list --data /nowhere')).code).toBe(1);
    expect((await words('qm list')).stdout).not.toContain('101');
  });

  test('a failed task fails the command', async () => {
    await words('qm create 102 --memory 64 --net0 virtio,bridge=nobr0');
    const failed = await words('qm start 102');
    expect(failed.code).toBe(255);
    expect(failed.stderr).toContain("bridge 'nobr0' does not exist");
    await words('qm destroy 102');
  });

  test('Ctrl-C stops the task that is waited for', async () => {
    await words('qm create 103 --memory 64');
    await words('qm start 103');
    const shutdown = start('shutdown', '103', '--timeout', '120');
    await waitFor(async () => (await words('qm list')).stdout.includes('running') && taskRuns('qmshutdown'), {
      timeout: 10,
      what: 'the task to run',
    });
    shutdown.child.kill('SIGINT');
    expect(await shutdown.code).toBe(255);
    expect(shutdown.output()).toContain('Stopping the task.');
    expect(await taskRuns('qmshutdown')).toBe(false);
    expect((await words('qm status 103')).stdout).toBe('status: running\n');
    await words('qm stop 103');
    await words('qm destroy 103');
  });

  test('a second Ctrl-C would leave the task; --detach does not wait at all', async () => {
    await words('qm create 104 --memory 64');
    const { stdout } = await words('qm start 104 --detach');
    expect(stdout).toMatch(/^UPID:.*:qmstart:104:root@pam:\n$/);
    const followed = await cli('pvenode', 'task', 'follow', stdout.trim());
    expect(followed.code).toBe(0);
    const log = await cli('pvenode', 'task', 'log', stdout.trim());
    expect(log.stdout).toMatch(/^TASK OK$/m);
    await words('qm stop 104');
    await words('qm destroy 104');
  });
});

/** Is a task of this type running now? */
async function taskRuns(type: string): Promise<boolean> {
  const { stdout } = await cli(
    ...['pvesh', 'get', `/nodes/${node.name}/tasks`, '--source', 'active', '-o', 'json'],
  );
  return (JSON.parse(stdout) as { type: string }[]).some((row) => row.type === type);
}

describe('storage', () => {
  test('upload, list, path and free', async () => {
    const file = join(folder, 'tool.iso');
    // An ISO 9660 image by its volume descriptor at 32 KiB.
    const image = Buffer.alloc(64 * 1024);
    image.write('\x01CD001\x01', 0x8000, 'latin1');
    await writeFile(file, image);
    const uploaded = await cli('pvesm', 'upload', 'local', file);
    expect(uploaded.code).toBe(0);
    expect(existsSync(file)).toBe(true);
    const listed = (await words('pvesm list local --content iso')).stdout;
    expect(listed).toMatch(/^local:iso\/tool.iso +iso +iso +65536$/m);
    const path = (await words('pvesm path local:iso/tool.iso')).stdout.trim();
    expect(path).toBe(join(node.dataDir, 'storage/template/iso/tool.iso'));
    expect((await cli('pvesm', 'free', 'local:iso/tool.iso')).code).toBe(0);
    expect(existsSync(path)).toBe(false);
    expect(await readdir(join(node.dataDir, 'spool'))).toEqual([]);
  });

  test('a wrong checksum leaves nothing behind', async () => {
    const file = join(folder, 'bad.iso');
    await writeFile(file, 'x');
    const sum = ['--checksum-algorithm', 'md5', '--checksum', '0'.repeat(32)];
    const refused = await cli('pvesm', 'upload', 'local', file, ...sum);
    expect(refused.code).toBe(255);
    expect(refused.stderr).toMatch(/checksum/i);
    expect((await words('pvesm list local --content iso')).stdout).toBe('');
    expect(await readdir(join(node.dataDir, 'spool'))).toEqual([]);
  });

  test('space in KiB, the columns that scripts cut', async () => {
    const [header, local] = (await words('pvesm status')).stdout.split('\n');
    expect(header).toMatch(/^Name +Type +Status +Total \(KiB\) +Used \(KiB\) +Available \(KiB\) +%$/);
    expect(local).toMatch(/^local +dir +active +\d+ +\d+ +\d+ +\d+\.\d\d%$/);
  });

  test('alloc makes an image', async () => {
    const made = await cli('pvesm', 'alloc', 'local', '105', '', '4M', '--format', 'raw');
    expect(made.stdout).toBe("successfully created 'local:105/vm-105-disk-0.raw'\n");
    expect((await words('pvesm free local:105/vm-105-disk-0.raw')).code).toBe(0);
  });
});

describe('any path', () => {
  test('pvesh reads, lists and explains', async () => {
    const tasks = await words('pvesh get /cluster/tasks --limit 2 -o json');
    expect(JSON.parse(tasks.stdout)).toHaveLength(2);
    expect((await words('pvesh ls /nodes')).stdout).toBe(`Dr---      ${node.name}\n`);
    const version = await words('pvesh get /version --output-format yaml');
    expect(version.stdout).toMatch(/^---\n[\s\S]*product: Ryokan /);
    expect((await words('pvesh usage /nodes/localhost/qemu')).stdout).toContain(
      'pvesh create /nodes/localhost/qemu',
    );
    expect((await words('pvesh get /nodes/localhost/status -o json')).code).toBe(0);
    expect((await words('pvesh get /nothing')).code).toBe(2);
  });

  test('pveversion names the API for scripts', async () => {
    expect((await words('pveversion')).stdout).toMatch(/^pve-manager\/9\.\S+ \(running kernel: \S+\)\n$/);
    expect((await words('pveversion -v')).stdout).toMatch(/^accelerator: (kvm|tcg)/m);
  });

  test('every method that reads without parameters answers', async () => {
    const paths = [
      '/',
      '/access',
      '/cluster',
      '/cluster/resources',
      '/nodes',
      '/nodes/localhost',
      '/storage',
    ];
    for (const path of paths) expect((await cli('pvesh', 'get', path)).code, path).toBe(0);
  });
});

describe('completion', () => {
  test('offers guests and storages of the node', async () => {
    await words('qm create 106 --memory 64 --name tab');
    expect((await cli('qm', '--complete', 'start', '10')).stdout).toContain('106\ttab\n');
    expect((await cli('qm', '--complete', 'create', '1', '--memory', '5', '--sto')).code).toBe(0);
    expect((await cli('pvesm', '--complete', 'list', '')).stdout).toBe('local\tdir\n');
    await words('qm destroy 106');
  });
});

describe('qm terminal', () => {
  test('a shell in a guest, from this terminal', async () => {
    const guest = await buildTinyGuest(testCacheDir());
    expect((await cli('pvesm', 'upload', 'local', guest.iso, '--filename', 'tiny.iso')).code).toBe(0);
    const disk = '--ide2 local:iso/tiny.iso,media=cdrom';
    expect((await words(`qm create 107 --memory 256 ${disk} --serial0 socket`)).code).toBe(0);
    expect(await words('qm start 107')).toMatchObject({ code: 0, stderr: '' });
    let screen = '';
    const terminal = spawnPty(program(), ['terminal', '107'], { env: environment(), cols: 100, rows: 30 });
    terminal.onData((text) => {
      screen += text;
    });
    const code = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
    const shows = (text: string | RegExp) =>
      waitFor(() => (typeof text === 'string' ? screen.includes(text) : text.test(screen)), {
        timeout: 120,
        what: () => `${String(text)} on the terminal, which shows:\n${screen.slice(-2000)}`,
      });
    await shows('ryokan-guest: ready');
    terminal.write('\r');
    await shows(/[#$] /);
    terminal.write('echo sum=$((20+22))\r');
    await shows('sum=42');
    terminal.write('\x0f');
    expect(await code).toBe(0);
    await words('qm stop 107');
    await words('qm destroy 107');
  }, 300_000);
});

describe('without a node', () => {
  test('each command says what to do, and help works', async () => {
    await node.down();
    const away = await words('qm list');
    expect(away.code).toBe(1);
    expect(away.stderr).toContain('The node is not running');
    expect((await words('qm help start')).code).toBe(0);
    const started = performance.now();
    await run(program(), ['--complete', 'start', ''], { env: environment() });
    expect(performance.now() - started).toBeLessThan(2000);
    await node.up();
    expect((await words('qm list')).code).toBe(0);
  });

  test('a task goes on while the daemon restarts, and is followed to its end', async () => {
    await words('qm create 108 --memory 64');
    await words('qm start 108');
    const shutdown = start('shutdown', '108', '--timeout', '15', '--forceStop');
    await waitFor(() => taskRuns('qmshutdown'), { timeout: 10, what: 'the task to run' });
    process.kill(await node.daemonPid(), 'SIGKILL');
    await node.up();
    expect(await shutdown.code).toBe(0);
    expect((await words('qm status 108')).stdout).toBe('status: stopped\n');
    await words('qm destroy 108');
  });
});
