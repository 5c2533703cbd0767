import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../host/exec.ts';
import { download, queryUrl } from './download.ts';
import { type DownloadServer, file, sha256, startDownloadServer } from './download-testbed.ts';
import { unpack } from './unpack.ts';

let server: DownloadServer;
let base: string;
let folder: string;

beforeAll(async () => {
  server = await startDownloadServer();
  base = server.base;
});
afterAll(() => server.stop());
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
