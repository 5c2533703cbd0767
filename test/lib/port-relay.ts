/**
 * Reaches a TCP port inside a network namespace from outside without any network between the two: a listener here on
 * 127.0.0.1, a Unix socket (those know no network namespaces), a small relay process inside.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { NetworkNamespace } from './network-namespace.ts';

/** Runs inside: each connection on the Unix socket becomes one to the port. */
const relayProgram = `
const net = require('node:net');
const [path, port] = process.argv.slice(1);
net.createServer({ allowHalfOpen: true }, (near) => {
  const far = net.connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
  near.pipe(far).pipe(near);
  near.on('error', () => far.destroy()); far.on('error', () => near.destroy());
  near.on('close', () => far.destroy()); far.on('close', () => near.destroy());
}).listen(path, () => console.log('ready'));
`;

export class PortRelay {
  /** Port on 127.0.0.1 outside. */
  readonly port: number;
  readonly #server: Server;
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #sockets: Set<Socket>;

  constructor(server: Server, child: ChildProcess, directory: string, sockets: Set<Socket>) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#child = child;
    this.#directory = directory;
    this.#sockets = sockets;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Opens the way to `port` of 127.0.0.1 inside `namespace`; the port need not be served yet. */
export async function openPortRelay(namespace: NetworkNamespace, port: number): Promise<PortRelay> {
  const directory = await mkdtemp('/tmp/ryrel-');
  const path = join(directory, 'relay');
  const [program = '', ...prefix] = namespace.prefix;
  const child = spawn(program, [...prefix, process.execPath, '-e', relayProgram, path, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = createConnection({ path, allowHalfOpen: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new PortRelay(server, child, directory, sockets);
}
