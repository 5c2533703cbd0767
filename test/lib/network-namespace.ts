/**
 * Network namespaces of a test's own. Whatever is made inside (bridges, taps, nftables rules, DHCP servers) leaves the
 * host's network alone, and goes when the namespace goes.
 */
import { randomBytes } from 'node:crypto';
import { run } from '../../packages/server/src/host/exec.ts';

export class NetworkNamespace {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Put before a program and its arguments to run it inside. */
  get prefix(): string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** Runs a program inside; gives its standard output. */
  async run(program: string, ...args: string[]): Promise<string> {
    return (await run('ip', ['netns', 'exec', this.name, program, ...args], { timeout: 30_000 })).stdout;
  }

  /** Pings an address from inside; true when the answer came within 5 s. */
  async pings(address: string): Promise<boolean> {
    return this.run('busybox', 'ping', '-c', '1', '-W', '5', address).then(
      () => true,
      () => false,
    );
  }

  /** Removes the name; devices inside go with the last process that runs there. */
  async remove(): Promise<void> {
    await run('ip', ['netns', 'delete', this.name]);
  }
}

/** A new namespace that has only `lo`, up. */
export async function createNamespace(): Promise<NetworkNamespace> {
  const namespace = new NetworkNamespace(`ryt-${randomBytes(3).toString('hex')}`);
  await run('ip', ['netns', 'add', namespace.name]);
  await run('ip', ['-n', namespace.name, 'link', 'set', 'lo', 'up']);
  return namespace;
}
