import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StaticFiles } from './static-files.ts';

const script = 'export const text = 1;\n'.repeat(200);
const index = `<!doctype html>${'<p>page</p>'.repeat(200)}`;
let folder: string;
let server: Server;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'static-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), index);
  writeFileSync(join(folder, 'assets/both-1.js'), script);
  writeFileSync(join(folder, 'assets/both-1.js.br'), brotliCompressSync(script));
  writeFileSync(join(folder, 'assets/both-1.js.gz'), gzipSync(script));
  writeFileSync(join(folder, 'assets/plain-1.js'), script);
  writeFileSync(join(folder, 'assets/short-1.js'), 'export {};\n');
  const files = new StaticFiles(folder);
  server = createServer((message, response) => files.serve(message, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function get(path: string, headers: Record<string, string> = {}): Promise<Got> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const message = request({ host: '127.0.0.1', port, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    message.on('error', reject).end();
  });
}

test.each([
  ['/assets/both-1.js', 'gzip, deflate, br, zstd', 'br'],
  ['/assets/both-1.js', 'gzip', 'gzip'],
  ['/assets/both-1.js', '', undefined],
  ['/assets/plain-1.js', 'br, gzip', 'gzip'],
  ['/assets/plain-1.js', 'br', undefined],
  ['/assets/short-1.js', 'br, gzip', undefined],
])('%s for a browser that takes "%s" comes as %s', async (path, accepted, encoding) => {
  for (let again = 0; again < 2; again++) {
    const { headers, body } = await get(path, { 'Accept-Encoding': accepted });
    expect(headers['content-encoding']).toBe(encoding);
    expect(headers['content-type']).toBe('text/javascript;charset=UTF-8');
    expect(headers.vary).toBe('Accept-Encoding');
    const plain =
      encoding === 'br' ? brotliDecompressSync(body) : encoding === 'gzip' ? gunzipSync(body) : body;
    expect(plain.toString()).toBe(path.includes('short') ? 'export {};\n' : script);
  }
});

test('pages have URLs of their own, files must be there', async () => {
  expect((await get('/qemu/100/summary?x=1')).body.toString()).toBe(index);
  expect((await get('/assets/gone-1.js')).status).toBe(404);
  // The compressed forms are no files of their own.
  expect((await get('/assets/both-1.js.br')).status).toBe(404);
});

test('a browser that has the file gets no bytes', async () => {
  const { headers } = await get('/assets/both-1.js');
  const again = await get('/assets/both-1.js', { 'If-None-Match': headers.etag ?? '' });
  expect(again.status).toBe(304);
  expect(again.body.length).toBe(0);
});
