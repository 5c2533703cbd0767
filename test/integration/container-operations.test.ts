/**
 * What is done to a container that runs, and what goes wrong with it: mount points plugged in and out, suspended and
 * resumed, hook scripts, consoles, an init that does not listen, processes that are killed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import { openTerminal } from '../lib/console-client.ts';
import { busyboxTemplate, type ContainerLab, openContainerLab } from '../lib/containers.ts';
import { editStored } from '../lib/edit-stored.ts';
import { killWorker } from '../lib/kill-worker.ts';
import { sleep, waitFor } from '../lib/wait.ts';

let lab: ContainerLab;
const inside = (command: string) => lab.inside(400, command);
const state = (vmid = 400) =>
  lab.admin.get<{ status: string; frozen?: number; pid?: number }>(lab.path(vmid, '/status/current'));
const eventually = <T>(what: string, look: () => Promise<T | false> | T | false) =>
  waitFor<T>(look, { timeout: 60, what });
const pending = async () =>
  (await lab.admin.get<{ key: string; pending?: string; delete?: number }[]>(lab.path(400, '/pending')))
    .filter((row) => row.pending !== undefined || row.delete !== undefined)
    .map(({ key }) => key);

beforeAll(async () => {
  lab = await openContainerLab('ct4', { natBridge: false });
  const snippets = join(lab.node.dataDir, 'storage/snippets');
  await mkdir(snippets, { recursive: true });
  await writeFile(join(snippets, 'hook.sh'), `#!/bin/sh\necho "$1 $2" >> ${lab.node.dataDir}/hooks\n`);
  await chmod(join(snippets, 'hook.sh'), 0o755);
  await lab.create(400, { memory: 64, tty: 3 });
  await lab.node.cli('pct', 'set', '400', '--hookscript', 'local:snippets/hook.sh');
  await lab.power(400, 'start');
});
afterAll(() => lab?.close());

test('free and uptime inside are those of the container, also on a node without systemd', async () => {
  const [, total] = /^MemTotal: +(\d+) kB$/m.exec(await inside('cat /proc/meminfo')) ?? [];
  expect(Number(total)).toBe(64 * 1024);
  expect(Number((await inside('cat /proc/uptime')).split(' ')[0])).toBeLessThan(600);
  expect(readFileSync('/proc/self/mountinfo', 'utf8').match(/ - fuse\.lxcfs /g)).toHaveLength(1);
});

test('a template cannot be built of a mirror that does not answer, and the answer says what to do', async () => {
  const words = ['template', 'build', 'debian', '--mirror', 'http://127.0.0.1:9/debian'];
  const { stdout, stderr } = await lab.node.cliWith({ okCodes: [255] }, ...words);
  expect(stdout + stderr).toMatch(/127\.0\.0\.1:9\/debian does not answer.*--mirror/s);
  const left = (await readdir(join(lab.node.dataDir, 'run'))).filter((name) => name.startsWith('.staging'));
  expect(left).toEqual([]);
});

test('mount points come and go while it runs; what is busy waits', async () => {
  await lab.set(400, { mp0: 'local:0.05,mp=/srv/some data/here' });
  expect(await pending()).toEqual([]);
  expect(await inside('echo x > "/srv/some data/here/file"; stat -c %u "/srv/some data/here"')).toBe('0');
  const holder = inside('cd "/srv/some data/here" && touch ready && while [ -e ready ]; do sleep 0.2; done');
  await eventually('somebody in the folder', async () =>
    (await inside('ls "/srv/some data/here"')).includes('ready'),
  );
  await expect(lab.set(400, { delete: 'mp0' })).rejects.toThrow(/hotplug problem - .* is in use/);
  expect(await pending()).toEqual(['mp0']);
  await inside('rm "/srv/some data/here/ready"');
  await holder;
  await lab.set(400, { delete: 'mp0' });
  expect(await pending()).toEqual([]);
  const { unused0 } = await lab.config(400);
  expect(await inside('ls -A "/srv/some data/here"')).toBe('');
  await lab.set(400, { mp1: `${unused0},mp=/again` });
  expect(await inside('cat /again/file')).toBe('x');
  await lab.set(400, { delete: 'mp1' });
  await lab.set(400, { delete: 'unused0' });
  expect((await run('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'])).stdout).not.toContain(
    'vm-400-disk-1',
  );
});

test('directories of the node too; what shall be read-only is so for its root, before and after a start', async () => {
  const shared = join(lab.node.dataDir, 'shared');
  await mkdir(shared);
  await writeFile(join(shared, 'note'), 'from the node\n');
  const set = (...args: string[]) => lab.node.cli('pct', 'set', '400', ...args);
  await set('--mp0', `${shared},mp=/mnt/shared`);
  expect(await inside('cat /mnt/shared/note')).toBe('from the node');
  await set('--mp0', `${shared},mp=/mnt/shared,ro=1`);
  expect(await pending()).toEqual([]);
  const tryToWrite = async () => {
    await inside(
      'mount -o remount,bind,rw /mnt/shared; mkdir -p /mnt/x; mount -o bind /mnt/shared /mnt/x && mount -o remount,bind,rw /mnt/x || true',
    );
    await expect(inside('echo x > /mnt/shared/note')).rejects.toThrow('Read-only');
    await expect(inside('echo x > /mnt/x/note')).rejects.toThrow('Read-only');
    await inside('umount /mnt/x');
  };
  await tryToWrite();
  await lab.power(400, 'reboot', { timeout: 30 });
  await tryToWrite();
  await set('--delete', 'mp0');
  expect(await pending()).toEqual([]);
  expect(readFileSync(join(shared, 'note'), 'utf8')).toBe('from the node\n');
});

test('a link in its tree leads a mount nowhere but into its tree', async () => {
  await inside('rm -rf /srv/out; mkdir -p /srv /deep; ln -s /../../../deep /srv/out');
  await lab.set(400, { mp2: 'local:0.05,mp=/srv/out/x' });
  expect(await inside('ls -d /deep/x/lost+found')).toBe('/deep/x/lost+found');
  expect(existsSync('/deep')).toBe(false);
  await lab.set(400, { delete: 'mp2' });
  expect(await inside('ls -A /deep/x')).toBe('');
});

test('suspended it stands still and is `paused`; resumed it goes on; shut down it is resumed first', async () => {
  await inside('(while :; do echo >> /ticks; sleep 0.1; done) > /dev/null 2>&1 &');
  const ticks = () => readFileSync(`/proc/${pid}/root/ticks`).length;
  const { pid } = await state();
  await eventually('a first tick', () => existsSync(`/proc/${pid}/root/ticks`));
  await lab.power(400, 'suspend');
  expect(await state()).toMatchObject({ status: 'running', frozen: 1 });
  const rows = await lab.admin.get<{ id: string; status: string }[]>('/cluster/resources');
  expect(rows.find(({ id }) => id === 'lxc/400')?.status).toBe('paused');
  const before = ticks();
  await expect(lab.power(400, 'suspend')).rejects.toThrow('suspended already');
  await lab.node.down();
  await lab.node.up();
  lab.admin = await lab.node.admin();
  expect(ticks()).toBe(before);
  expect(await state()).toMatchObject({ status: 'running', frozen: 1 });
  await lab.node.cli('pct', 'resume', '400');
  await eventually('a further tick', () => ticks() > before);
  expect((await state()).frozen).toBeUndefined();
  await expect(lab.power(400, 'resume')).rejects.toThrow('not suspended');
  await lab.power(400, 'suspend');
  await lab.power(400, 'shutdown', { timeout: 30 });
  expect(await lab.leftovers(400)).toEqual([]);
});

test('hook scripts hear of every phase', async () => {
  const phases = () => readFileSync(join(lab.node.dataDir, 'hooks'), 'utf8').trim().split('\n').slice(-4);
  expect(phases()).toEqual(['pre-start', 'post-start', 'pre-stop', 'post-stop'].map((one) => `400 ${one}`));
  const script = join(lab.node.dataDir, 'storage/snippets/hook.sh');
  await writeFile(script, '#!/bin/sh\n[ "$2" != pre-start ] || { echo not today; exit 3; }\n');
  await expect(lab.power(400, 'start')).rejects.toThrow('hook');
  expect(await lab.leftovers(400)).toEqual([]);
  await lab.node.cli('pct', 'set', '400', '--delete', 'hookscript');
});

test('consoles: a terminal each up to `tty`, /dev/console, a shell', async () => {
  await lab.set(400, { cmode: 'shell' });
  await lab.power(400, 'start');
  expect(await inside('ls /dev | grep -c "^tty[0-9]"')).toBe('3');
  const shell = await openTerminal(lab.admin, lab.path(400));
  await shell.shows(/# /, 30);
  await shell.answers('echo $((6*7)) $(id -u)', /42 0/);
  shell.close();
  await lab.set(400, { cmode: 'console' });
  const terminal = await openTerminal(lab.admin, lab.path(400));
  await inside('echo hello from inside > /dev/console');
  await terminal.shows(/hello from inside/, 30);
  terminal.close();
  await lab.set(400, { cmode: 'tty' });
  const tty = await openTerminal(lab.admin, lab.path(400));
  await eventually('a word on a terminal', async () => {
    await inside('for t in 1 2 3; do echo on terminal $t > /dev/tty$t; done');
    return /on terminal [123]/.test(tty.output);
  });
  tty.close();
});

test('with nesting a runtime inside may mount /proc; what is not possible is said', async () => {
  const nested = 'busybox unshare -U -r -m -p -f sh -c "mount -t proc proc /proc && ls -d /proc/1" || true';
  expect(await inside(nested)).toBe('');
  await lab.node.cli('pct', 'set', '400', '--features', 'nesting=1,fuse=1,mknod=1');
  await lab.power(400, 'stop');
  const { log } = await lab.admin.run('POST', lab.path(400, '/status/start'));
  expect(log.join('\n')).toContain('mknod is not possible here');
  expect(await inside(nested)).toContain('/proc/1');
  expect(await inside('ls /dev/fuse')).toBe('/dev/fuse');
  await expect(inside('busybox mknod /tmp/null c 1 3')).rejects.toThrow('not permitted');
});

test('a document edited into nonsense: it can be paused and stopped, and is repaired by what the error says', async () => {
  const path = `nodes/${lab.node.name}/lxc/400.conf`;
  await editStored(lab.node, path, (text) => `what is this\n${text}`);
  const { error } = await eventually('the damage', async () => {
    const now = await lab.admin.get<{ error?: string }>(lab.path(400, '/status/current'));
    return now.error !== undefined && now;
  });
  const document = `/nodes/${lab.node.name}/lxc/400/document`;
  expect(error).toMatch(`pvesh get ${document}`);
  await lab.power(400, 'suspend');
  await lab.power(400, 'resume');
  await lab.power(400, 'stop');
  await expect(lab.power(400, 'start')).rejects.toThrow('is damaged: line 1');
  const read = ['pvesh', 'get', document, '--output-format', 'json'];
  const { text, problems } = JSON.parse((await lab.node.cli(...read)).stdout) as {
    text: string;
    problems: unknown;
  };
  expect(problems).toEqual([{ line: 1, problem: "'what is this' is not 'key: value'" }]);
  const good = text.replace('what is this\n', '');
  const by = (session: typeof lab.admin, to: string) => session.answer('PUT', document, { text: to });
  expect((await by(lab.admin, 'still: not\nright')).reason).toMatch(/nothing was changed: line 2/);
  expect((await by(lab.admin, `${good}mp9: /etc,mp=/x\n`)).reason).toMatch(/only root/);
  await lab.node.cli('pvesh', 'set', document, '--text', good);
  expect((await by(lab.admin, good)).reason).toMatch(/CT 400 is not damaged/);
  await lab.power(400, 'start');
});

test('an init that does not listen: a shutdown says so, can be overruled, and stop ends it', async () => {
  await inside('echo "trap \'\' PWR TERM" > /etc/rc.local');
  await lab.power(400, 'reboot', { timeout: 30 });
  await expect(lab.power(400, 'shutdown', { timeout: 1 })).rejects.toThrow('did not shut down within 1 s');
  const waiting = lab.admin.call<string>('POST', lab.path(400, '/status/shutdown'), { timeout: 300 });
  const upid = await waiting;
  await lab.power(400, 'stop', { 'overrule-shutdown': 1 });
  expect((await lab.admin.taskEnd(upid)).exitstatus).not.toBe('OK');
  expect(await lab.leftovers(400)).toEqual([]);
  await lab.power(400, 'start');
  await lab.power(400, 'shutdown', { timeout: 1, forceStop: 1 });
  expect((await state()).status).toBe('stopped');
});

/** Kills the worker of a task, some milliseconds after its beginning. */
async function breakOff(upid: string, wait: number): Promise<void> {
  await sleep(wait);
  await killWorker(upid);
  await lab.admin.taskEnd(upid);
}

