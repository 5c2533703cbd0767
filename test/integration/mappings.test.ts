/** What administrators lend out by name: devices and directories of nodes, CPU models; and what a node has for guests. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import type { Parameters } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;
/** PVEVMAdmin on all guests, and nothing lent at first. */
let operator: ApiSession;
let initrd: { kernel: string; initrd: string };
let shared: string;

beforeAll(async () => {
  initrd = await buildTinyGuest(testCacheDir());
  node = await startNode();
  admin = await node.admin();
  shared = await mkdtemp(join('/tmp', 'ryokan-share-'));
  const password = 'a-long-password';
  await admin.call('POST', '/access/users', { userid: 'operator@pve', password });
  await admin.call('PUT', '/access/acl', { path: '/vms', roles: 'PVEVMAdmin', users: 'operator@pve' });
  operator = await logIn(node.url, 'operator@pve', password);
});
afterAll(async () => {
  operator?.close();
  await node?.stop();
  if (shared) await rm(shared, { recursive: true });
});

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const create = (vmid: number, params = {}) =>
  admin.run('POST', `${node.path}/qemu`, { vmid, memory: 64, ...params });
const act = (vmid: number, action: string) => admin.run('POST', qemu(vmid, `/status/${action}`));
const put = (session: ApiSession, vmid: number, values: Parameters) =>
  session.answer('PUT', qemu(vmid, '/config'), values);
const lend = (path: string, roles = 'PVEMappingUser') =>
  admin.call('PUT', '/access/acl', { path, roles, users: 'operator@pve' });
const commandLine = async (vmid: number) =>
  (await readFile(`/proc/${await node.guestPid(vmid)}/cmdline`, 'utf8')).split('\0');

/** Starts a guest that cannot start; gives why. */
async function failedStart(vmid: number): Promise<string> {
  const upid = await admin.call<string>('POST', qemu(vmid, '/status/start'));
  return (await admin.taskEnd(upid)).exitstatus;
}

interface Row {
  readonly id: string;
  readonly map: string[];
  readonly description?: string;
  readonly digest?: string;
  readonly mdev?: number;
}

describe.each([
  ['pci', 'path=0000:77:00.0,id=10de:1bb3', { mdev: 1, 'live-migration-capable': 1 }],
  ['usb', 'id=046d:c52b,path=1-2.3', {}],
  ['dir', 'path=/no/such/folder', {}],
] as const)('a %s mapping', (kind, device, options) => {
  const base = `/cluster/mapping/${kind}`;
  const entry = () => `node=${node.name},${device}`;

  test('is made, shown, changed and removed', async () => {
    const description = `旅館, 100 %\n${kind}`;
    await admin.call('POST', base, { id: 'one', description, map: [entry()], ...options });
    const made = await admin.get<Row>(`${base}/one`);
    expect(made).toMatchObject({ id: 'one', description, map: [entry()], ...options });
    expect(await admin.get(base)).toEqual([made]);
    const again = await admin.answer('POST', base, { id: 'one', map: [entry()] });
    expect([again.status, again.reason]).toEqual([500, expect.stringMatching(/'one' already defined/)]);
    await admin.call('PUT', `${base}/one`, { description: 'other', digest: made.digest ?? '' });
    const stale = await admin.answer('PUT', `${base}/one`, { description: 'x', digest: made.digest ?? '' });
    expect(stale.reason).toMatch(/^detected modified configuration/);
    await admin.call('PUT', `${base}/one`, { map: [entry().replace(node.name, 'elsewhere')] });
    await admin.call('PUT', `${base}/one`, { delete: 'description' });
    const changed = await admin.get<Row>(`${base}/one`);
    expect(changed.map).toEqual([entry().replace(node.name, 'elsewhere')]);
    expect(changed).not.toHaveProperty('description');
    await admin.call('DELETE', `${base}/one`);
    expect(await admin.get(base)).toEqual([]);
    for (const verb of ['GET', 'PUT', 'DELETE'] as const) {
      const gone = await admin.answer(verb, `${base}/one`);
      expect([gone.status, gone.reason]).toEqual([500, expect.stringMatching(/'one' not found.*not exist/)]);
    }
  });

  test('is refused when it says nothing or nonsense', async () => {
    const status = async (verb: 'POST' | 'PUT', path: string, params: Record<string, string | string[]>) =>
      (await admin.answer(verb, path, params)).status;
    expect(await status('POST', base, { id: 'two' })).toBe(400);
    expect(await status('POST', base, { id: '2', map: [entry()] })).toBe(400);
    expect(await status('POST', base, { id: 'two', map: ['node=x'] })).toBe(400);
    expect(await status('POST', base, { id: 'two', map: [entry(), `${entry()},nonsense=1`] })).toBe(400);
    await admin.call('POST', base, { id: 'two', map: [entry()] });
    expect(await status('PUT', `${base}/two`, { delete: 'map' })).toBe(400);
    expect(await status('PUT', `${base}/two`, { delete: 'nonsense' })).toBe(400);
    await admin.call('DELETE', `${base}/two`);
  });

  test('is seen by those who may, with what is wrong with it on this node', async () => {
    await admin.call('POST', base, { id: 'mine', map: [entry()] });
    await admin.call('POST', base, { id: 'other', map: [entry().replace(node.name, 'elsewhere')] });
    expect(await operator.get(base)).toEqual([]);
    await lend(`/mapping/${kind}/mine`);
    expect((await operator.get<Row[]>(base)).map(({ id }) => id)).toEqual(['mine']);
    expect((await operator.get<Row>(`${base}/mine`)).id).toBe('mine');
    expect((await operator.answer('GET', `${base}/other`)).status).toBe(403);
    expect((await operator.answer('PUT', `${base}/mine`, { description: 'x' })).status).toBe(403);
    const rows = await admin.get<Record<string, unknown>[]>(base, { 'check-node': node.name });
    const problems = rows.map((row) => row[kind === 'usb' ? 'error' : 'checks']);
    expect(problems).toEqual([
      [{ severity: 'error', message: expect.stringMatching(/no (PCI|USB) device|does not exist/) }],
      [{ severity: 'warning', message: `no mapping for node ${node.name}` }],
    ]);
    expect((await admin.answer('GET', base, { 'check-node': 'elsewhere' })).status).toBe(400);
  });
});

