/** Cloud-init drives through the API: the volume, the image in it, a running guest's new disc, snippets. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';

let node: TestNode;
let admin: ApiSession;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
});
afterAll(() => node?.stop());

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const imageFolder = () => join(node.dataDir, 'storage/images/300');
const act = (vmid: number, action: string) => admin.run('POST', qemu(vmid, `/status/${action}`));

/** A file of the cloud-init image, as a guest would read it. */
async function fileInImage(name: string): Promise<string> {
  const raw = join(node.dataDir, 'image.raw');
  const target = join(node.dataDir, 'image.file');
  await rm(target, { force: true });
  const volume = join(imageFolder(), 'vm-300-cloudinit.qcow2');
  await run('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'raw', volume, raw]);
  await run('xorriso', ['-osirrox', 'on', '-indev', raw, '-extract', name, target]);
  return (await run('cat', [target])).stdout;
}

describe('a guest with a cloud-init drive', () => {
  test('gets its volume when it is made, and its image when it starts', async () => {
    await admin.run('POST', `${node.path}/qemu`, {
      ...{ vmid: 300, name: 'web', memory: 64, net0: 'virtio=BC:24:11:00:00:01', ide2: 'local:cloudinit' },
      ...{ ciuser: 'debian', cipassword: 'geheim', ipconfig0: 'ip=192.0.2.5/24,gw=192.0.2.1' },
    });
    const config = await admin.get<Record<string, string>>(qemu(300, '/config'));
    expect(config.ide2).toBe('local:300/vm-300-cloudinit.qcow2,media=cdrom,size=4M');
    expect(config.cipassword).toBe('**********');
    await act(300, 'start');
    const user = await fileInImage('/user-data');
    expect(user).toMatch(/^#cloud-config\nhostname: web\n/);
    expect(user).toMatch(/^password: \$5\$/m);
    expect(await admin.get(qemu(300, '/cloudinit/dump'), { type: 'user' })).toBe(user);
    expect(await fileInImage('/network-config')).toContain("address: '192.0.2.5'");
    expect(await fileInImage('/meta-data')).toBe(
      await admin.get(qemu(300, '/cloudinit/dump'), { type: 'meta' }),
    );
    // Nothing with passwords stays behind.
    const left = await readdir(join(node.dataDir, 'run'));
    expect(left.filter((name) => name.startsWith('.staging-'))).toEqual([]);
  });

  test('takes a snippet that was written by API, and a new disc while it runs', async () => {
    const path = `${node.path}/storage/local/snippets/web.yaml`;
    const first = await admin.call<{ volid: string; digest: string }>('PUT', path, {
      content: '#cloud-config\nhostname: 旅館\n',
      digest: '',
    });
    expect(first.volid).toBe('local:snippets/web.yaml');
    expect(await admin.get(path)).toEqual({
      content: '#cloud-config\nhostname: 旅館\n',
      digest: first.digest,
    });
    const stale = await admin.answer('PUT', path, { content: 'x', digest: '' });
    expect(stale.reason).toMatch(/changed by somebody else/);
    expect((await admin.answer('PUT', path.replace('web.yaml', '.web'), { content: 'x' })).status).toBe(400);
    await admin.call('PUT', path, { content: '#cloud-config\n', digest: first.digest });
    await admin.call('PUT', qemu(300, '/cloudinit'));
    expect(await fileInImage('/user-data')).toContain('hostname: web');
    const monitor = await admin.call<string>('POST', qemu(300, '/monitor'), { command: 'info block' });
    expect(monitor).toMatch(/ide2[\s\S]*vm-300-cloudinit\.qcow2/);
    await act(300, 'stop');
    await admin.call('PUT', qemu(300, '/config'), { cicustom: 'user=local:snippets/web.yaml' });
    await admin.call('PUT', qemu(300, '/cloudinit'));
    expect(await fileInImage('/user-data')).toBe('#cloud-config\n');
  });

  test('has snippets that those see who may write them, and hook scripts that root alone writes', async () => {
    const path = `${node.path}/storage/local/snippets/hook.sh`;
    await admin.call('PUT', path, { content: '#!/bin/sh\n' });
    await node.cli('qm', 'set', '300', '--hookscript', 'local:snippets/hook.sh');
    const refused = await admin.answer('PUT', path, { content: '#!/bin/sh\nid\n' });
    expect([refused.status, refused.reason]).toEqual([
      403,
      "only root can write 'local:snippets/hook.sh': it is the hook script of VM 300",
    ]);
    await node.cli('qm', 'set', '300', '--delete', 'hookscript');
    await admin.call('PUT', path, { content: '#!/bin/sh\ntrue\n' });
    const userid = 'author@pve';
    await admin.call('POST', '/access/users', { userid, password: 'a-long-password' });
    const author = await logIn(node.url, userid, 'a-long-password');
    const grant = (roles: string) =>
      admin.call('PUT', '/access/acl', { path: '/storage/local', roles, users: userid });
    const seen = () =>
      author.get<{ volid: string }[]>(`${node.path}/storage/local/content`, { content: 'snippets' });
    await grant('PVEDatastoreUser');
    expect([await seen(), (await author.answer('GET', path)).status]).toEqual([[], 403]);
    await grant('PVEDatastoreAdmin');
    expect((await seen()).map(({ volid }) => volid)).toContain('local:snippets/hook.sh');
    expect(await author.get(path)).toMatchObject({ content: '#!/bin/sh\ntrue\n' });
    author.close();
  });

  test('is dumped, compared and made again from the command line', async () => {
    const { stdout: user } = await node.cli('qm', 'cloudinit', 'dump', '300', 'user');
    expect(user.trim()).toBe(
      (await admin.get<string>(qemu(300, '/cloudinit/dump'), { type: 'user' })).trim(),
    );
    expect((await node.cli('qm', 'cloudinit', 'pending', '300')).stdout).toMatch(/ciuser\s+debian/);
    await node.cli('qm', 'cloudinit', 'update', '300');
    expect(await fileInImage('/user-data')).toBe('#cloud-config\n');
  });

  test('shows what the image does not know yet', async () => {
    interface Row {
      readonly key: string;
      readonly value?: string;
      readonly pending?: string;
    }
    const rows = async () => {
      const all = await admin.get<Row[]>(qemu(300, '/cloudinit'));
      return Object.fromEntries(all.map(({ key, ...row }) => [key, row]));
    };
    await act(300, 'start');
    await admin.call('PUT', qemu(300, '/config'), {
      ...{ ciuser: 'admin', nameserver: '192.0.2.53', name: 'web2', cipassword: 'anders' },
      delete: 'ipconfig0',
    });
    expect(await rows()).toMatchObject({
      ciuser: { value: 'debian', pending: 'admin' },
      nameserver: { pending: '192.0.2.53' },
      name: { value: 'web', pending: 'web2' },
      cipassword: { value: '**********', pending: '**********' },
      ipconfig0: { value: 'ip=192.0.2.5/24,gw=192.0.2.1', delete: 1 },
    });
    await admin.call('PUT', qemu(300, '/config'), { ciuser: 'debian' });
    expect((await rows()).ciuser).toEqual({ value: 'debian' });
    await admin.call('PUT', qemu(300, '/cloudinit'));
    const after = await rows();
    expect(after.nameserver).toEqual({ value: '192.0.2.53' });
    expect([after.name, after.ipconfig0]).toEqual([undefined, undefined]);
    await act(300, 'stop');
  });

  test('loses its volume with the drive', async () => {
    await admin.call('PUT', qemu(300, '/config'), { delete: 'ide2' });
    expect(await readdir(imageFolder()).catch(() => [])).toEqual([]);
    expect((await admin.answer('PUT', qemu(300, '/cloudinit'))).reason).toMatch(/no cloud-init drive/);
    await admin.call('PUT', qemu(300, '/config'), { ide2: 'local:cloudinit' });
  });

  test('has one cloud-init drive, and takes its volume along', async () => {
    const second = await admin.answer('PUT', qemu(300, '/config'), { ide0: 'local:cloudinit' });
    expect(second.reason).toMatch(/already attached|Parameter/);
    await admin.run('DELETE', qemu(300));
    expect(await readdir(imageFolder()).catch(() => [])).toEqual([]);
    expect((await admin.answer('PUT', qemu(300, '/cloudinit'))).reason).toMatch(/does not exist/);
  });
});
