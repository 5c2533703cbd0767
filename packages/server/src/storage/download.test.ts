import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Testbed } from '../api/handlers/storage-testbed.ts';
import { run } from '../host/exec.ts';
import { download, queryUrl } from './download.ts';
import { unpack } from './unpack.ts';

/** Looks like an ISO image, so that no warning is in the way. */
const file = Buffer.alloc(300 * 1024, 'x');
file.write('CD001', 16 * 2048 + 1);
const sha256 = createHash('sha256').update(file).digest('hex');

const routes: Record<string, RequestListener> = {
  '/good.iso': (_request, response) => {
    response.writeHead(200, { 'content-length': file.length, 'content-type': 'application/x-iso; q=1' });
    response.end(file);
  },
  '/chunked.iso': (_request, response) => {
    response.write(file.subarray(0, 1000));
    response.end(file.subarray(1000));
  },
  '/cut.iso': (_request, response) => {
    response.writeHead(200, { 'content-length': file.length });
    response.write(file.subarray(0, 1000), () => response.destroy());
  },
  '/cut-chunked.iso': (_request, response) => {
    response.write(file.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20));
  },
  '/endless.iso': (_request, response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(64 * 1024)), 2);
    response.on('close', () => clearInterval(timer));
  },
  '/silent.iso': (_request, response) => {
    response.writeHead(200, { 'content-length': file.length });
    response.write('x');
  },
  '/mute.iso': () => {},
  '/huge.iso': (_request, response) => response.writeHead(200, { 'content-length': 2 ** 52 }).end('x'),
  '/to-good': (_request, response) => response.writeHead(302, { location: '/good.iso' }).end(),
  '/loop': (_request, response) => response.writeHead(301, { location: '/loop' }).end(),
  '/to-file': (_request, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/error': (_request, response) => response.writeHead(500).end('sorry'),
  '/partial': (_request, response) => response.writeHead(206).end('part'),
  '/named': (_request, response) =>
    response
      .writeHead(200, { 'content-disposition': `attachment; filename="a \\"b.iso"`, 'content-length': 7 })
      .end(),
  '/named-utf8': (_request, response) =>
    response
      .writeHead(200, { 'content-disposition': "attachment; filename=x; filename*=UTF-8''%E6%97%A5.iso" })
      .end(),
  '/evil-name': (_request, response) =>
    response.writeHead(200, { 'content-disposition': 'attachment; filename="../../etc/cron.d/x"' }).end(),
  '/get-only.iso': (request, response) =>
    request.method === 'HEAD' ? response.writeHead(405).end() : response.end(file),
  '/packed.gz': (_request, response) => response.end(gzipSync(file)),
  '/broken.gz': (_request, response) => response.end('this is no gzip'),
};