test('directories: the kinds of mappings, of hardware and of capabilities', async () => {
  const names = async (path: string, key = 'name') =>
    (await admin.get<Record<string, string>[]>(path)).map((row) => row[key]);
  expect(await names('/cluster/mapping')).toEqual(['dir', 'pci', 'usb']);
  expect(await names('/cluster/qemu')).toEqual(['cpu-flags', 'custom-cpu-models']);
  expect(await names(`${node.path}/hardware`, 'type')).toEqual(['pci', 'usb']);
  expect(await names(`${node.path}/hardware/pci/0000:00:00.0`, 'method')).toEqual(['mdev']);
  expect(await names(`${node.path}/capabilities`)).toEqual(['qemu']);
  expect(await names(`${node.path}/capabilities/qemu`)).toEqual([
    'cpu',
    'cpu-flags',
    'machines',
    'migration',
  ]);
});

describe('a guest with lent devices', () => {
  test('names them only with the right to use them', async () => {
    await create(100);
    const values = {
      usb0: 'mapping=mine',
      hostpci0: 'mapping=mine',
      virtiofs0: 'mine',
      cpu: 'custom-fast',
    };
    for (const [key, value] of Object.entries(values)) {
      const kind = { usb0: 'usb', hostpci0: 'pci', virtiofs0: 'dir', cpu: 'cpu' }[key];
      const path = `/mapping/${kind}/${key === 'cpu' ? 'fast' : 'mine'}`;
      await admin.call('PUT', '/access/acl', {
        ...{ path, roles: 'PVEMappingUser', users: 'operator@pve', delete: 1 },
      });
      const refused = await put(operator, 100, { [key]: value });
      expect([refused.status, refused.reason]).toEqual([
        403,
        `Permission check failed (${path}, Mapping.Use)`,
      ]);
      await lend(path);
      expect([key, (await put(operator, 100, { [key]: value })).status]).toEqual([key, 200]);
    }
    // What root alone gives away.
    for (const value of [{ usb1: 'host=1-2' }, { hostpci1: '0000:00:02.0' }]) {
      expect((await put(operator, 100, value)).reason).toMatch(/^only root can set/);
    }
    await admin.call('PUT', '/access/acl', {
      ...{ path: '/mapping/dir/mine', roles: 'PVEMappingUser', users: 'operator@pve', delete: 1 },
    });
    const clone = await operator.answer('POST', qemu(100, '/clone'), { newid: 101 });
    expect(clone.reason).toBe('Permission check failed (/mapping/dir/mine, Mapping.Use)');
  });

  test('says at its start what is wrong with each', async () => {
    expect(await failedStart(100)).toMatch(/Custom cputype 'fast' not found/);
    await put(admin, 100, { delete: 'cpu' });
    expect(await failedStart(100)).toMatch(
      /usb0: mapping 'mine' cannot be used: no USB device in port 1-2.3/,
    );
    await put(admin, 100, { delete: 'usb0' });
    expect(await failedStart(100)).toMatch(
      /hostpci0: mapping 'mine' cannot be used: no PCI device at 0000:77:00/,
    );
    await put(admin, 100, { delete: 'hostpci0' });
    expect(await failedStart(100)).toMatch(/virtiofs0: mapping 'mine' cannot be used: .*does not exist/);
    await put(admin, 100, { virtiofs0: 'other' });
    expect(await failedStart(100)).toMatch(/virtiofs0: mapping 'other' .* no entry for node test1/);
  });

  test('reads and writes a shared directory, whose server ends with it', async () => {
    await writeFile(join(shared, 'from-host'), 'hello 旅館');
    await admin.call('PUT', '/cluster/mapping/dir/mine', { map: [`node=${node.name},path=${shared}`] });
    const args = `-kernel ${initrd.kernel} -initrd ${initrd.initrd} -append 'console=ttyS0 quiet'`;
    await node.cli('qm', 'set', '100', '--virtiofs0', 'mine', '--serial0', 'socket', '--args', args);
    await put(admin, 100, { memory: '128' });
    await act(100, 'start');
    const pidFile = join(node.dataDir, 'run/qemu/100.vfs0-pid');
    const server = Number.parseInt(await readFile(pidFile, 'utf8'), 10);
    await inGuest(
      100,
      'mkdir /s; mount -t virtiofs mine /s; cat /s/from-host > /s/from-guest; umount /s; echo do""ne',
    );
    expect(await readFile(join(shared, 'from-guest'), 'utf8')).toBe('hello 旅館');
    // The tiny guest takes these keys for an order to start again.
    const again = serial(100);
    await node.cli('qm', 'sendkey', '100', 'ctrl-alt-delete');
    await again.shows(/ready boot=/);
    again.close();
    await act(100, 'stop');
    await waitFor(
      async () =>
        (await readFile(`/proc/${server}/stat`, 'utf8').catch(() => 'Z')).includes('Z') ? true : undefined,
      {
        timeout: 10,
        what: 'the end of virtiofsd',
      },
    );
    await expect(readFile(pidFile)).rejects.toThrow(/ENOENT/);
  });
});

