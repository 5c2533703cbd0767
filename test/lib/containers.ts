/** A node with a busybox template, and what tests do with its containers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession } from './api-session.ts';
import { writeBusyboxTemplate } from './busybox-template.ts';
import { type NodeOptions, startNode, type TestNode } from './node.ts';
import { waitFor } from './wait.ts';

export const busyboxTemplate = 'local:vztmpl/busybox.tar.gz';

type Params = Readonly<Record<string, string | number | boolean>>;

export class ContainerLab {
  constructor(
    readonly node: TestNode,
    public admin: ApiSession,
    private readonly ownNetwork: boolean,
  ) {}

  path(vmid: number, rest = ''): string {
    return `${this.node.path}/lxc/${vmid}${rest}`;
  }

  create(vmid: number, params: Params = {}): Promise<unknown> {
    return this.admin.run('POST', `${this.node.path}/lxc`, {
      ...{ vmid, ostemplate: busyboxTemplate, rootfs: 'local:0.1', hostname: `box${vmid}`, ...params },
    });
  }

  power(vmid: number, action: string, params: Params = {}): Promise<unknown> {
    return this.admin.run('POST', this.path(vmid, `/status/${action}`), params);
  }

  set(vmid: number, params: Params): Promise<unknown> {
    return this.admin.call('PUT', this.path(vmid, '/config'), params);
  }

  config(vmid: number): Promise<Record<string, unknown>> {
    return this.admin.get(this.path(vmid, '/config'));
  }

  status(vmid: number): Promise<{ status: string; pid?: number }> {
    return this.admin.get(this.path(vmid, '/status/current'));
  }

  /** Process id of LXC's monitor of a running container. */
  async monitor(vmid: number): Promise<number> {
    return Number.parseInt(await readFile(join(this.node.dataDir, `run/lxc/${vmid}.pid`), 'utf8'), 10);
  }

  /** Runs a program where the node runs: LXC's sockets belong to its network namespace. */
  async run(program: string, ...args: string[]): Promise<string> {
    return this.ownNetwork
      ? this.node.namespace.run(program, ...args)
      : (await run(program, args, { timeout: 30_000 })).stdout;
  }

  /** Runs a shell command in a container; its output. */
  async inside(vmid: number, command: string): Promise<string> {
    const name = ['--name', String(vmid), '--lxcpath', join(this.node.dataDir, 'run/lxc')];
    return (await this.run('lxc-attach', ...name, '--clear-env', '--', '/bin/sh', '-c', command)).trim();
  }

  /** What a container that does not run has left behind: nothing, else this says what. */
  async leftovers(vmid: number): Promise<string[]> {
    const { node } = this;
    const loops = (await run('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'])).stdout.split(
      '\n',
    );
    const links = (await this.run('ip', '-oneline', 'link')).split('\n');
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    const groups = readdirSync('/sys/fs/cgroup').flatMap((mount) =>
      ['', '-monitor'].map((end) => join('/sys/fs/cgroup', mount, `ryokan-${node.name}/${vmid}${end}`)),
    );
    return [
      ...loops.filter((line) => line.startsWith(join(node.dataDir, `storage/images/${vmid}/`))),
      ...links.filter((line) => new RegExp(`\\bvet[hp]${vmid}i`).test(line)),
      ...mounts.filter((line) => line.includes(join(node.dataDir, 'run/lxc'))),
      ...groups.filter((path) => existsSync(path)),
    ];
  }

  /** Resolves when a container whose monitor was killed is cleaned up after; the daemon notices that some seconds later. */
  async cleanedUp(vmid: number): Promise<void> {
    let left: string[] = [];
    const look = async () => {
      left = await this.leftovers(vmid);
      return left.length === 0 && (await this.status(vmid)).status === 'stopped';
    };
    await waitFor(look, { timeout: 60, what: () => `nothing left of it; now: ${left.join(', ')}` });
  }

  /** Removes all containers and stops the node. An lxcfs that it has started serves other nodes of the machine too. */
  async close(): Promise<void> {
    for (const { vmid } of await this.admin.get<{ vmid: number }[]>(`${this.node.path}/lxc`)) {
      const removed = this.admin.run('DELETE', this.path(vmid), { force: 1 });
      await removed.catch((error: unknown) => console.warn(String(error)));
    }
    await this.node.stop();
  }
}

/**
 * `name` has to be one that no other test's node has: control groups of containers carry it. Without `natBridge` the node
 * shares the network of the machine; only then it has control groups, since `ip netns exec` hides them.
 */
export async function openContainerLab(
  name: string,
  options: Pick<NodeOptions, 'natBridge' | 'controlGroups' | 'env'> = { natBridge: true },
): Promise<ContainerLab> {
  const node = await startNode({ ...options, name });
  const folder = join(node.dataDir, 'storage/template/cache');
  await mkdir(folder, { recursive: true });
  await writeBusyboxTemplate(join(folder, 'busybox.tar.gz'));
  return new ContainerLab(node, await node.admin(), options.natBridge === true);
}

/**
 * A btrfs file system on a loop device, on which volumes have snapshots. Mount it before the lab is opened, since a node
 * with a network of its own sees no mounts made later; remove it after the lab was closed. `size` as truncate(1) takes it.
 */
export async function mountBtrfs(
  size = '1500M',
): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp('/tmp/ryokan-btrfs-');
  const [path, image] = [join(folder, 'pool'), join(folder, 'pool.img')];
  await mkdir(path);
  await run('truncate', ['--size', size, image]);
  await run('mkfs.btrfs', ['-q', image]);
  await run('mount', ['-o', 'loop', image, path]);
  return {
    path,
    remove: async () => {
      await run('umount', [path]);
      await rm(folder, { recursive: true });
    },
  };
}
