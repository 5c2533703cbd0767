/**
 * A network of a test's own: a network namespace with a bridge and a DHCP server on it. Nothing of it touches the
 * host's network, and all of it goes when the namespace goes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';

export interface DhcpLease {
  readonly mac: string;
  readonly address: string;
  readonly hostName: string;
}

export class PrivateNetwork {
  /** Name of the network namespace. */
  readonly namespace: string;
  readonly bridge = 'br0';
  readonly #directory: string;
  readonly #dnsmasq: ChildProcess;

  constructor(namespace: string, directory: string, dnsmasq: ChildProcess) {
    this.namespace = namespace;
    this.#directory = directory;
    this.#dnsmasq = dnsmasq;
  }

  /** Put before a program and its arguments to run it inside. */
  get prefix(): string[] {
    return ['ip', 'netns', 'exec', this.namespace];
  }

  /** Runs a program inside; gives its standard output. */
  async run(program: string, ...args: string[]): Promise<string> {
    return (await run('ip', ['netns', 'exec', this.namespace, program, ...args], { timeout: 30_000 })).stdout;
  }

  /** Makes a tap device on the bridge, for `-netdev tap,ifname=…,script=no,downscript=no`. */
  async addTap(name: string): Promise<void> {
    await this.run('ip', 'tuntap', 'add', 'dev', name, 'mode', 'tap');
    await this.run('ip', 'link', 'set', name, 'master', this.bridge, 'up');
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
    await run('ip', ['netns', 'delete', this.namespace]);
    await rm(this.#directory, { recursive: true, force: true });
  }
}

const leaseFile = (directory: string): string => join(directory, 'leases');

/** Namespace, bridge `br0` with 10.86.0.1/24 and DHCP from .100 to .199. */
export async function createPrivateNetwork(): Promise<PrivateNetwork> {
  const namespace = `ryt-${randomBytes(3).toString('hex')}`;
  const directory = await mkdtemp('/tmp/rynet-');
  await run('ip', ['netns', 'add', namespace]);
  try {
    for (const command of [
      'link set lo up',
      'link add br0 type bridge forward_delay 0',
      'address add 10.86.0.1/24 dev br0',
      'link set br0 up',
    ]) {
      await run('ip', ['-n', namespace, ...command.split(' ')]);
    }
    return new PrivateNetwork(namespace, directory, await startDnsmasq(namespace, directory));
  } catch (error) {
    await run('ip', ['netns', 'delete', namespace]);
    await rm(directory, { recursive: true });
    throw error;
  }
}

async function startDnsmasq(namespace: string, directory: string): Promise<ChildProcess> {
  const child = spawn(
    'ip',
    [
      ...['netns', 'exec', namespace, 'dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null'],
      ...['--interface=br0', '--bind-interfaces', '--port=0', '--user=root', '--no-ping'],
      ...['--dhcp-range=10.86.0.100,10.86.0.199,1h', `--dhcp-leasefile=${leaseFile(directory)}`],
      ...['--pid-file=', '--log-facility=-'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let messages = '';
  for await (const text of child.stderr.setEncoding('utf8')) {
    messages += text;
    if (messages.includes('DHCP, IP range')) break;
  }
  if (!messages.includes('DHCP, IP range')) throw new Error(`dnsmasq did not start: ${messages}`);
  return child;
}