/** The serial port of a guest from now on. */
function serial(vmid: number) {
  const socket = connect(node.guestSocket(vmid, 'serial0'));
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('utf8');
  });
  const shows = (pattern: RegExp) =>
    waitFor(async () => pattern.test(text), {
      timeout: 240,
      what: () => `${pattern} in ${JSON.stringify(text.slice(-400))}`,
    });
  return { type: (line: string) => socket.write(`${line}\n`), shows, close: () => socket.destroy() };
}

/** Types a command into the root shell on the serial port once the guest is up, and waits for its `done`. */
async function inGuest(vmid: number, command: string): Promise<void> {
  const port = serial(vmid);
  await port.shows(/ready boot=/);
  port.type(`\n${command}`);
  await port.shows(/\bdone\b/);
  port.close();
}

describe('custom CPU models', () => {
  const models = '/cluster/qemu/custom-cpu-models';

  test('are made, shown, changed and removed', async () => {
    await admin.call('POST', models, { cputype: 'fast', 'reported-model': 'qemu64', flags: '+aes;-svm' });
    const made = await admin.get<Record<string, unknown>>(`${models}/fast`);
    expect(made).toMatchObject({ cputype: 'custom-fast', 'reported-model': 'qemu64', flags: '+aes;-svm' });
    const again = await admin.answer('POST', models, { cputype: 'custom-fast', 'reported-model': 'max' });
    expect([again.status, again.reason]).toEqual([500, expect.stringMatching(/'fast' already exists/)]);
    const changes = { hidden: 1, level: 13, 'phys-bits': '40', digest: String(made.digest) };
    await admin.call('PUT', `${models}/custom-fast`, changes);
    expect((await admin.answer('PUT', `${models}/fast`, changes)).reason).toMatch(/^detected modified/);
    expect((await admin.answer('PUT', `${models}/fast`, { delete: 'reported-model' })).status).toBe(400);
    await admin.call('PUT', `${models}/fast`, { delete: 'hidden' });
    const [row, ...more] = await admin.get<Record<string, unknown>[]>(models);
    expect(more).toEqual([]);
    expect(row).toMatchObject({ cputype: 'custom-fast', level: 13, 'phys-bits': '40' });
    expect(row).not.toHaveProperty('hidden');
    expect((await admin.answer('POST', models, { cputype: 'x', 'reported-model': 'no-such' })).status).toBe(
      400,
    );
  });

  test('are seen and named by those who may use them', async () => {
    const seen = async (session: ApiSession) =>
      (
        await session.get<{ name: string; custom: number; vendor: string }[]>(
          `${node.path}/capabilities/qemu/cpu`,
        )
      ).filter((one) => one.custom === 1);
    expect(await seen(admin)).toEqual([{ name: 'custom-fast', vendor: 'default', custom: 1 }]);
    expect(await seen(operator)).toHaveLength(1);
    await admin.call('PUT', '/access/acl', {
      ...{ path: '/mapping/cpu/fast', roles: 'PVEMappingUser', users: 'operator@pve', delete: 1 },
    });
    expect(await seen(operator)).toEqual([]);
    expect(await operator.get(models)).toEqual([]);
    expect((await operator.answer('GET', `${models}/fast`)).status).toBe(403);
    expect((await operator.answer('DELETE', `${models}/fast`)).status).toBe(403);
  });

  test('are what guests run with, also the CPUs that are plugged in later', async () => {
    await create(110, { cpu: 'custom-fast,flags=-rdtscp', cores: 2, vcpus: 1, hotplug: 'cpu' });
    await act(110, 'start');
    const line = await commandLine(110);
    const cpu = line[line.indexOf('-cpu') + 1] ?? '';
    expect(cpu).toMatch(/^qemu64,/);
    for (const part of ['aes=on', 'svm=off', 'rdtscp=off', 'level=13', 'phys-bits=40']) {
      expect(cpu.split(',')).toContain(part);
    }
    await admin.call('DELETE', `${models}/fast`);
    await put(admin, 110, { vcpus: '2' });
    const pending = await admin.get<{ key: string; value?: string; pending?: string }[]>(
      qemu(110, '/pending'),
    );
    expect(pending.find(({ key }) => key === 'vcpus')).toEqual({ key: 'vcpus', value: '2' });
    await act(110, 'stop');
    expect(await failedStart(110)).toMatch(/Custom cputype 'fast' not found/);
  });
});