test('a worker that is killed in the middle of a start leaves nothing, and the next start works', async () => {
  await lab.create(401);
  for (const wait of [20, 60, 150]) {
    await breakOff(await lab.admin.call<string>('POST', lab.path(401, '/status/start')), wait);
    let left: string[] = [];
    await waitFor(
      async () => {
        left = await lab.leftovers(401);
        return (await state(401)).status === 'running' || left.length === 0;
      },
      { timeout: 60, what: () => `nothing left; now: ${left.join(', ')}` },
    );
    if ((await state(401)).status === 'running') await lab.power(401, 'stop');
  }
  await lab.power(401, 'start');
  expect((await state(401)).status).toBe('running');
});

test('nor does one in the middle of a creation: no mount, no volume, no VMID taken', async () => {
  const volumes = join(lab.node.dataDir, 'storage/images/402');
  for (const wait of [50, 120, 250]) {
    const params = { vmid: 402, ostemplate: busyboxTemplate, rootfs: 'local:0.1' };
    const upid = await lab.admin.call<string>('POST', `${lab.node.path}/lxc`, params);
    await breakOff(upid, wait);
    if ((await lab.admin.taskEnd(upid)).exitstatus === 'OK') {
      await lab.admin.run('DELETE', lab.path(402));
    }
    await eventually(
      'nothing',
      async () =>
        (await lab.leftovers(402)).length === 0 && (await readdir(volumes).catch(() => [])).length === 0,
    );
    await eventually('a free VMID', () =>
      lab.config(402).then(
        () => false,
        () => true,
      ),
    );
  }
});

