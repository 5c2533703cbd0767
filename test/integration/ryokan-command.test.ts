/** `./ryokan up`, `down` and `status` as a person uses them: real processes, real data folders, wrong inputs. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { get } from 'node:https';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { isAlive, processStat } from '@ryokan/server/host/procfs.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, openLab } from './network-lab.ts';

const ryokan = fileURLToPath(new URL('../../ryokan', import.meta.url));
let folder = '';
/** Data folders to be taken down whatever a test does. */
const started = new Set<string>();

beforeAll(() => {
  // Short: socket paths below it have a limit.
  folder = mkdtempSync(join(tmpdir(), 'ryo-'));
  chmodSync(folder, 0o755);
});
afterEach(async () => {
  for (const data of started) await command(['down', '--data', data]);
  started.clear();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function command(args: string[], env: NodeJS.ProcessEnv = {}, prefix: string[] = []): Promise<Outcome> {
  const [program = '', ...rest] = [...prefix, ryokan, ...args];
  return new Promise((resolve) => {
    const child = execFile(program, rest, { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
      resolve({ code, stdout, stderr });
    });
    child.stdin?.end();
  });
}

/** The body of an answer with status 200, whatever the certificate. */
function httpsGet(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { rejectUnauthorized: false }, (response) => {
      expect(response.statusCode).toBe(200);
      text(response).then(resolve, reject);
    }).on('error', reject);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

let sequence = 0;
const newData = () => {
  const data = join(folder, `n${++sequence}`);
  started.add(data);
  return data;
};
const upArgs = async (data: string) => [
  'up',
  '--data',
  data,
  '--listen',
  '127.0.0.1',
  '--port',
  String(await freePort()),
  '--node',
  'pve1',
];

/** Fails with exactly one line on stderr, which contains `text`, and leaves no data folder. */
async function refused(outcome: Promise<Outcome>, text: string, data?: string): Promise<void> {
  const { code, stderr, stdout } = await outcome;
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain(text);
  expect(stdout).toBe('');
  expect(code).toBeGreaterThan(0);
  if (data) expect(existsSync(data)).toBe(false);
}

describe('up, status, down', () => {
  test('detached: from nothing to an answer, again, and down', async () => {
    const data = newData();
    const first = await command([...(await upArgs(data)), '--detach']);
    expect(first.stderr).not.toContain('ryokan: the daemon');
    expect(first.code).toBe(0);
    const url = /^URL: +(https:\S+)$/m.exec(first.stdout)?.[1];
    expect(first.stdout).toMatch(/^User: +admin@pve/m);
    const passwordFile = /^Password: in the file (\S+)$/m.exec(first.stdout)?.[1] ?? '';
    expect(statSync(passwordFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(passwordFile, 'utf8').trim().length).toBeGreaterThanOrEqual(16);

    const status = await command(['status', '--data', data, '--output-format', 'json']);
    const facts = JSON.parse(status.stdout);
    expect(facts).toMatchObject({ running: true, ready: true, node: 'pve1', url, data, guests: 0 });
    expect(status.code).toBe(0);
    const { pid } = facts as { pid: number };
    expect(processStat(pid)?.state).toMatch(/[SR]/);

    // A session of its own: it stays when the terminal goes, and has no terminal to read from.
    const session = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3];
    expect(Number(session)).toBe(pid);

    await refused(command(['up', '--data', data, '--detach']), `a node runs on ${data} already (pid ${pid}`);

    const down = await command(['down', '--data', data]);
    expect(down).toMatchObject({ code: 0, stdout: `the node at ${data} is down\n` });
    expect(isAlive(pid)).toBe(false);
    expect((await command(['status', '--data', data])).code).toBe(3);
    expect((await command(['down', '--data', data])).stdout).toContain('no node runs');
  });

  test('a second start uses the stored settings and takes seconds', async () => {
    const data = newData();
    const args = await upArgs(data);
    await command([...args, '--detach']);
    await command(['down', '--data', data]);
    const settings = readFileSync(join(data, 'node.json'), 'utf8');
    const begin = performance.now();
    const again = await command(['up', '--data', data, '--detach']);
    expect(performance.now() - begin).toBeLessThan(6000);
    expect(again.stdout).toContain(`:${args[6]}/`);
    expect(readFileSync(join(data, 'node.json'), 'utf8')).toBe(settings);
    const node = await command(['up', '--data', data, '--node', 'other']);
    expect(node.stderr).toContain('already');
    await command(['down', '--data', data]);
    await refused(command(['up', '--data', data, '--node', 'other']), "belongs to node 'pve1'");
  });

  test('in the foreground: the process is the daemon, and Ctrl-C ends it', async () => {
    const data = newData();
    const child: ChildProcess = spawn(ryokan, await upArgs(data), { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout?.on('data', (text) => {
      output += text;
    });
    await expect.poll(() => output, { timeout: 60_000 }).toMatch(/^Password: /m);
    expect(output).toMatch(/^URL: +https:/m);
    const { stdout } = await command(['status', '--data', data, '--output-format', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ running: true, pid: child.pid });
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    expect((await command(['status', '--data', data])).code).toBe(3);
  });

  // Failed once, at a load of 7 on 2 cores, and in none of ten other runs: what was said is shown, and it is tried again.
  test('two at the same moment on the same data: one runs, the other says so', async () => {
    const data = newData();
    const calls = [await upArgs(data), await upArgs(data), await upArgs(data)];
    const outcomes = await Promise.all(calls.map((args) => command([...args, '--detach'])));
    const said = JSON.stringify(outcomes.map(({ code, stderr }) => ({ code, stderr })));
    expect(outcomes.map((one) => one.code).sort(), said).toEqual([0, 1, 1]);
    for (const one of outcomes.filter(({ code }) => code === 1)) {
      expect(one.stderr).toContain(`a node runs on ${data} already`);
    }
    const status = await command(['status', '--data', data, '--output-format', 'json']);
    expect(JSON.parse(status.stdout)).toMatchObject({ running: true, ready: true });
    expect(existsSync(join(data, 'pki'))).toBe(true);
  });

  test('a first start that was killed on its way does not stand in the way of the next', async () => {
    const data = newData();
    mkdirSync(join(data, 'run'), { recursive: true });
    mkdirSync(join(data, 'pki'));
    // Process 1 started at another moment: the one that is meant has ended.
    writeFileSync(join(data, 'run', 'daemon.pid'), '1 999999999\n');
    const outcome = await command([...(await upArgs(data)), '--detach']);
    expect(outcome.code, outcome.stderr).toBe(0);
  });

  test('a daemon that dies is found dead, and starts again', async () => {
    const data = newData();
    await command([...(await upArgs(data)), '--detach']);
    const { pid } = JSON.parse((await command(['status', '--data', data, '--output-format', 'json'])).stdout);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => isAlive(pid)).toBe(false);
    expect((await command(['status', '--data', data])).code).toBe(3);
    // Its gateway ends by itself and frees the port.
    await expect
      .poll(async () => (await command(['up', '--data', data, '--detach'])).code, {
        timeout: 20_000,
        interval: 500,
      })
      .toBe(0);
  });
});

test('a checkout in a home folder that only its owner may enter', async () => {
  const home = join(folder, 'private');
  mkdirSync(join(home, 'ryokan'), { recursive: true });
  chmodSync(home, 0o700);
  // The same checkout at a second place, seen by this one command and its node only.
  const script = `mount --bind "$1" ${home}/ryokan && shift 2 && exec ${home}/ryokan/ryokan "$@"`;
  const inside = ['unshare', '--mount', 'sh', '-c', script, 'sh', dirname(ryokan)];
  const args = await upArgs(newData());
  const outcome = await command([...args, '--detach'], {}, inside);
  expect(outcome.code, outcome.stderr).toBe(0);
  const page = await httpsGet(`https://127.0.0.1:${args[6]}/`);
  expect(page).toContain('<title>');
});

test('guests outlive the node; down says so, and --guests shuts them down first', async () => {
  const data = newData();
  const facts = async () =>
    JSON.parse((await command(['status', '--data', data, '--output-format', 'json'])).stdout);
  await command([...(await upArgs(data)), '--detach']);
  const created = await command(['qm', 'create', '100', '--memory', '32', '--data', data]);
  expect(created.code, created.stderr).toBe(0);
  const start = await command(['qm', 'start', '100', '--data', data]);
  expect(start.code, start.stderr).toBe(0);
  expect(await facts()).toMatchObject({ running: true, guests: 1 });
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const seen = await command(['status', '--data', data], {}, nobody);
  expect(seen).toMatchObject({ code: 0, stdout: expect.stringContaining('only root can see them') });

  const down = await command(['down', '--data', data]);
  expect(down.stdout).toContain('1 guest goes on running (100)');
  expect(await facts()).toMatchObject({ running: false, guests: 1 });
  const refusedDown = await command(['down', '--data', data, '--guests']);
  expect(refusedDown.code).toBe(1);
  expect(refusedDown.stderr).toContain(
    "guests run (100), but the node does not; start it with './ryokan up'",
  );

  await command(['up', '--data', data, '--detach']);
  expect((await command(['qm', 'status', '100', '--data', data])).stdout).toContain('running');
  const end = await command(['down', '--data', data, '--guests', '--timeout', '1']);
  expect(end.code, end.stderr).toBe(0);
  expect(end.stdout).not.toContain('running');
  expect(await facts()).toMatchObject({ running: false, guests: 0 });
});

describe('--with-nat-bridge', () => {
  let lab: Lab;
  let inside: string[] = [];
  beforeAll(async () => {
    lab = await openLab();
    inside = ['ip', 'netns', 'exec', await lab.addNamespace('host')];
  });
  afterAll(() => lab.close());

  test('makes vmbr0 once; it stays for running guests when the node goes down, and goes by command', async () => {
    const data = newData();
    const args = [...(await upArgs(data)), '--detach', '--with-nat-bridge'];
    const first = await command(args, {}, inside);
    expect(first.code).toBe(0);
    expect(first.stderr).toContain('NAT bridge vmbr0: guests get addresses of 10.77.0.1/24 by DHCP');
    await command(['down', '--data', data], {}, inside);
    const link = await lab.inside('host', 'ip', '-o', 'link', 'show', 'vmbr0');
    expect((await command(['up', '--data', data, '--detach', '--with-nat-bridge'], {}, inside)).code).toBe(0);
    expect(await lab.inside('host', 'ip', '-o', 'link', 'show', 'vmbr0')).toBe(link);
    const removed = await command(['ryokan', 'nat-bridge', 'remove', '--data', data], {}, inside);
    expect(removed).toMatchObject({ code: 0 });
    expect(await lab.inside('host', 'ip', '-br', 'link')).not.toContain('vmbr0');
    expect(await lab.inside('host', 'nft', 'list', 'ruleset')).toBe('');
    await command(['down', '--data', data], {}, inside);
  });

  test('is taken back when the start fails', async () => {
    const data = newData();
    const args = [...(await upArgs(data)), '--detach', '--with-nat-bridge'];
    const outcome = await command(args, { RYOKAN_LOG_LEVEL: 'nonsense' }, inside);
    expect(outcome.code).toBe(1);
    expect(existsSync(data)).toBe(false);
    expect(await lab.inside('host', 'ip', '-br', 'link')).not.toContain('vmbr0');
    expect(await lab.inside('host', 'nft', 'list', 'ruleset')).toBe('');
  });

  test('leaves a bridge of the host alone', async () => {
    await lab.inside('host', 'ip', 'link', 'add', 'vmbr0', 'type', 'bridge');
    const data = newData();
    const outcome = await command([...(await upArgs(data)), '--detach', '--with-nat-bridge'], {}, inside);
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).toContain('network interface vmbr0 exists already; guests can use it');
    expect(await lab.inside('host', 'nft', 'list', 'ruleset')).toBe('');
    await command(['down', '--data', data], {}, inside);
  });
});

describe('a start that fails', () => {
  test('in a new data folder: says why and leaves nothing', async () => {
    const data = newData();
    const args = [...(await upArgs(data)), '--detach'];
    const { code, stderr, stdout } = await command(args, { RYOKAN_LOG_LEVEL: 'nonsense' });
    expect(code).toBe(1);
    expect(stderr).toContain('the daemon ended with exit code 1 instead of serving; its last lines:');
    expect(stderr).toContain('level:nonsense');
    expect(stdout).toBe('');
    expect(existsSync(data)).toBe(false);
  });

  test('in one with content: keeps it as it was', async () => {
    const data = newData();
    const args = [...(await upArgs(data)), '--detach'];
    await command(args);
    await command(['down', '--data', data]);
    const settings = readFileSync(join(data, 'node.json'), 'utf8');
    const outcome = await command(['up', '--data', data, '--port', String(await freePort()), '--detach'], {
      RYOKAN_LOG_LEVEL: 'nonsense',
    });
    expect(outcome.code).toBe(1);
    expect(readFileSync(join(data, 'node.json'), 'utf8')).toBe(settings);
    expect(existsSync(join(data, 'config.db'))).toBe(true);
    expect((await command(['status', '--data', data])).code).toBe(3);
    expect((await command(['up', '--data', data, '--detach'])).code).toBe(0);
  });
});

describe('refusals, one clear line each, nothing half done', () => {
  let blocker: Server;
  let blockedPort = 0;

  beforeAll(async () => {
    blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const address = blocker.address();
    blockedPort = typeof address === 'object' && address ? address.port : 0;
  });
  afterAll(() => blocker.close());

  test('port taken, with who has it', async () => {
    const data = newData();
    const args = ['up', '--data', data, '--listen', '127.0.0.1', '--port', String(blockedPort)];
    await refused(command(args), `port ${blockedPort} is taken by`, data);
    await refused(command(args), `(pid ${process.pid})`, data);
  });

  test.each([
    [['--port', '0'], '--port takes a number'],
    [['--port', 'x'], '--port takes a number'],
    [['--port', '65536'], '--port takes a number'],
    [['--listen', 'localhost'], "takes an IP address, not 'localhost'"],
    [['--listen', '192.0.2.77'], 'no network interface of this machine has the address 192.0.2.77'],
    [['--node', 'a_b'], "'a_b' is no node name"],
    [['--node', ''], 'no node name'],
    [['--wrong'], "Unknown option '--wrong'"],
    [['stray'], 'Unexpected argument'],
    [['--data'], "Option '--data <value>' argument missing"],
  ])('%j', async (args, text) => {
    const data = newData();
    await refused(command(['up', '--data', data, ...args]), text, data);
  });

  test('a folder with other files keeps its owner and mode', async () => {
    const data = newData();
    mkdirSync(data, { mode: 0o755 });
    writeFileSync(join(data, 'thesis.txt'), 'years of work');
    await refused(command(['up', '--data', data]), 'has other files in it (thesis.txt)');
    expect(statSync(data).mode & 0o777).toBe(0o755);
    expect(readdirSync(data)).toEqual(['thesis.txt']);
    await refused(command(['up', '--data', join(data, 'thesis.txt', 'x')]), 'cannot be the data folder');
  });

  test('a path too long for sockets', async () => {
    const data = join(folder, 'a'.repeat(100));
    await refused(command(['up', '--data', data]), 'bytes too long', data);
  });

  test('a data folder that the users of gateway and guests cannot reach', async () => {
    const home = join(folder, 'home');
    mkdirSync(home, { mode: 0o700 });
    const data = join(home, 'n');
    await refused(command(['up', '--data', data]), `${home} lets its owner in only`, data);
  });

  test('a broken node.json', async () => {
    const data = newData();
    mkdirSync(data);
    writeFileSync(join(data, 'node.json'), '{"node": ');
    await refused(command(['up', '--data', data]), 'node.json is not JSON');
  });

  test('no space', async () => {
    const mount = join(folder, 'small');
    mkdirSync(mount);
    const script = `mount -t tmpfs -o size=64m none ${mount} && exec "$@"`;
    const inside = ['unshare', '--mount', 'sh', '-c', script, 'sh'];
    const args = [
      'up',
      '--data',
      join(mount, 'n'),
      '--listen',
      '127.0.0.1',
      '--port',
      String(await freePort()),
    ];
    await refused(command(args, {}, inside), 'MiB are free on the file system of');
  });

  test('no root', async () => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const data = newData();
    await refused(command(['up', '--data', data], {}, nobody), "'up' needs root: sudo", data);
    await refused(command(['down', '--data', data], {}, nobody), "'down' needs root");
    expect((await command(['status', '--data', data], {}, nobody)).code).toBe(3);
  });

  test.each([
    ['v18.19.0', 'found: v18.19.0'],
    ['v20.8.1', 'found: v20.8.1'],
  ])('Node.js %s', async (version, text) => {
    const bin = join(folder, `bin-${version}`);
    mkdirSync(bin);
    writeFileSync(join(bin, 'node'), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
    // Without apt-get on the path: the test must not install anything.
    for (const name of ['uname', 'id', 'readlink', 'dirname', 'dpkg-query']) {
      writeFileSync(join(bin, name), `#!/bin/sh\nexec /usr/bin/${name} "$@"\n`, { mode: 0o755 });
    }
    const data = newData();
    const outcome = command(['up', '--data', data], { PATH: bin });
    await refused(outcome, text, data);
    expect((await outcome).stderr).toContain('nodejs.org');
  });

  test('an unknown command', async () => {
    const { code, stderr } = await command(['nonsense']);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain('nonsense');
  });
});
