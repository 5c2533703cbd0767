/** Changes of containers: cards while they run, volumes, devices, rights, the firewall, many at once. */
import { readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { busyboxTemplate, type ContainerLab, openContainerLab } from '../lib/containers.ts';

let lab: ContainerLab;

beforeAll(async () => {
  lab = await openContainerLab('ct2');
  await lab.create(200, { net0: 'name=eth0,bridge=vmbr0,ip=192.0.2.10/24,host-managed=1', start: 1 });
});
afterAll(() => lab?.close());

const pendingKeys = async () =>
  (await lab.admin.get<{ key: string; pending?: string }[]>(lab.path(200, '/pending')))
    .filter(({ pending }) => pending !== undefined)
    .map(({ key }) => key);

test('cards are plugged in, changed and taken out while it runs', async () => {
  expect(await lab.inside(200, 'ip -o -4 addr show eth0')).toContain('192.0.2.10/24');
  await lab.set(200, { net1: 'name=lan,bridge=vmbr0,ip=198.51.100.7/24,hwaddr=BC:24:11:AA:BB:CC' });
  expect(await lab.inside(200, 'ip -o addr show lan')).toContain('198.51.100.7/24');
  const shown = await lab.admin.get<{ name: string; hwaddr: string; inet?: string }[]>(
    lab.path(200, '/interfaces'),
  );
  expect(shown.find(({ name }) => name === 'lan')).toMatchObject({
    hwaddr: 'bc:24:11:aa:bb:cc',
    inet: '198.51.100.7/24',
  });
  await lab.set(200, { net1: 'name=lan,bridge=vmbr0,ip=198.51.100.8/24,hwaddr=BC:24:11:AA:BB:CC' });
  expect(await lab.inside(200, 'ip -o addr show lan')).toContain('198.51.100.8/24');
  await lab.set(200, { delete: 'net1' });
  expect(await lab.inside(200, 'ip -o link')).not.toContain('lan');
  expect(await pendingKeys()).toEqual([]);
});

test('what cannot change now waits; what can never change is refused', async () => {
  await lab.set(200, { hostname: 'later', mp0: 'local:0.05,mp=/srv/data' });
  // A volume is there at once; container-operations.test.ts has more of that.
  expect(await pendingKeys()).toEqual(['hostname']);
  await expect(lab.set(200, { unprivileged: 0 })).rejects.toThrow('cannot be changed');
  await expect(lab.set(200, { delete: 'rootfs' })).rejects.toThrow('rootfs');
  await expect(lab.set(200, { mp1: 'nowhere:1,mp=/x' })).rejects.toThrow('nowhere');
  await expect(lab.set(200, { mp1: '/tmp/../etc,mp=/x' })).rejects.toThrow("'..'");
});

test('what the kernel refuses waits with its reason; the card works as before, and so it does after a revert', async () => {
  const { net0 } = await lab.config(200);
  const reason = /tag=5: bridge 'vmbr0' has no physical port/;
  await expect(lab.set(200, { net0: `${net0},tag=5` })).rejects.toThrow(
    /net0":"hotplug problem - tag=5: .*stored/,
  );
  const row = async () =>
    (await lab.admin.get<{ key: string; reason?: string }[]>(lab.path(200, '/pending'))).find(
      ({ key }) => key === 'net0',
    );
  expect(await row()).toMatchObject({
    pending: expect.stringContaining('tag=5'),
    reason: expect.stringMatching(reason),
  });
  expect((await lab.node.cli('pct', 'pending', '200')).stdout).toMatch(reason);
  // Another bridge that is not there, and another name: the card would be a new one.
  await expect(lab.set(200, { net0: 'name=lan0,bridge=nosuchbr,ip=192.0.2.10/24' })).rejects.toThrow(
    /hotplug problem - bridge 'nosuchbr' does not exist/,
  );
  expect(await lab.inside(200, 'ip -o -4 addr show eth0')).toContain('192.0.2.10/24');
  expect(await lab.inside(200, 'cat /sys/class/net/eth0/carrier')).toBe('1');
  await lab.set(200, { revert: 'net0' });
  expect(await row()).toEqual({ key: 'net0', value: net0 });
});

test('volumes, directories and devices of the node are in it after the next start', async () => {
  const shared = join(lab.node.dataDir, 'shared folder');
  await mkdir(shared);
  await writeFile(join(shared, 'note'), 'from the node\n');
  await lab.node.cli(
    'pct',
    'set',
    '200',
    '--mp1',
    `${shared},mp=/mnt/shared,ro=1`,
    '--dev0',
    '/dev/zero,mode=0666',
  );
  await lab.power(200, 'reboot', { timeout: 30 });
  expect(
    await lab.inside(200, 'hostname; cat /mnt/shared/note; echo data > /srv/data/file; ls /srv/data'),
  ).toBe('later\nfrom the node\nfile\nlost+found');
  await expect(lab.inside(200, 'echo x > /mnt/shared/note')).rejects.toThrow('Read-only');
  expect(await lab.inside(200, 'stat -c "%a %u" /dev/zero; head -c 2 /dev/zero | wc -c')).toBe('666 0\n2');
  const config = await lab.config(200);
  expect(config.mp0).toMatch(/^local:200\/vm-200-disk-1\.raw,mp=\/srv\/data,size=52M$/);
});

/** Bytes of the volume as the container sees it. */
const sizeInside = async () => {
  const [blocks, size] = (await lab.inside(200, 'stat -f -c "%b %S" /srv/data')).split(' ');
  return Number(blocks) * Number(size);
};
const resize = (size: string) => lab.admin.run('PUT', lab.path(200, '/resize'), { disk: 'mp0', size });
/** The kernel lets only holders of this capability grow a mounted ext4: CAP_SYS_RESOURCE, bit 24. */
const mayGrowMounted =
  ((BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`) >> 24n) &
    1n) ===
  1n;

test('a volume grows', async () => {
  await expect(resize('10M')).rejects.toThrow('shrinking');
  await lab.power(200, 'stop');
  await resize('+100M');
  expect((await lab.config(200)).mp0).toContain('size=152M');
  await lab.power(200, 'start');
  expect(await sizeInside()).toBeGreaterThan(120 * 1024 ** 2);
});

test('a volume in use grows, or the answer says what to do', async () => {
  const grown = resize('300M');
  if (mayGrowMounted) {
    await grown;
    expect(await sizeInside()).toBeGreaterThan(250 * 1024 ** 2);
  } else await expect(grown).rejects.toThrow('stop the container and set the same size again');
});

test('a volume that is taken out is kept, and goes when it is removed', async () => {
  await lab.power(200, 'stop');
  // Devices and directories of the node are root's to give and to take.
  await expect(lab.set(200, { delete: 'dev0' })).rejects.toThrow('only root');
  await lab.node.cli('pct', 'set', '200', '--delete', 'mp0,mp1,dev0');
  const { unused0 } = await lab.config(200);
  expect(unused0).toBe('local:200/vm-200-disk-1.raw');
  await lab.set(200, { delete: 'unused0' });
  const volumes = await lab.admin.get<{ volid: string; content: string }[]>(
    `${lab.node.path}/storage/local/content?vmid=200`,
  );
  expect(volumes.map(({ volid, content }) => [volid, content])).toEqual([
    ['local:200/vm-200-disk-0.raw', 'rootdir'],
  ]);
  expect(await lab.leftovers(200)).toEqual([]);
});

test('pct exec, push and pull', async () => {
  await lab.power(200, 'start');
  const pct = (...args: string[]) =>
    lab.node.namespace.run('env', `RYOKAN_DATA=${lab.node.dataDir}`, ...ryokan, 'pct', ...args);
  const ryokan = [join(import.meta.dirname, '../../ryokan')];
  const file = join(lab.node.dataDir, 'pushed');
  await writeFile(file, 'content\n');
  await pct('push', '200', file, '/root/here', '--perms', '0600');
  expect(await pct('exec', '200', '--', 'stat', '-c', '%a %s', '/root/here')).toBe('600 8\n');
  await pct('pull', '200', '/root/here', `${file}.back`);
  expect(await readFile(`${file}.back`, 'utf8')).toBe('content\n');
  await expect(pct('exec', '200', '--', 'sh', '-c', 'exit 7')).rejects.toMatchObject({ code: 7 });
  await rm(file);
});

test('the firewall of a container has the same operations and holds for its cards', async () => {
  const base = lab.path(200, '/firewall');
  await lab.admin.call('PUT', '/cluster/firewall/options', { enable: 1 });
  await lab.admin.call('PUT', `${base}/options`, { enable: 1 });
  await lab.admin.call('POST', `${base}/rules`, {
    type: 'in',
    action: 'ACCEPT',
    proto: 'tcp',
    dport: '22',
    enable: 1,
  });
  await lab.admin.call('POST', `${base}/ipset`, { name: 'ours' });
  expect(await lab.admin.get(`${base}/rules`)).toMatchObject([{ action: 'ACCEPT', pos: 0 }]);
  await lab.set(200, { net0: 'name=eth0,bridge=vmbr0,ip=192.0.2.10/24,firewall=1' });
  expect(await lab.admin.get(`${base}/status`)).toMatchObject({ guest: 1, cards: ['net0'], problems: [] });
  expect(await lab.node.namespace.run('nft', 'list', 'ruleset')).toContain('veth200i0');
  await lab.power(200, 'stop');
  expect(await lab.node.namespace.run('nft', 'list', 'ruleset')).not.toContain('veth200i0');
  await lab.admin.call('PUT', '/cluster/firewall/options', { enable: 0 });
});

test('a storage without snapshots says so', async () => {
  const answer = await lab.admin.get<{ hasFeature: number; reason?: string }>(
    lab.path(200, '/feature?feature=snapshot'),
  );
  expect(answer).toMatchObject({ hasFeature: 0, reason: expect.stringContaining("storage 'local'") });
});

test('a template that is none, and one with a path that leads out, make no container', async () => {
  const folder = join(lab.node.dataDir, 'storage/template/cache');
  await writeFile(join(folder, 'fake.tar.gz'), 'this is no archive');
  const create = lab.create(250, { ostemplate: 'local:vztmpl/fake.tar.gz' });
  await expect(create).rejects.toThrow('fake.tar.gz');
  await expect(lab.config(250)).rejects.toThrow('does not exist');
  expect(await lab.leftovers(250)).toEqual([]);
  await expect(lab.create(251, { ostemplate: 'local:vztmpl/missing.tar.gz' })).rejects.toThrow('missing');
});

test('ten at once, in the order of the node', async () => {
  const ids = Array.from({ length: 10 }, (_, i) => 210 + i);
  await Promise.all(ids.map((vmid) => lab.create(vmid, { memory: 32, rootfs: 'local:0.05', onboot: 1 })));
  await lab.admin.run('POST', `${lab.node.path}/startall`);
  const list = await lab.admin.get<{ vmid: number; status: string }[]>(`${lab.node.path}/lxc`);
  expect(
    list
      .filter(({ status }) => status === 'running')
      .map(({ vmid }) => vmid)
      .sort(),
  ).toEqual(ids);
  await lab.admin.run('POST', `${lab.node.path}/stopall`, { timeout: 30 });
  for (const vmid of ids) expect(await lab.leftovers(vmid)).toEqual([]);
});

test(`of ${busyboxTemplate} a privileged one is made on demand, with a warning`, async () => {
  await expect(lab.create(240, { unprivileged: 0 })).rejects.toThrow('privileged');
  await lab.power(240, 'start');
  const { pid } = await lab.status(240);
  expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\s+0\s/m);
});