describe('what a node has for guests', () => {
  test('flags, machines and models of its QEMU', async () => {
    const flags = await admin.get<{ name: string; 'supported-on': string[] }[]>(
      ...([`${node.path}/capabilities/qemu/cpu-flags`, { accel: 'tcg' }] as const),
    );
    expect(flags.find(({ name }) => name === 'aes')?.['supported-on']).toEqual([node.name]);
    const all = await admin.get<{ name: string }[]>('/cluster/qemu/cpu-flags', { accel: 'tcg' });
    expect(all.length).toBeGreaterThan(flags.length);
    expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(['sse4.2', 'pni']));
    const machines = await admin.get<{ id: string; type: string }[]>(
      `${node.path}/capabilities/qemu/machines`,
    );
    expect(new Set(machines.map(({ type }) => type))).toEqual(new Set(['q35', 'i440fx']));
    for (const kind of ['cpu', 'cpu-flags', 'machines']) {
      expect(await admin.get(`${node.path}/capabilities/qemu/${kind}`, { arch: 'aarch64' })).toEqual([]);
    }
    expect(await admin.get(`${node.path}/capabilities/qemu/migration`)).toEqual({ 'has-dbus-vmstate': 0 });
    expect((await operator.answer('GET', `${node.path}/capabilities/qemu/migration`)).status).toBe(403);
  });

  test('PCI and USB devices as the kernel shows them', async () => {
    const pci = await admin.get<{ id: string; class: string }[]>(`${node.path}/hardware/pci`, {
      'pci-class-blacklist': '',
    });
    for (const { id, class: code } of pci) {
      expect(code).toBe((await readFile(`/sys/bus/pci/devices/${id}/class`, 'utf8')).trim());
    }
    const [first] = pci;
    if (first) expect(await admin.get(`${node.path}/hardware/pci/${first.id}/mdev`)).toBeInstanceOf(Array);
    const missing = await admin.answer('GET', `${node.path}/hardware/pci/0000:77:00.0/mdev`);
    expect(missing.reason).toMatch(/no PCI device '0000:77:00.0'/);
    expect(await admin.get(`${node.path}/hardware/usb`)).toBeInstanceOf(Array);
    expect((await operator.answer('GET', `${node.path}/hardware/pci`)).status).toBe(403);
  });
});
