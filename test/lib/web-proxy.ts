/**
 * A way out of a network namespace for those who fetch packages, and for nothing else: an HTTP proxy in the test's own
 * process, reached through a Unix socket from a listener inside.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import type { NetworkNamespace } from './network-namespace.ts';

const listener = `
const net = require('node:net');
const [path, port] = process.argv.slice(1);
net.createServer((near) => {
  const far = net.connect({ path });
  near.pipe(far).pipe(near);
  near.on('error', () => far.destroy()); far.on('error', () => near.destroy());
}).listen(Number(port), () => console.log('ready'));
`;

export interface WebProxy {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on `port` of every address inside. */
export async function openWebProxy(namespace: NetworkNamespace, port = 3142): Promise<WebProxy> {
  const folder = await mkdtemp('/tmp/ryprx-');
  const path = join(folder, 'proxy');
  const server = createServer((incoming, answer) => {
    const { url = '', method, headers } = incoming;
    const onward = request(url, { method, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    onward.on('error', (error) => answer.writeHead(502).end(String(error)));
    incoming.pipe(onward);
  });
  server.listen(path);
  await once(server, 'listening');
  const [program = '', ...prefix] = namespace.prefix;
  const child = spawn(program, [...prefix, process.execPath, '-e', listener, path, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return { port, close: () => close(server, child, folder) };
}

async function close(server: Server, child: ChildProcess, folder: string): Promise<void> {
  server.closeAllConnections();
  server.close();
  // Who empties the namespace may have killed it before.
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await rm(folder, { recursive: true, force: true });
}
