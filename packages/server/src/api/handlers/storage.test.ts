import { link, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../host/exec.ts';
import { Testbed } from './storage-testbed.ts';

const node = '/nodes/pve1';
const local = `${node}/storage/local`;
const content = `${local}/content`;

let bed: Testbed;
beforeEach(async () => {
  bed = await Testbed.make({
    'looker@pve': { '/storage/local': ['Datastore.Audit'] },
    'user@pve': {
      '/storage/local': ['Datastore.Audit', 'Datastore.AllocateSpace', 'Datastore.AllocateTemplate'],
      '/vms/100': ['VM.Config.Disk', 'VM.Backup'],
    },
    'keeper@pve': { '/storage/local': ['Datastore.Allocate'], '/storage': ['Datastore.Allocate'] },
    'nobody@pve': {},
  });
});
afterEach(() => bed.cleanup());

const rows = (data: unknown) => data as Record<string, unknown>[];
const volids = async (params: Record<string, unknown> = {}, user?: string) =>
  rows((await bed.call('GET', content, params, { user })).data).map((row) => row.volid);
const adopt = async (type: 'iso' | 'backup' | 'snippets', name: string) => {
  const path = join(bed.root, 'source');
  await writeFile(path, 'x');
  return bed.services.storage.adopt('local', type, name, path);
};

describe('definitions', () => {
  it('are listed and shown with the types that clients expect', async () => {
    const list = rows((await bed.call('GET', '/storage')).data);
    expect(list).toHaveLength(1);
    expect(list[0]).toMatchObject({ storage: 'local', type: 'dir', path: join(bed.root, 'storage') });
    expect((await bed.call('GET', '/storage/local')).data).toEqual(list[0]);
    expect(await bed.call('GET', '/storage/nope')).toMatchObject({
      status: 500,
      reason: "storage 'nope' does not exist",
    });
    expect(rows((await bed.call('GET', '/storage', {}, { user: 'nobody@pve' })).data)).toEqual([]);
    expect(rows((await bed.call('GET', '/storage', { type: 'nfs' })).data)).toEqual([]);
  });

  it('are made, changed and removed', async () => {
    // Beside the data folder: below it there is state.
    const outside = `${bed.root}-extra`;
    const params = { type: 'dir', storage: 'extra', path: outside, content: 'iso;backup', shared: 1 };
    const made = await bed.call('POST', '/storage', params);
    expect(made.data).toEqual({ storage: 'extra', type: 'dir' });
    expect((await bed.call('GET', '/storage/extra')).data).toMatchObject({
      content: 'iso,backup',
      shared: 1,
    });
    expect(await readdir(outside)).toContain('template');
    expect(await bed.call('POST', '/storage', params)).toMatchObject({
      reason: "storage ID 'extra' already defined",
    });

    const digest = (await bed.call('GET', '/storage/extra')).data as { digest: string };
    const change = { content: 'iso,images', disable: true, delete: 'shared', digest: digest.digest };
    expect((await bed.call('PUT', '/storage/extra', change)).status).toBe(200);
    const changed = (await bed.call('GET', '/storage/extra')).data as Record<string, unknown>;
    expect(changed).toMatchObject({ content: 'iso,images', disable: 1 });
    expect(changed.shared).toBeUndefined();
    expect(await bed.call('PUT', '/storage/extra', { ...change, delete: '' })).toMatchObject({
      status: 500,
      reason: 'detected modified configuration - file changed by other user? Try again.',
    });
    expect((await bed.call('PUT', '/storage/extra', { delete: 'path' })).status).toBe(400);

    expect((await bed.call('DELETE', '/storage/extra')).data).toBeNull();
    expect((await bed.call('DELETE', '/storage/extra')).reason).toBe("storage 'extra' does not exist");
    await rm(outside, { recursive: true });
  });

  it.each([
    [{ type: 'nfs' }, 'type', /supported: btrfs, dir/],
    [{ path: undefined }, 'path', /missing/],
    [{ path: '/etc' }, 'path', /system/],
    [{ path: '/' }, 'path', /valid|system/],
    [{ path: '/tmp/../etc/x' }, 'path', /valid/],
    [{ path: 'relative' }, 'path', /valid/],
    [{ path: '/tmp/x\n\tcontent images' }, 'path', /valid/],
    [{ is_mountpoint: 'yes\ndir: evil' }, 'is_mountpoint', /control/],
    [{ content: 'isos' }, 'content', /content type/],
    [{ 'content-dirs': 'iso=../../etc' }, 'content-dirs', /folder/],
    [{ unknown: 1 }, 'unknown', /not defined/],
    [{ 'prune-backups': 'keep-some=1' }, 'prune-backups', /keep-some/],
  ])('refuse %j', async (wrong, key, text) => {
    const params = { type: 'dir', storage: 'extra', path: '/tmp/ryokan-never-made', ...wrong };
    const answer = await bed.call('POST', '/storage', params);
    expect(answer.status).toBe(400);
    expect(answer.errors?.[key]).toMatch(text);
    await expect(stat('/tmp/ryokan-never-made')).rejects.toThrow();
    expect(rows((await bed.call('GET', '/storage')).data)).toHaveLength(1);
  });

  it('cannot take the state of the node, nor what is not mounted', async () => {
    const inState = { type: 'dir', storage: 'extra', path: join(bed.root, 'pki') };
    expect((await bed.call('POST', '/storage', inState)).errors?.path).toMatch(/state/);
    const unmounted = { ...inState, path: join(bed.root, 'storage/sub'), is_mountpoint: true };
    const answer = await bed.call('POST', '/storage', unmounted);
    expect(answer.reason).toMatch(/offline: nothing is mounted at/);
    expect(rows((await bed.call('GET', '/storage')).data)).toHaveLength(1);
  });

  it('need Datastore.Allocate', async () => {
    const params = { type: 'dir', storage: 'extra', path: '/tmp/ryokan-never-made' };
    for (const user of ['looker@pve', 'user@pve', 'nobody@pve']) {
      expect((await bed.call('POST', '/storage', params, { user })).status).toBe(403);
      expect((await bed.call('GET', '/storage/local', {}, { user })).status).toBe(403);
      expect((await bed.call('DELETE', '/storage/local', {}, { user })).status).toBe(403);
    }
  });

  it('are not rewritten while the document is damaged', async () => {
    const { store } = bed.services;
    const damaged = `${store.get('storage.cfg')?.text}\nwhat is this\n`;
    await store.commit([], [{ path: 'storage.cfg', text: damaged }]);
    expect((await bed.call('GET', `${local}/status`)).data).toMatchObject({ active: 1 });
    expect((await bed.call('PUT', '/storage/local', { content: 'iso' })).reason).toMatch(/repaired/);
    expect(store.get('storage.cfg')?.text).toBe(damaged);
  });
});

describe('state', () => {
  it('shows space, and formats when asked', async () => {
    const [row] = rows((await bed.call('GET', `${node}/storage`, { format: 1 })).data);
    expect(row).toMatchObject({
      storage: 'local',
      type: 'dir',
      active: 1,
      enabled: 1,
      shared: 0,
      formats: { default: 'qcow2', supported: ['qcow2', 'raw', 'vmdk'] },
    });
    expect(row?.used_fraction).toBeGreaterThan(0);
    expect((await bed.call('GET', `${local}/status`)).data).toMatchObject({ active: 1, total: row?.total });
    expect(rows((await bed.call('GET', local)).data).map((one) => one.subdir)).toContain('content');
  });

  it('filters by content, name, node and rights', async () => {
    await bed.call('PUT', '/storage/local', { content: 'iso' });
    const list = async (params: Record<string, unknown>, user?: string) =>
      rows((await bed.call('GET', `${node}/storage`, params, { user })).data).length;
    expect(await list({ content: 'iso,images' })).toBe(1);
    expect(await list({ content: 'images' })).toBe(0);
    expect(await list({ target: 'pve2' })).toBe(0);
    expect(await list({}, 'nobody@pve')).toBe(0);
    expect((await bed.call('GET', `${node}/storage`, { storage: 'nope' })).reason).toBe(
      "storage 'nope' does not exist",
    );
    await bed.call('PUT', '/storage/local', { disable: 1 });
    expect(await list({})).toBe(1);
    expect(await list({ enabled: 1 })).toBe(0);
    expect((await bed.call('GET', content)).reason).toBe("storage 'local' is disabled");
    expect((await bed.call('GET', `${local}/status`)).data).toMatchObject({ active: 0, enabled: 0 });
  });
});

describe('volumes', () => {
  it('are allocated, listed, shown and removed', async () => {
    const named = { vmid: 100, filename: 'vm-100-disk-3.raw', size: '2M' };
    expect((await bed.call('POST', content, named)).data).toBe('local:100/vm-100-disk-3.raw');
    const next = { vmid: 101, filename: '', size: '4096', format: 'qcow2' };
    expect((await bed.call('POST', content, next)).data).toBe('local:101/vm-101-disk-0.qcow2');
    expect(await volids()).toEqual(['local:100/vm-100-disk-3.raw', 'local:101/vm-101-disk-0.qcow2']);
    expect(await volids({ vmid: 101 })).toEqual(['local:101/vm-101-disk-0.qcow2']);
    expect(await volids({ content: 'iso' })).toEqual([]);

    const path = join(bed.root, 'storage/images/101/vm-101-disk-0.qcow2');
    const facts = { path, size: 4096 * 1024, format: 'qcow2' };
    for (const volume of ['101/vm-101-disk-0.qcow2', 'local:101/vm-101-disk-0.qcow2']) {
      expect((await bed.call('GET', `${content}/${volume}`)).data).toMatchObject(facts);
      expect((await bed.call('GET', `${content}/${encodeURIComponent(volume)}`)).data).toMatchObject(facts);
    }
    const asked = { volume: 'local:101/vm-101-disk-0.qcow2' };
    expect((await bed.call('GET', `${node}/volume-path`, asked)).data).toBe(path);

    const task = await bed.task('DELETE', `${content}/local:101/vm-101-disk-0.qcow2`);
    expect(task.status).toBe('OK');
    expect((await bed.call('DELETE', `${content}/100/vm-100-disk-3.raw`, { delay: 5 })).data).toBeNull();
    expect(await volids()).toEqual([]);
    expect(await readdir(join(bed.root, 'storage/images'))).toEqual([]);
    expect((await bed.call('DELETE', `${content}/100/vm-100-disk-3.raw`)).reason).toBe(
      "volume 'local:100/vm-100-disk-3.raw' does not exist",
    );
  });

  it('refuse what cannot be', async () => {
    const make = (params: Record<string, unknown>) =>
      bed.call('POST', content, { vmid: 100, filename: '', size: '1M', ...params });
    expect((await make({ size: '999999G' })).reason).toMatch(/needs 976.56 TiB, but .* has only .* free/);
    expect((await make({ size: '99999999G' })).reason).toBe('no image can have 95.37 PiB');
    expect((await make({ size: '1T' })).status).toBe(400);
    expect((await make({ filename: 'vm-101-disk-0.raw' })).reason).toMatch(/illegal name/);
    expect((await make({ filename: '../vm-100-disk-0.raw' })).reason).toMatch(/illegal name/);
    expect((await make({ filename: 'vm-100-x.raw', format: 'qcow2' })).reason).toMatch(/illegal name/);
    expect((await make({ format: 'subvol' })).reason).toMatch(/does not support images in format 'subvol'/);
    await bed.call('PUT', '/storage/local', { content: 'iso' });
    expect((await make({})).reason).toBe(
      "storage 'local' does not support content type 'images' (allowed: iso)",
    );
  });

  it.each([
    '../../etc/passwd',
    '..%2f..%2fetc%2fpasswd',
    'iso/..%2f..%2f..%2f..%2fetc%2fpasswd',
    'iso/%252e%252e',
    'local:../x',
    'local:/etc/passwd',
    'iso/x%00.iso',
    'iso/x%0a.iso',
    'other:iso/x.iso',
    ':iso/x.iso',
  ])('refuse the volume %s', async (volume) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await bed.call(method, `${content}/${volume}`);
      expect([400, 500, 501]).toContain(answer.status);
      expect(answer.data).toBeNull();
      if (answer.status === 500) expect(answer.reason).toMatch(/does not exist/);
    }
    expect(bed.tasks).toEqual([]);
  });

  it('do not lead out through symbolic links', async () => {
    await bed.services.storage.driver('local');
    const iso = join(bed.root, 'storage/template/iso');
    await writeFile(join(bed.root, 'secret'), 'secret');
    await symlink(join(bed.root, 'secret'), join(iso, 'evil.iso'));
    await writeFile(join(iso, 'real.iso'), '1234');
    await symlink('real.iso', join(iso, 'same-folder.iso'));
    await mkdir(join(bed.root, 'outside/vm'), { recursive: true });
    await symlink(join(bed.root, 'outside'), join(bed.root, 'storage/images/100'));
    await writeFile(join(bed.root, 'outside/vm-100-disk-0.raw'), 'x');
    expect(await volids()).toEqual(['local:iso/real.iso', 'local:iso/same-folder.iso']);
    for (const volume of ['iso/evil.iso', '100/vm-100-disk-0.raw']) {
      expect((await bed.call('GET', `${content}/${volume}`)).reason).toMatch(/leads out of its storage/);
      expect((await bed.call('DELETE', `${content}/${volume}`)).reason).toMatch(/leads out of its storage/);
      const asked = { volume: `local:${volume}` };
      expect((await bed.call('GET', `${node}/volume-path`, asked)).reason).toMatch(/leads out/);
    }
    const made = await bed.call('POST', content, { vmid: 100, filename: '', size: '1M' });
    expect(made.reason).toMatch(/leads out/);
    expect(await readFile(join(bed.root, 'secret'), 'utf8')).toBe('secret');
    expect((await readdir(join(bed.root, 'outside'))).sort()).toEqual(['vm', 'vm-100-disk-0.raw']);
  });

  it('in use by a guest stay', async () => {
    await bed.call('POST', content, { vmid: 100, filename: 'vm-100-disk-0.raw', size: '1M' });
    const config = 'name: x\nscsi0: local:100/vm-100-disk-0.raw,size=1M\n';
    await bed.services.store.commit([], [{ path: 'nodes/pve1/qemu-server/100.conf', text: config }]);
    const answer = await bed.call('DELETE', `${content}/100/vm-100-disk-0.raw`);
    expect(answer.reason).toMatch(/is used by guest 100 as 'scsi0'/);
    expect(await volids()).toHaveLength(1);
  });

  it('of containers are told from those of machines by their owner', async () => {
    await bed.services.store.commit([], [{ path: 'vmlist/200', text: 'lxc pve1' }]);
    await bed.call('POST', content, { vmid: 200, filename: '', size: '1M' });
    await bed.call('POST', content, { vmid: 100, filename: '', size: '1M' });
    expect(await volids({ content: 'rootdir' })).toEqual(['local:200/vm-200-disk-0.qcow2']);
    expect(await volids({ content: 'images' })).toEqual(['local:100/vm-100-disk-0.qcow2']);
  });

  it('carry notes and protection', async () => {
    const name = 'vzdump-qemu-100-2026_01_31-10_20_30.vma.zst';
    await adopt('backup', name);
    const volume = `${content}/backup/${name}`;
    expect((await bed.call('PUT', volume, { notes: 'before\nupgrade', protected: true })).data).toBeNull();
    expect((await bed.call('GET', volume)).data).toMatchObject({ notes: 'before\nupgrade', protected: 1 });
    expect(rows((await bed.call('GET', content)).data)[0]).toMatchObject({ protected: 1, vmid: 100 });
    expect((await bed.call('DELETE', volume)).reason).toMatch(/protected/);
    await bed.call('PUT', volume, { protected: 0 });
    expect((await bed.task('DELETE', volume)).status).toBe('OK');
    await adopt('iso', 'x.iso');
    expect((await bed.call('PUT', `${content}/iso/x.iso`, { notes: 'x' })).reason).toMatch(/only backups/);
  });

  it('are seen and removed by those who may', async () => {
    await adopt('iso', 'x.iso');
    await adopt('snippets', 'secret.yaml');
    await adopt('backup', 'vzdump-qemu-100-2026_01_31-10_20_30.vma');
    await adopt('backup', 'vzdump-qemu-101-2026_01_31-10_20_30.vma');
    for (const vmid of [100, 101]) await bed.call('POST', content, { vmid, filename: '', size: '1M' });
    expect(await volids({}, 'looker@pve')).toEqual(['local:iso/x.iso']);
    expect(await volids({}, 'user@pve')).toEqual([
      'local:100/vm-100-disk-0.qcow2',
      'local:iso/x.iso',
      'local:backup/vzdump-qemu-100-2026_01_31-10_20_30.vma',
      // Whoever may write snippets sees them.
      'local:snippets/secret.yaml',
    ]);
    for (const user of ['keeper@pve', 'nobody@pve']) {
      expect((await bed.call('GET', content, {}, { user })).status).toBe(403);
    }

    const as = (user: string, method: string, volume: string) =>
      bed.call(method, `${content}/${volume}`, {}, { user });
    expect((await as('looker@pve', 'GET', 'snippets/secret.yaml')).status).toBe(403);
    expect((await as('nobody@pve', 'GET', 'iso/missing.iso')).status).toBe(403);
    expect((await as('user@pve', 'GET', '101/vm-101-disk-0.qcow2')).status).toBe(403);
    expect((await as('user@pve', 'DELETE', 'iso/x.iso')).status).toBe(403);
    expect((await as('user@pve', 'DELETE', '100/vm-100-disk-0.qcow2')).status).toBe(403);
    const backup = (vmid: number) => `backup/vzdump-qemu-${vmid}-2026_01_31-10_20_30.vma`;
    expect((await as('user@pve', 'DELETE', backup(101))).status).toBe(403);
    expect((await as('user@pve', 'DELETE', backup(100))).status).toBe(200);
    expect((await as('keeper@pve', 'DELETE', 'iso/x.iso')).status).toBe(200);
    await Promise.all(bed.tasks.map((task) => task.ended));
    expect(await volids({ content: 'iso' })).toEqual([]);
  });

  it('are copied, images also into another format', async () => {
    await bed.call('POST', content, { vmid: 100, filename: 'vm-100-disk-0.qcow2', size: '2M' });
    const path = await bed.services.storage.path('local:100/vm-100-disk-0.qcow2');
    await run('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 7 1M 4k', path]);
    const target = 'local:101/vm-101-disk-5.raw';
    const task = await bed.task('POST', `${content}/100/vm-100-disk-0.qcow2`, { target });
    expect(task.status).toBe('OK');
    const copy = await readFile(await bed.services.storage.path(target));
    expect([copy.length, copy[0], copy[1024 * 1024]]).toEqual([2 * 1024 * 1024, 0, 7]);

    await adopt('iso', 'x.iso');
    const file = await bed.task('POST', `${content}/iso/x.iso`, { target: 'local:iso/y.iso' });
    expect(file.status).toBe('OK');
    expect(await volids({ content: 'iso' })).toEqual(['local:iso/x.iso', 'local:iso/y.iso']);
    const again = await bed.call('POST', `${content}/iso/x.iso`, { target: 'local:iso/y.iso' });
    expect(again.reason).toMatch(/already exists/);
    expect((await bed.call('POST', `${content}/iso/x.iso`, { target })).reason).toMatch(/no place/);
  });

  it('are copied by administrators of both storages, snippets by root alone', async () => {
    await adopt('iso', 'x.iso');
    const copy = async (user: string, to: string) =>
      (await bed.call('POST', `${content}/iso/x.iso`, { target: to }, { user })).status;
    expect(await copy('user@pve', 'local:iso/y.iso')).toBe(403);
    expect(await copy('keeper@pve', 'local:snippets/y.sh')).toBe(403);
    expect(await copy('keeper@pve', 'local:iso/y.iso')).toBe(200);
    await Promise.all(bed.tasks.map((task) => task.ended));
    expect(await volids({ content: 'iso' })).toEqual(['local:iso/x.iso', 'local:iso/y.iso']);
  });
});

