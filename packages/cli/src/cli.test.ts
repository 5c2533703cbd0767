/** Whole command lines against an HTTP server on a real Unix socket. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeDaemon } from './fake-daemon.ts';
import { runTest, type TestRun } from './test-support.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = new FakeDaemon();
  await daemon.open();
});
afterEach(() => daemon.close());

const run = (words: string, options: TestRun = {}) =>
  runTest(words.split(' ').filter(Boolean), { socket: daemon.socket, ...options });
const data = (value: unknown) => ({ body: { data: value } });

/** Waits until the server has seen a request for which `test` holds. */
async function seen(test: (path: string) => boolean): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (daemon.received.some((one) => test(one.path))) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`not seen; only ${daemon.received.map((one) => one.path).join(' ')}`);
}

describe('calls', () => {
  it('fills in the node, encodes the path and sends the rest as a form', async () => {
    daemon.handle = () => data(null);
    const result = await run('qm set 100 --memory 64 --delete net0 --delete net1');
    expect(result).toEqual({ code: 0, out: '', err: '' });
    const [request] = daemon.received;
    expect(request?.verb).toBe('PUT');
    expect(request?.path).toBe('/nodes/pve1/qemu/100/config');
    expect([...(request?.params ?? [])]).toEqual([
      ['memory', '64'],
      ['delete', 'net0'],
      ['delete', 'net1'],
    ]);
  });

  it('sends queries with GET and DELETE and takes the storage out of a volume id', async () => {
    daemon.handle = () => data(null);
    await run('pvesm free local:iso/a.iso');
    expect(daemon.received[0]?.path).toBe('/nodes/pve1/storage/local/content/local%3Aiso%2Fa.iso');
    const wrong = await run('pvesm free a.iso');
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain("'a.iso' is no volume id");
  });

  it('takes another node by option', async () => {
    daemon.handle = () => data([]);
    await run('qm list --node pve2 --full');
    expect(daemon.received[0]?.path).toBe('/nodes/pve2/qemu');
    expect(daemon.received[0]?.params.get('full')).toBe('1');
  });

  it('lists guests in the columns that scripts know', async () => {
    daemon.handle = () =>
      data([
        { vmid: 101, name: '旅館', status: 'running', maxmem: 2 ** 31, maxdisk: 2 ** 33, pid: 4711 },
        { vmid: 100, status: 'stopped', maxmem: 2 ** 29 },
      ]);
    const { out } = await run('qm list');
    expect(out).toBe(
      [
        'VMID  NAME  STATUS   MEM(MB)  BOOTDISK(GB)   PID',
        ' 100  -     stopped      512          0.00     0',
        ' 101  旅館  running     2048          8.00  4711',
        '',
      ].join('\n'),
    );
    expect((await run('qm list --noheader --limit 1')).out).toMatch(/^101 /);
  });

  it('shows containers and snapshots in the lines that scripts know', async () => {
    daemon.handle = () =>
      data([
        { vmid: 201, name: 'b', status: 'running', lock: 'backup' },
        { vmid: 200, status: 'stopped' },
      ]);

    expect((await run('pct list')).out).toBe(
      ['VMID  Status   Lock    Name', '200   stopped', '201   running  backup  b', ''].join('\n'),
    );
    const snaptime = Date.parse('2026-11-22T05:11:00') / 1000;
    daemon.handle = () =>
      data([
        { name: 'current', parent: 'late', description: 'You are here!' },
        { name: 'late', parent: 'early', snaptime: snaptime + 60, description: 'two\nlines' },
        { name: 'other', parent: 'early', snaptime: snaptime + 30 },
        { name: 'early', snaptime },
      ]);
    expect((await run('qm listsnapshot 100')).out).toBe(
      [
        '`-> early                      2026-11-22 05:11:00     no-description',
        ' `-> other                     2026-11-22 05:11:30     no-description',
        ' `-> late                      2026-11-22 05:12:00     two',
        '  `-> current                                          You are here!',
        '',
      ].join('\n'),
    );
  });

  it('writes JSON and YAML', async () => {
    daemon.handle = () => data({ digest: 'x', name: 'a: b' });
    expect((await run('qm config 100 --output-format json')).out).toBe('{"digest":"x","name":"a: b"}\n');
    expect((await run('qm config 100 -o yaml')).out).toBe('---\ndigest: x\nname: "a: b"\n');
    expect((await run('qm config 100')).out).toBe('name: a: b\n');
    expect((await run('qm config 100 --output-format xml')).code).toBe(2);
  });

  it('asks for passwords and reads keys from their file', async () => {
    daemon.handle = () => data(null);
    await run('qm create 100 --sshkeys /keys --cipassword', {
      readText: (path) => (path === '/keys' ? 'ssh-ed25519 AAAA me\n' : '{"node":"pve1"}'),
    });
    expect(daemon.received[0]?.params.get('cipassword')).toBe('secret');
    expect(daemon.received[0]?.params.get('sshkeys')).toBe('ssh-ed25519%20AAAA%20me');
  });
});