let server: Server;
let base: string;
let folder: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    const route = routes[new URL(request.url ?? '', 'http://x').pathname];
    if (route) route(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryokan-download-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('download', () => {
  const fetchTo = (path: string, more: Partial<Parameters<typeof download>[1]> = {}) =>
    download(base + path, { target: join(folder, 'file'), maxBytes: 10 ** 7, ...more });

  it.each(['/good.iso', '/chunked.iso', '/to-good'])('fetches %s', async (path) => {
    const hash = createHash('sha256');
    const seen: (number | undefined)[] = [];
    const size = await fetchTo(path, { hash, onProgress: (done, total) => seen.push(done, total) });
    expect(size).toBe(file.length);
    expect(hash.digest('hex')).toBe(sha256);
    expect((await readFile(join(folder, 'file'))).equals(file)).toBe(true);
    expect(seen).toContain(file.length);
  });

  it.each([
    ['/missing', /answered '404 Not Found' for http/],
    ['/error', /answered '500/],
    ['/partial', /answered '206/],
    ['/cut.iso', /broke the connection off/],
    ['/cut-chunked.iso', /broke the connection off/],
    ['/loop', /redirects more than 10 times/],
    ['/to-file', /only http and https are possible, not 'file:'/],
    ['/huge.iso', /4.00 PiB or more, but only 9.54 MiB are free/],
    ['/endless.iso', /or more, but only/],
    ['/silent.iso', /silent for 0 s/],
    ['/mute.iso', /silent for 0 s/],
  ])('refuses %s', async (path, text) => {
    await expect(fetchTo(path, { silence: 200 })).rejects.toThrow(text);
  });

  it('refuses other protocols, bad addresses and dead servers', async () => {
    const options = { target: join(folder, 'file'), maxBytes: 1000 };
    await expect(download('file:///etc/passwd', options)).rejects.toThrow(/only http/);
    await expect(download('http://', options)).rejects.toThrow(/not a valid URL/);
    await expect(download('http://127.0.0.1:1/x', options)).rejects.toThrow(/ECONNREFUSED/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('never writes over a file', async () => {
    await writeFile(join(folder, 'file'), 'mine');
    await expect(fetchTo('/good.iso')).rejects.toThrow(/EEXIST/);
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('mine');
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const onProgress = (done: number) => done > 200_000 && controller.abort();
    await expect(
      fetchTo('/endless.iso', { maxBytes: 10 ** 12, signal: controller.signal, onProgress }),
    ).rejects.toThrow(/abort/i);
  });

  it('keeps passwords out of its texts', async () => {
    const url = `${base.replace('//', '//me:secret@')}/missing`;
    const error = await download(url, { target: join(folder, 'file'), maxBytes: 1 }).catch(
      (one: unknown) => one,
    );
    expect(String(error)).toMatch(/404/);
    expect(String(error)).not.toMatch(/secret/);
  });

  it('checks certificates unless told otherwise', async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-days', '2', '-newkey', 'rsa:2048'];
    await run('openssl', ['req', '-x509', '-nodes', '-keyout', key, '-out', cert, ...subject]);
    const tls = createTlsServer({ key: await readFile(key), cert: await readFile(cert) }, (_, response) =>
      response.end(file),
    );
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    try {
      const url = `https://127.0.0.1:${(tls.address() as AddressInfo).port}/x.iso`;
      const options = { target: join(folder, 'file'), maxBytes: 10 ** 7 };
      await expect(download(url, options)).rejects.toThrow(/certificate of the server could not be verified/);
      expect(await download(url, { ...options, verifyCertificates: false })).toBe(file.length);
    } finally {
      tls.close();
    }
  });
});

describe('metadata of an address', () => {
  it.each([
    ['/good.iso', { filename: 'good.iso', size: file.length, mimetype: 'application/x-iso' }],
    ['/to-good', { filename: 'good.iso', size: file.length, mimetype: 'application/x-iso' }],
    ['/get-only.iso?token=1', { filename: 'get-only.iso', size: file.length }],
    ['/named', { filename: 'a "b.iso', size: 7 }],
    ['/named-utf8', { filename: '日.iso' }],
    ['/evil-name', { filename: 'x' }],
  ])('of %s', async (path, expected) => {
    expect(await queryUrl(base + path)).toEqual(expected);
  });

  it('is refused with the reason', async () => {
    await expect(queryUrl(`${base}/missing`)).rejects.toThrow(/404/);
    await expect(queryUrl(`${base}/loop`)).rejects.toThrow(/redirects/);
  });
});

describe('unpacking', () => {
  const packed = async (compression: 'gz' | 'bz2' | 'zst', data: Buffer) => {
    const source = join(folder, `file.${compression}`);
    await writeFile(join(folder, 'plain'), data);
    const tool = { gz: 'gzip', bz2: 'bzip2', zst: 'zstd' }[compression];
    await run(tool, ['-k', join(folder, 'plain')]);
    await run('mv', [join(folder, `plain.${compression}`), source]);
    await rm(join(folder, 'plain'));
    return source;
  };

  it.each(['gz', 'bz2', 'zst'] as const)('reads %s, within a limit', async (compression) => {
    const source = await packed(compression, file);
    const target = join(folder, 'file');
    await unpack(compression, source, target, { maxBytes: file.length });
    expect((await readFile(target)).equals(file)).toBe(true);
    await rm(target);
    await expect(unpack(compression, source, target, { maxBytes: 100_000 })).rejects.toMatchObject({
      code: 'no-space',
    });
  });

  it.each(['gz', 'bz2', 'zst'] as const)('refuses what is not %s', async (compression) => {
    const source = join(folder, `file.${compression}`);
    await writeFile(source, 'something else');
    const options = { maxBytes: 1000 };
    await expect(unpack(compression, source, join(folder, 'file'), options)).rejects.toThrow(/cannot unpack/);
  });
});

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
    const query = (user: string, url: string) =>
      bed.call('GET', '/nodes/pve1/query-url-metadata', { url }, { user });
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