test('suspended it ends as well: stopped, and when its monitor is killed', async () => {
  await lab.power(401, 'suspend');
  await lab.power(401, 'stop');
  expect(await lab.leftovers(401)).toEqual([]);
  await lab.power(401, 'start');
  await lab.power(401, 'suspend');
  process.kill(await lab.monitor(401), 'SIGKILL');
  await lab.cleanedUp(401);
});

test('a file system that no container uses can be unmounted while they run; a directory keeps what is mounted in it', async () => {
  const node = join(lab.node.dataDir, 'mounts');
  const image = join(lab.node.dataDir, 'image');
  await writeFile(image, '');
  await truncate(image, 16 * 1024 ** 2);
  await run('mkfs.ext4', ['-q', image]);
  await mkdir(node);
  await run('mount', ['-t', 'tmpfs', 'tmpfs', node]);
  try {
    // As systemd makes all mounts.
    await run('mount', ['--make-shared', node]);
    for (const path of ['disk', 'used/inner one']) await mkdir(join(node, path), { recursive: true });
    await run('mount', ['-o', 'loop', image, join(node, 'disk')]);
    await run('mount', ['-t', 'tmpfs', 'tmpfs', join(node, 'used/inner one')]);
    await writeFile(join(node, 'used/inner one/file'), 'inner\n');
    await lab.node.cli('pct', 'set', '401', '--mp0', `${node}/used,mp=/used,shared=1,ro=1`);
    await lab.power(401, 'start');
    await run('umount', [join(node, 'disk')]);
    expect((await run('losetup', ['--associated', image])).stdout).toBe('');
    await run('umount', [join(node, 'used/inner one')]);
    await run('mount', ['-t', 'tmpfs', 'tmpfs', join(node, 'used')]);
    expect(await lab.inside(401, 'cat "/used/inner one/file"')).toBe('inner');
    // What comes later can be plugged in, nevertheless.
    await run('mount', ['-o', 'loop', image, join(node, 'disk')]);
    await lab.node.cli('pct', 'set', '401', '--mp1', `${node}/disk,mp=/disk`);
    expect(await lab.inside(401, 'ls /disk')).toBe('lost+found');
    await lab.power(401, 'stop');
  } finally {
    await run('umount', ['--recursive', node]);
  }
  expect((await run('losetup', ['--associated', image])).stdout).toBe('');
});
