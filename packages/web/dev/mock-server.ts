/**
 * A stand-in for the API with made-up data, for looking at the pages and for layout tests only: 1,000 guests, tasks that
 * run, live events. It knows nothing of permissions or validation; the real server has tests of its own.
 * It serves dist/ too, with the content security policy of the gateway.
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { type MockData, makeData } from './mock-data.ts';
import { answer } from './mock-routes.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
export const contentSecurityPolicy =
  "default-src 'self'; img-src 'self' data: blob:; connect-src 'self' ws: wss:";

export interface MockServer {
  readonly url: string;
  readonly data: MockData;
  close(): Promise<void>;
}

export async function startMockServer(options: {
  port?: number;
  guests?: number;
  dist: string;
}): Promise<MockServer> {
  const data = makeData(options.guests ?? 1000);
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://mock');
    if (url.pathname.startsWith('/api2/json')) void serveApi(data, request, response, url);
    else serveFile(options.dist, url.pathname, response);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    data,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serveApi(
  data: MockData,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const path = decodeURIComponent(url.pathname.slice('/api2/json'.length));
  if (path === '/cluster/events') return serveEvents(data, request, response, url.searchParams.get('task'));
  let body = '';
  if (path.endsWith('/upload')) request.resume();
  else for await (const chunk of request) body += chunk;
  const params = Object.fromEntries([...new URLSearchParams(body), ...url.searchParams]);
  const loggedIn = /PVEAuthCookie=[^;]+/.test(request.headers.cookie ?? '');
  if (!loggedIn && !path.startsWith('/access/ticket') && !path.startsWith('/access/domains')) {
    response.writeHead(401, 'No ticket').end();
    return;
  }
  const reply = answer(data, request.method ?? 'GET', path, params);
  const status = reply.status ?? 200;
  const cookie = status === 200 ? cookieAfter(`${request.method} ${path}`) : undefined;
  response.writeHead(status, reply.message ?? 'OK', {
    'content-type': 'application/json;charset=UTF-8',
    ...(cookie === undefined ? {} : { 'set-cookie': cookie }),
  });
  const failure =
    status === 200
      ? {}
      : { message: `${reply.message}\n`, ...(reply.errors ? { errors: reply.errors } : {}) };
  response.end(JSON.stringify({ data: reply.data ?? null, ...failure }));
}

/** As a node sets it, but for `Secure`: this server speaks plain HTTP. */
function cookieAfter(call: string): string | undefined {
  const attributes = 'Path=/; HttpOnly; SameSite=Strict';
  if (call === 'POST /access/ticket') return `PVEAuthCookie=mock; ${attributes}`;
  if (call === 'DELETE /access/sessions/current') return `PVEAuthCookie=; ${attributes}; Max-Age=0`;
  return undefined;
}

function serveEvents(
  data: MockData,
  request: IncomingMessage,
  response: ServerResponse,
  task: string | null,
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const send = (event: string, value: unknown) =>
    response.write(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`);
  send('hello', {});
  const stop = data.subscribe((event, value) => {
    if (event !== 'log' || (value as { upid: string }).upid === task) send(event, value);
  });
  request.on('close', stop);
}

function serveFile(dist: string, pathname: string, response: ServerResponse): void {
  const wanted = join(dist, normalize(pathname));
  const path = existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(dist, 'index.html');
  response.writeHead(200, {
    'content-type': types[extname(path)] ?? 'application/octet-stream',
    'content-security-policy': contentSecurityPolicy,
  });
  createReadStream(path).pipe(response);
}
