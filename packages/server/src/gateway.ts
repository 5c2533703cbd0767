/**
 * The gateway process: everything that parses bytes from the network, without root rights. The daemon starts it as
 * user `ryokan` and hands over certificate and key on standard input, so that it can read no key from disk.
 */
import type { EventEmitter } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { consoleUpgrades } from './gateway/console.ts';
import { DaemonLink } from './gateway/daemon-link.ts';
import { handleRequest } from './gateway/http.ts';
import type { GatewayChange, GatewaySettings } from './gateway/settings.ts';
import { spiceProxy } from './gateway/spice-proxy.ts';
import { StaticFiles } from './gateway/static-files.ts';
import { tlsRules } from './gateway/tls-rules.ts';

/** How long a client may take for its request's header lines, and for the TLS handshake (ms). */
const headerTimeout = 10_000;

async function main(): Promise<void> {
  const lines = createInterface(process.stdin)[Symbol.asyncIterator]();
  const settings = JSON.parse((await lines.next()).value ?? '') as GatewaySettings;
  let now: GatewayChange = settings;
  const link = await DaemonLink.open(settings.socket, () => process.exit(0));
  const files = new StaticFiles(settings.webRoot);
  const context = { link, files, spool: settings.spool };
  const limits = {
    maxHeaderSize: 16 * 1024,
    headersTimeout: headerTimeout,
    // Uploads may last for hours; bodies of other calls have a limit of their own.
    requestTimeout: 0,
    connectionsCheckingInterval: 5_000,
    keepAliveTimeout: 65_000,
  };
  const tls = createTlsServer(
    {
      ...limits,
      cert: settings.cert,
      key: settings.key,
      ...tlsRules,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: headerTimeout,
    },
    (request, response) => {
      const { hsts } = now;
      if (hsts !== undefined) response.setHeader('Strict-Transport-Security', `max-age=${hsts}`);
      handleRequest(context, request, response);
    },
  );
  tls.maxHeadersCount = 64;
  tls.on('upgrade', consoleUpgrades({ link, relaySocket: settings.relaySocket }));
  tls.on('tlsClientError', (_error, socket) => socket.destroy());
  tls.on('clientError', (_error, socket) => socket.destroy());
  const plain = createHttpServer(limits, (request, response) => {
    const host = request.headers.host ?? `${settings.node}:${settings.port}`;
    const status = request.method === 'GET' || request.method === 'HEAD' ? 301 : 308;
    response.writeHead(status, { Location: `https://${host}${request.url}`, Connection: 'close' }).end();
  });
  plain.on('connect', spiceProxy({ link, ...settings }));
  plain.on('clientError', (_error, socket) => socket.destroy());
  listen(settings, tls, plain);
  for await (const line of { [Symbol.asyncIterator]: () => lines }) now = JSON.parse(line) as GatewayChange;
}

/**
 * One port for both: a TLS handshake begins with byte 22, anything else is plain HTTP: to be redirected, or a CONNECT of
 * a SPICE viewer, which speaks TLS behind that.
 */
function listen(settings: GatewaySettings, tls: EventEmitter, plain: EventEmitter): void {
  const front = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    // Who connects and says nothing is cut off.
    const timer = setTimeout(() => socket.destroy(), headerTimeout);
    socket.once('close', () => clearTimeout(timer));
    socket.once('readable', () => {
      clearTimeout(timer);
      const first: Buffer | null = socket.read();
      if (!first) return;
      socket.unshift(first);
      (first[0] === 22 ? tls : plain).emit('connection', socket);
    });
  });
  front.on('error', (error: NodeJS.ErrnoException) => {
    process.stdout.write(`${JSON.stringify({ error: error.code ?? error.message })}\n`);
    process.exit(1);
  });
  front.listen({ port: settings.port, host: settings.listen }, () => {
    // Node.js starts to watch headersTimeout when a server begins to listen, which these two never do by themselves.
    for (const server of [tls, plain]) server.emit('listening');
    process.stdout.write(`${JSON.stringify({ listening: front.address() })}\n`);
  });
}

await main();
