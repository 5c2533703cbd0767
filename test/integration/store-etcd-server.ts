/**
 * Starts real etcd members for tests, on free ports of the loopback address.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface EtcdMember {
  readonly endpoint: string;
  readonly pid: () => number;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** Starts it again on its data. */
  restart(): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

export interface EtcdServer {
  readonly members: readonly EtcdMember[];
  readonly endpoints: string[];
  stop(): Promise<void>;
}

export interface EtcdTlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The reason why these tests cannot run here. */
export function etcdMissing(): string | undefined {
  const found = spawnSync('etcd', ['--version']);
  return found.error ? 'etcd is not installed (Debian package etcd-server)' : undefined;
}

/** Starts a cluster of `size` members and waits until it has a leader. */
export async function startEtcd(
  size = 1,
  extra: readonly string[] = [],
  tls?: EtcdTlsFiles,
): Promise<EtcdServer> {
  const folder = mkdtempSync(join(tmpdir(), 'ryokan-etcd-'));
  const scheme = tls ? 'https' : 'http';
  const ports = await freePorts(size * 2);
  const plans = Array.from({ length: size }, (_, index) => ({
    name: `m${index}`,
    client: `${scheme}://127.0.0.1:${ports[index * 2]}`,
    peer: `http://127.0.0.1:${ports[index * 2 + 1]}`,
  }));
  const cluster = plans.map(({ name, peer }) => `${name}=${peer}`).join(',');
  const members = plans.map(({ name, client, peer }) => {
    const args = ['--name', name, '--data-dir', join(folder, name)];
    args.push('--listen-client-urls', client, '--advertise-client-urls', client);
    args.push(
      '--listen-peer-urls',
      peer,
      '--initial-advertise-peer-urls',
      peer,
      '--initial-cluster',
      cluster,
    );
    if (tls)
      args.push(
        '--cert-file',
        tls.cert,
        '--key-file',
        tls.key,
        '--trusted-ca-file',
        tls.ca,
        '--client-cert-auth',
      );
    return new Member(client, [...args, '--log-level', 'error', ...extra]);
  });
  const server: EtcdServer = {
    members,
    endpoints: members.map((member) => member.endpoint),
    stop: async () => {
      await Promise.all(members.map((member) => member.kill()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(members.map((member) => member.restart(!tls)));
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class Member implements EtcdMember {
  readonly endpoint: string;
  readonly #args: string[];
  #process: ChildProcess | undefined;
  #output = '';

  constructor(endpoint: string, args: string[]) {
    this.endpoint = endpoint;
    this.#args = args;
  }

  pid(): number {
    return this.#process?.pid ?? 0;
  }

  async kill(): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  /** `wait`: until it is healthy, which needs a majority. */
  async restart(wait = true): Promise<void> {
    const child = spawn('etcd', this.#args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH },
    });
    this.#process = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-4000);
    });
    const until = Date.now() + 20_000;
    while (wait && !(await isHealthy(this.endpoint))) {
      if (child.exitCode !== null || Date.now() > until)
        throw new Error(`etcd did not start: ${this.#output}`);
      await sleep(20);
    }
  }
}

async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    const answer = await fetch(`${endpoint}/health`, { signal: AbortSignal.timeout(1000) });
    return ((await answer.json()) as { health?: string }).health === 'true';
  } catch {
    return false;
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
