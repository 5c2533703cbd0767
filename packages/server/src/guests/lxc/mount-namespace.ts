/**
 * The mount namespace that a container starts in. Its volumes are mounted there and nowhere else: they go with the last
 * process in it, whatever ends that, and their loop devices with them. The node's own mounts never change; what is
 * unmounted there goes from here, too, where the node's mounts are shared as systemd makes them, so that no container
 * keeps a file system busy that it does not use.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../../host/exec.ts';
import { readMounts } from '../../host/mount-table.ts';
import { stage } from './host-input.ts';

/**
 * Makes the stage, its first argument; waits for a line, then becomes the program in the others; without the line it
 * ends. The container's root has to get through the control groups that LXC makes, whatever the mask of this process.
 */
const waitThenBecome =
  'umask 022 && mount -t tmpfs -o mode=0755,size=256k tmpfs "$1" && shift && echo ready && read -r _ && exec "$@" <&-';

/**
 * Mounts in the namespace of a process, and for it alone: of a directory of the node the container shall have what is
 * mounted in it now, and neither lose that nor get more when the node's mounts change.
 */
export async function mountInNamespace(pid: number, args: readonly string[]): Promise<void> {
  await run('mount', ['--namespace', String(pid), '--make-rprivate', ...args]);
}

/**
 * Makes what is mounted at a path of the namespace, and below it, read-only. Root of a user namespace that gets a copy of
 * these mounts cannot make them writable again, as it can with a mount that was made read-only for it alone.
 */
export async function makeReadOnly(pid: number, path: string): Promise<void> {
  for (const { point } of await readMounts(pid)) {
    if (point === path || point.startsWith(`${path}/`))
      await mountInNamespace(pid, ['-o', 'remount,bind,ro', point]);
  }
}

export class MountNamespace {
  private constructor(
    private readonly child: ChildProcess,
    readonly pid: number,
  ) {}

  /**
   * Opens a namespace that `command` will start in. `hidden`: mounts below this folder are taken away in there, so that
   * a volume that a task works on is not held by a stranger.
   */
  static async open(command: readonly string[], hidden: string): Promise<MountNamespace> {
    mkdirSync(stage, { recursive: true, mode: 0o755 });
    const args = [
      '--mount',
      '--propagation',
      'slave',
      '--',
      'sh',
      '-c',
      waitThenBecome,
      'sh',
      stage,
      ...command,
    ];
    const child = spawn('unshare', args, {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
    });
    child.stdin?.on('error', () => {});
    const failed = Promise.race([once(child, 'error'), once(child, 'close')]).then(([reason]: unknown[]) => {
      throw new RyokanError('failed', `no mount namespace could be made: ${String(reason)}`);
    });
    failed.catch(() => {});
    if (child.stdout) await Promise.race([once(child.stdout, 'data'), failed]);
    const namespace = new MountNamespace(child, child.pid ?? 0);
    await namespace.unmountBelow(hidden);
    return namespace;
  }

  /** Arguments of mount(8); paths of sources and targets are the node's, as the namespace has them. */
  async mount(args: readonly string[]): Promise<void> {
    await mountInNamespace(this.pid, args);
  }

  /** Resolves when all is written out and nothing holds the volume any more; `close` alone does not wait for that. */
  async unmount(path: string): Promise<void> {
    await run('umount', ['--namespace', String(this.pid), path]);
  }

  /** The path by which the node reaches a path of the namespace. */
  path(inside: string): string {
    return `/proc/${this.pid}/root${inside}`;
  }

  /** Makes a folder on the stage; returns its path in the namespace. */
  folder(name: string): string {
    const path = `${stage}/${name}`;
    mkdirSync(this.path(path));
    // The container's root has to get through, whatever the mask of this process.
    chmodSync(this.path(path), 0o755);
    return path;
  }

  /** Lets the command start; resolves with its exit code and what it wrote to its standard error. */
  async become(signal: AbortSignal): Promise<{ code: number; words: string }> {
    let words = '';
    this.child.stderr?.on('data', (data) => {
      words += String(data);
    });
    const end = once(this.child, 'close', { signal });
    this.child.stdin?.write('\n');
    const [code] = (await end) as [number | null];
    return { code: code ?? -1, words };
  }

  /** Ends it, when the command was not started; everything mounted goes with it. */
  close(): void {
    this.child.stdin?.end();
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    this.child.unref();
  }

  private async unmountBelow(folder: string): Promise<void> {
    const mounted = (await readMounts(this.pid)).filter(({ point }) => point.startsWith(`${folder}/`));
    for (const { point } of mounted.reverse())
      await run('umount', ['--namespace', String(this.pid), '--lazy', point], { okCodes: [0, 32] });
  }
}
