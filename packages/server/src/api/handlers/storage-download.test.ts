import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DownloadServer, file, sha256, startDownloadServer } from '../../storage/download-testbed.ts';
import { Testbed } from './storage-testbed.ts';

let server: DownloadServer;
let base: string;

beforeAll(async () => {
  server = await startDownloadServer();
  base = server.base;
});
afterAll(() => server.stop());

describe('download-url', () => {
  let bed: Testbed;
  const rights = ['Datastore.AllocateTemplate', 'Datastore.Audit'] as const;
  beforeEach(async () => {
    bed = await Testbed.make({
      'inside@pve': { '/storage/local': rights },
      'outside@pve': { '/storage/local': rights, '/nodes/pve1': ['Sys.AccessNetwork'] },
    });
  });
  afterEach(() => bed.cleanup());

  const path = '/nodes/pve1/storage/local/download-url';
  const params = (from: string, more: Record<string, unknown> = {}) => ({
    content: 'iso',
    filename: 'x.iso',
    url: base + from,
    ...more,
  });
  const names = async () => [
    ...(await readdir(join(bed.root, 'storage/template/iso'))),
    ...(await readdir(join(bed.root, 'spool'))),
  ];

  it('makes a volume, with a checksum', async () => {
    const more = { checksum: sha256, 'checksum-algorithm': 'sha256' };
    const task = await bed.task('POST', path, params('/to-good', more));
    expect(task.status).toBe('OK');
    expect(task.lines.join('\n')).toMatch(/redirected to .*\/good.iso/);
    expect(await names()).toEqual(['x.iso']);
    expect((await stat(join(bed.root, 'storage/template/iso/x.iso'))).size).toBe(file.length);
    expect((await bed.call('POST', path, params('/good.iso'))).reason).toMatch(/already exists/);
  });

  it('unpacks', async () => {
    const packed = { compression: 'gz', checksum: 'x' };
    expect((await bed.call('POST', path, params('/packed.gz', packed))).status).toBe(400);
    const task = await bed.task('POST', path, params('/packed.gz', { compression: 'gz' }));
    expect(task.status).toBe('OK');
    expect(await names()).toEqual(['x.iso']);
    expect((await readFile(join(bed.root, 'storage/template/iso/x.iso'))).equals(file)).toBe(true);
  });

  it.each([
    [
      '/good.iso',
      { checksum: '0'.repeat(64), 'checksum-algorithm': 'sha256' },
      /checksum mismatch: got '[0-9a-f]{64}'/,
    ],
    ['/cut.iso', {}, /failed/],
    ['/missing', {}, /404/],
    ['/loop', {}, /redirects/],
    ['/huge.iso', {}, /are free on the storage/],
    ['/broken.gz', { compression: 'gz' }, /cannot unpack/],
    ['/good.iso', { content: 'import', filename: 'x.qcow2' }, /no qcow2 image to import/],
  ])('leaves nothing of %s %j', async (from, more, text) => {
    const task = await bed.task('POST', path, params(from, more));
    expect(task.status).toMatch(text);
    expect(await names()).toEqual([]);
    expect(await readdir(join(bed.root, 'storage/import'))).toEqual([]);
  });

  it('leaves nothing when it is stopped', async () => {
    const { data } = await bed.call('POST', path, params('/endless.iso'));
    const task = bed.tasks.find((one) => one.upid === data);
    const iso = join(bed.root, 'storage/template/iso');
    await expect.poll(async () => (await readdir(iso).catch(() => [])).length).toBe(1);
    task?.abort();
    await task?.ended;
    expect(task?.status).toMatch(/abort/i);
    expect(await names()).toEqual([]);
  });

  it('needs the right to reach out of the node', async () => {
    const ask = (user: string) => bed.call('POST', path, params('/good.iso'), { user });
    expect((await ask('inside@pve')).status).toBe(403);
    expect((await ask('outside@pve')).status).toBe(200);
    await bed.tasks[0]?.ended;
    // Without Sys.Modify the node itself is out of reach, unless the datacenter says otherwise.
    expect(bed.tasks[0]?.status).toMatch(/Sys\.Modify on the node/);
    const query = (user: string, url: string) =>
      bed.call('GET', '/nodes/pve1/query-url-metadata', { url }, { user });
    expect((await query('outside@pve', `${base}/good.iso`)).status).toBe(403);
    await bed.services.store.commit([], [{ path: 'datacenter.cfg', text: 'url-reach: any\n' }]);
    expect((await query('inside@pve', `${base}/good.iso`)).status).toBe(403);
    expect((await query('outside@pve', `${base}/good.iso`)).data).toMatchObject({ filename: 'good.iso' });
    const refused = await query('outside@pve', `${base}/missing`);
    expect(refused.status).toBe(400);
    expect(refused.errors?.url).toMatch(/404/);
  });

  it('takes http and https only, and names that fit', async () => {
    const wrong = async (more: Record<string, unknown>) =>
      (await bed.call('POST', path, { ...params('/good.iso'), ...more })).errors;
    expect(await wrong({ url: 'ftp://x/y' })).toHaveProperty('url');
    expect(await wrong({ url: 'file:///etc/passwd' })).toHaveProperty('url');
    expect(await wrong({ filename: 'x.txt' })).toHaveProperty('filename');
    expect(await wrong({ content: 'images' })).toHaveProperty('content');
    await bed.call('PUT', '/storage/local', { content: 'images' });
    expect((await bed.call('POST', path, params('/good.iso'))).reason).toMatch(
      /does not support content type/,
    );
  });
});
