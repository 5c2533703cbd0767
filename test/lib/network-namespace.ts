/**
 * Network namespaces of a test's own. Whatever is made inside (bridges, taps, nftables rules, DHCP servers) leaves the
 * host's network alone, and goes when the namespace goes.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { run } from '../../packages/server/src/host/exec.ts';

/**
 * `ip netns exec` gives a program another /sys, without control groups. The script mounts them as the machine has them.
 */
function withControlGroups(): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, path, type]) => path?.startsWith('/sys/fs/cgroup') && type !== undefined);
  const script = mounts.map(([, path, type, options]) => {
    const own = (options ?? '')
      .split(',')
      .filter((one) => type === 'cgroup' && !/^(rw|relatime|no)/.test(one));
    return `mkdir -p ${path} && mount -t ${type} ${own.length > 0 ? `-o ${own.join(',')} ` : ''}${type} ${path}`;
  });
  return ['sh', '-c', [...script, 'exec "$@"'].join(' && '), 'sh'];
}

export class NetworkNamespace {
  readonly name: string;
  readonly #controlGroups: boolean;

  constructor(name: string, controlGroups = false) {
    this.name = name;
    this.#controlGroups = controlGroups;
  }

  /** Put before a program and its arguments to run it inside. */
  get prefix(): string[] {
    return ['ip', 'netns', 'exec', this.name, ...(this.#controlGroups ? withControlGroups() : [])];
  }

  /** Runs a program inside; gives its standard output. */
  async run(program: string, ...args: string[]): Promise<string> {
    const [first = '', ...rest] = [...this.prefix, program, ...args];
    return (await run(first, rest, { timeout: 120_000 })).stdout;
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
export async function createNamespace({ controlGroups = false } = {}): Promise<NetworkNamespace> {
  const namespace = new NetworkNamespace(`ryt-${randomBytes(3).toString('hex')}`, controlGroups);
  await run('ip', ['netns', 'add', namespace.name]);
  await run('ip', ['-n', namespace.name, 'link', 'set', 'lo', 'up']);
  return namespace;
}