describe('uploads', () => {
  const fields = { content: 'iso', filename: 'My installer.iso' };
  const begin = (more: Record<string, string> = {}, size = 1000, user?: string) =>
    bed.call(
      'POST',
      `${local}/upload`,
      {},
      { user, upload: { phase: 'begin', fields: { ...fields, ...more }, size } },
    );
  const spooled = async (data: string | Buffer = isoLike()) => {
    const path = join(bed.services.paths.spool, `pveupload-${Math.random().toString(16).slice(2)}`);
    await writeFile(path, data, { mode: 0o600 });
    return path;
  };
  const commit = async (tmpfilename: string, more: Record<string, string> = {}) =>
    bed.task(
      'POST',
      `${local}/upload`,
      {},
      { upload: { phase: 'commit', fields: { ...fields, ...more, tmpfilename }, size: 1000 } },
    );
  const leftovers = async () => [
    ...(await readdir(bed.services.paths.spool)),
    ...(await readdir(join(bed.root, 'storage/template/iso'))).filter((name) => name.startsWith('.')),
  ];
  /** Long enough for the descriptor at sector 16. */
  const isoLike = () => {
    const data = Buffer.alloc(34 * 1024);
    data.write('CD001', 16 * 2048 + 1);
    return data;
  };

  it('become volumes under a name that is safe', async () => {
    expect(await begin()).toMatchObject({ status: 200, data: null });
    expect(bed.tasks).toEqual([]);
    const task = await commit(await spooled());
    expect(task.status).toBe('OK');
    expect(await volids()).toEqual(['local:iso/My_installer.iso']);
    const path = await bed.services.storage.path('local:iso/My_installer.iso');
    expect((await stat(path)).mode & 0o777).toBe(0o644);
    expect(await leftovers()).toEqual([]);
    expect((await begin()).reason).toMatch(/already exists/);
  });

  it('are refused before the first byte', async () => {
    expect((await begin({ filename: 'x.exe' })).errors?.filename).toMatch(/wrong file extension/);
    expect((await begin({ content: 'images' })).errors?.content).toMatch(/enumeration/);
    expect((await begin({ checksum: 'zz', 'checksum-algorithm': 'md5' })).errors?.checksum).toMatch(/32 hex/);
    expect((await begin({ checksum: 'aa' })).errors?.['checksum-algorithm']).toMatch(/missing property/);
    expect((await begin({}, 2 ** 52)).reason).toMatch(/the file needs 4.00 PiB, but/);
    expect((await begin({}, 10, 'looker@pve')).status).toBe(403);
    await bed.call('PUT', '/storage/local', { content: 'images' });
    expect((await begin()).reason).toMatch(/does not support content type 'iso' \(allowed: images\)/);
    expect(bed.tasks).toEqual([]);
  });

  it('are compared with their checksum', async () => {
    const data = isoLike();
    const { createHash } = await import('node:crypto');
    for (const algorithm of ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512']) {
      const checksum = createHash(algorithm).update(data).digest('hex');
      const more = { filename: `${algorithm}.iso`, 'checksum-algorithm': algorithm };
      const good = await commit(await spooled(data), { ...more, checksum: checksum.toUpperCase() });
      expect(good.status).toBe('OK');
      const wrong = `0000${checksum.slice(4)}`;
      const bad = await commit(await spooled(data), { ...more, filename: 'bad.iso', checksum: wrong });
      expect(bad.status).toContain(checksum);
      expect(bad.status).toContain(wrong);
    }
    expect(await volids()).toHaveLength(6);
    expect(await leftovers()).toEqual([]);
  });

  it('that do not look like an ISO image are taken with a warning', async () => {
    const task = await commit(await spooled('not an iso'));
    expect(task.status).toBe('WARNINGS: 1');
    expect(await volids()).toHaveLength(1);
  });

  it('of images that name other files are refused', async () => {
    const path = await spooled('');
    const secret = join(bed.root, 'secret');
    await writeFile(secret, 'x'.repeat(65536));
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', secret, '-F', 'raw', path]);
    const task = await commit(path, { content: 'import', filename: 'evil.qcow2' });
    expect(task.status).toMatch(/needs a backing file/);
    expect(await volids()).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });

  it('come from the spool only', async () => {
    const secret = join(bed.root, 'secret');
    await writeFile(secret, 'secret');
    const inSpool = (name: string) => join(bed.services.paths.spool, name);
    await symlink(secret, inSpool('link'));
    await mkdir(inSpool('folder'));
    const paths = [secret, 'secret', '/etc/passwd', inSpool('../secret'), inSpool('link'), inSpool('folder')];
    for (const path of [...paths, inSpool('missing'), inSpool('.'), '']) {
      await expect(commit(path)).rejects.toThrow(/spool|no longer there/);
    }
    // A second name of somebody else's file is only found out once nobody can exchange it any more.
    await link(secret, inSpool('hardlink'));
    expect((await commit(inSpool('hardlink'))).status).toMatch(/not an ordinary file/);
    expect(await readFile(secret, 'utf8')).toBe('secret');
    expect((await stat(secret)).mode & 0o777).toBe(0o644);
    expect(await volids()).toEqual([]);
  });

  it('need the gateway: nobody else can name a received file', async () => {
    const tmpfilename = await spooled();
    const answer = await bed.call('POST', `${local}/upload`, { ...fields, tmpfilename });
    expect(answer.errors?.filename).toMatch(/multipart/);
    expect(bed.tasks).toEqual([]);
  });

  it('of the same name at once: one wins', async () => {
    const paths = await Promise.all([spooled(), spooled(), spooled()]);
    const tasks = await Promise.all(paths.map((path) => commit(path)));
    expect(tasks.filter((task) => task.status === 'OK')).toHaveLength(1);
    expect(tasks.filter((task) => /already exists/.test(task.status ?? ''))).toHaveLength(2);
    expect(await leftovers()).toEqual([]);
  });
});