describe('errors', () => {
  it('shows the message and one line a parameter, with exit code 255', async () => {
    daemon.handle = () => ({
      status: 400,
      body: { data: null, message: 'Parameter verification failed.\n', errors: { memory: 'too much' } },
    });
    expect(await run('qm set 100 --memory 1')).toEqual({
      code: 255,
      out: '',
      err: 'Parameter verification failed.\nmemory: too much\n',
    });
  });

  it('shows the status line when there is no JSON', async () => {
    daemon.handle = () => ({ status: 401, body: 'x' });
    const { code, err } = await run('qm list');
    expect(code).toBe(255);
    expect(err).toBe('Unauthorized\n');
  });

  it('says that the connection broke', async () => {
    daemon.handle = () => {
      void daemon.stop();
      return undefined;
    };
    const { code, err } = await run('qm list');
    expect(code).toBe(1);
    expect(err).toMatch(/The node closed the connection/);
  });
});

describe('tasks', () => {
  const start = () => {
    const upid = daemon.upid();
    daemon.handle = () => data(upid);
    return upid;
  };

  it('streams the log and ends with the task', async () => {
    const upid = start();
    daemon.log(upid, 'before');
    let out = '';
    const running = run('qm start 100', {
      out: (text) => {
        out += text;
      },
    });
    await seen((path) => path === '/cluster/events');
    await seen((path) => path.endsWith('/log'));
    daemon.log(upid, 'line 2');
    await expect.poll(() => out, { timeout: 3000 }).toBe('before\nline 2\n');
    daemon.end(upid, 'OK');
    expect((await running).code).toBe(0);
    expect(out).toBe('before\nline 2\n');
  });

  it('needs no polling to notice the end', async () => {
    const upid = start();
    const running = run('qm start 100');
    await seen((path) => path === '/cluster/events');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = Date.now();
    daemon.end(upid, 'OK');
    await running;
    // Polling alone would look again after 5 s.
    expect(Date.now() - before).toBeLessThan(3000);
    expect(daemon.received.filter((one) => one.path.endsWith('/status')).length).toBeLessThan(5);
  });

  it('fails as the task fails, the reason on stderr', async () => {
    const upid = start();
    daemon.log(upid, 'trying');
    daemon.end(upid, 'no such disk');
    expect(await run('qm start 100')).toEqual({ code: 255, out: 'trying\n', err: 'no such disk\n' });
  });

  it('succeeds with warnings', async () => {
    const upid = start();
    daemon.end(upid, 'WARNINGS: 2');
    const { code, err } = await run('qm start 100');
    expect(code).toBe(0);
    expect(err).toBe('The task ended with WARNINGS: 2\n');
  });

  it('works without an event stream', async () => {
    daemon.hasEvents = false;
    const upid = start();
    const running = run('qm start 100');
    await seen((path) => path.endsWith('/status'));
    daemon.log(upid, 'a');
    daemon.end(upid, 'OK');
    expect(await running).toEqual({ code: 0, out: 'a\n', err: '' });
  });

  it('waits for a daemon that restarts', async () => {
    const upid = start();
    daemon.log(upid, 'a');
    const running = run('qm start 100');
    await seen((path) => path.endsWith('/log'));
    await daemon.stop();
    await new Promise((resolve) => setTimeout(resolve, 300));
    daemon.log(upid, 'b');
    daemon.end(upid, 'OK');
    await daemon.open();
    expect(await running).toEqual({ code: 0, out: 'a\nb\n', err: '' });
  });

  it('stops the task at the first Ctrl-C and leaves it alone at the second', async () => {
    const upid = start();
    let interrupt = () => {};
    const onInterrupt = (handler: () => void) => {
      interrupt = handler;
      return () => {};
    };
    const running = run('qm start 100', { onInterrupt });
    await seen((path) => path.endsWith('/status'));
    interrupt();
    const stopped = await running;
    expect(stopped.code).toBe(255);
    expect(stopped.err).toBe(
      'Stopping the task. Press Ctrl-C again to leave it running.\ninterrupted by signal\n',
    );
    expect(
      daemon.received.some((one) => one.verb === 'DELETE' && one.path.includes(encodeURIComponent(upid))),
    ).toBe(true);
    const watched = start();
    const following = run(`pvenode task follow ${watched}`, { onInterrupt });
    await seen((path) => path.includes(encodeURIComponent(watched)));
    interrupt();
    const left = await following;
    expect(left.code).toBe(130);
    expect(left.err).toContain('The task goes on.');
    expect(daemon.tasks.get(watched)?.exitstatus).toBeUndefined();
  });

  it('keeps stdout for the result in JSON, and prints the UPID alone with --detach', async () => {
    const upid = start();
    expect((await run('qm start 100 --detach')).out).toBe(`${upid}\n`);
    daemon.log(upid, 'a');
    daemon.end(upid, 'OK');
    expect(await run('qm start 100 -o json')).toEqual({ code: 0, out: `"${upid}"\n`, err: 'a\n' });
    expect(await run('qm start 100 --quiet')).toEqual({ code: 0, out: '', err: '' });
  });

  it('draws progress on a terminal only', async () => {
    const upid = start();
    let err = '';
    const running = run('qm start 100', {
      stderrIsTerminal: true,
      columns: 80,
      err: (text) => {
        err += text;
      },
    });
    await seen((path) => path === '/cluster/events');
    daemon.progress(upid, 0.427, 'copying');
    await expect.poll(() => err, { timeout: 3000 }).toBe(' 42 % copying');
    daemon.log(upid, 'half');
    await expect.poll(() => err, { timeout: 3000 }).toBe(' 42 % copying\r\x1b[K 42 % copying');
    daemon.end(upid, 'OK');
    expect(await running).toMatchObject({ code: 0, out: 'half\n' });
    expect(err).toBe(' 42 % copying\r\x1b[K 42 % copying\r\x1b[K');
  });
});

