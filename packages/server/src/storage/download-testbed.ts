/** A web server that behaves badly in all the ways that downloads must survive. For tests. */
import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** Looks like an ISO image, so that no warning is in the way. */
export const file = Buffer.alloc(300 * 1024, 'x');
file.write('CD001', 16 * 2048 + 1);
export const sha256 = createHash('sha256').update(file).digest('hex');

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

export interface DownloadServer {
  /** `http://127.0.0.1:<port>` */
  readonly base: string;
  stop(): void;
}

export async function startDownloadServer(): Promise<DownloadServer> {
  const server = createServer((request, response) => {
    const route = routes[new URL(request.url ?? '', 'http://x').pathname];
    if (route) route(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
