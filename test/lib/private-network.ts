/** A network namespace with a bridge and a DHCP server on it, for guests started without the product. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createNamespace, type NetworkNamespace } from './network-namespace.ts';

export interface DhcpLease {
  readonly mac: string;
  readonly address: string;
  readonly hostName: string;
}

const bridge = 'br0';

export class PrivateNetwork {
  readonly namespace: NetworkNamespace;
  readonly #directory: string;
  readonly #dnsmasq: ChildProcess;

  constructor(namespace: NetworkNamespace, directory: string, dnsmasq: ChildProcess) {
    this.namespace = namespace;
    this.#directory = directory;
    this.#dnsmasq = dnsmasq;
  }

  /** Makes a tap device on the bridge, for `-netdev tap,ifname=…,script=no,downscript=no`. */
  async addTap(name: string): Promise<void> {
    await this.namespace.run('ip', 'tuntap', 'add', 'dev', name, 'mode', 'tap');
    await this.namespace.run('ip', 'link', 'set', name, 'master', bridge, 'up');
  }

  /** Addresses that dnsmasq has given out. Its lines: expiry, MAC, address, host name, client id. */
  async leases(): Promise<DhcpLease[]> {
    const text = await readFile(leaseFile(this.#directory), 'utf8').catch(() => '');
    return text
      .split('\n')
      .map((line) => line.split(' '))
      .filter((fields) => fields.length >= 4)
      .map(([, mac = '', address = '', hostName = '']) => ({ mac, address, hostName }));
  }

  async remove(): Promise<void> {
    if (this.#dnsmasq.exitCode === null) {
      this.#dnsmasq.kill('SIGKILL');
      await once(this.#dnsmasq, 'exit');
    }
    await this.namespace.remove();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

const leaseFile = (directory: string): string => join(directory, 'leases');

/** Namespace, bridge `br0` with 10.86.0.1/24 and DHCP from .100 to .199. */
export async function createPrivateNetwork(): Promise<PrivateNetwork> {
  const namespace = await createNamespace();
  const directory = await mkdtemp('/tmp/rynet-');
  try {
    await namespace.run('ip', 'link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0');
    await namespace.run('ip', 'address', 'add', '10.86.0.1/24', 'dev', bridge);
    await namespace.run('ip', 'link', 'set', bridge, 'up');
    return new PrivateNetwork(namespace, directory, await startDnsmasq(namespace, directory));
  } catch (error) {
    await namespace.remove();
    await rm(directory, { recursive: true });
    throw error;
  }
}

async function startDnsmasq(namespace: NetworkNamespace, directory: string): Promise<ChildProcess> {
  const [program = '', ...prefix] = namespace.prefix;
  const child = spawn(
    program,
    [
      ...[...prefix, 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--pid-file='],
      ...[`--interface=${bridge}`, '--bind-interfaces', '--port=0', '--user=root', '--no-ping'],
      ...['--dhcp-range=10.86.0.100,10.86.0.199,1h', `--dhcp-leasefile=${leaseFile(directory)}`],
      '--log-facility=-',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let messages = '';
  for await (const text of child.stderr.setEncoding('utf8')) {
    messages += text;
    if (messages.includes('DHCP, IP range')) return child;
  }
  throw new Error(`dnsmasq did not start: ${messages}`);
}