describe('pvesh', () => {
  it('reads a path as a table of its schema', async () => {
    daemon.handle = () => data([{ node: 'pve1', status: 'online', maxmem: 2 ** 30 }]);
    const { out } = await run('pvesh get /nodes');
    expect(out).toContain('│ node │ status │   maxmem │');
    expect(out).toContain('│ pve1 │ online │ 1.00 GiB │');
    expect((await run('pvesh get /nodes --noborder --noheader --human-readable 0')).out).toBe(
      'pve1  online  1073741824\n',
    );
  });

  it('takes parameters that are not in the path, and localhost for this node', async () => {
    daemon.handle = () => data(null);
    await run('pvesh set /nodes/localhost/qemu/100/config --memory 5');
    expect(daemon.received[0]?.path).toBe('/nodes/pve1/qemu/100/config');
    const wrong = await run('pvesh set /nodes/pve1/qemu/100/config --vmid 5');
    expect(wrong.code).toBe(2);
    const missing = await run('pvesh create /nodes/pve1/qemu');
    expect(missing.err).toContain('missing: --vmid');
  });

  it('follows a task and then prints its UPID', async () => {
    const upid = daemon.upid();
    daemon.handle = () => data(upid);
    daemon.log(upid, 'a');
    daemon.end(upid, 'OK');
    expect((await run('pvesh create /nodes/pve1/qemu/100/status/start')).out).toBe(`a\n${upid}\n`);
  });

  it('lists fixed and listed children with what they can do', async () => {
    daemon.handle = ({ path }) => data(path.endsWith('/qemu') ? [{ vmid: 100 }, { vmid: 101 }] : []);
    expect((await run('pvesh ls /nodes/pve1/qemu')).out).toBe('D----      100\nD----      101\n');
    expect((await run('pvesh ls /nodes/pve1/qemu/100')).out).toBe(
      'D----      agent\n-rw--      config\n--w--      resize\n-r---      snapshot\nD----      status\n',
    );
    expect((await run('pvesh ls /nothing')).code).toBe(255);
  });
});

describe('other names', () => {
  it('knows aliases, groups below ryokan and the old form of agent commands', async () => {
    daemon.handle = () => data([]);
    await run('ryokan --data /data qm list');
    await run('qm --data=/data list');
    expect(daemon.received.map((one) => one.path)).toEqual(['/nodes/pve1/qemu', '/nodes/pve1/qemu']);
    daemon.handle = () => data({ result: {} });
    for (const words of ['qm agent 100 ping', 'qm guest cmd 100 ping']) {
      expect(await run(words)).toEqual({ code: 0, out: '', err: '' });
      expect(daemon.received.at(-1)?.path).toBe('/nodes/pve1/qemu/100/agent/ping');
    }
  });

  it('prints events as lines', async () => {
    const running = run('ryokan events --limit 1');
    await seen((path) => path === '/cluster/events');
    await new Promise((resolve) => setTimeout(resolve, 50));
    daemon.publish('resource', { id: 'qemu/100' });
    expect(await running).toEqual({
      code: 0,
      out: '{"event":"resource","data":{"id":"qemu/100"}}\n',
      err: '',
    });
  });
});
