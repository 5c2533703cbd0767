/**
 * The place where a stranger's archive becomes a container's tree: bubblewrap shows the program nothing but /usr
 * (read-only) and that tree, no network, no other processes. For an unprivileged container the program is root of the
 * container's own ids and nothing more, so owners come out right and devices cannot be made. For a privileged one it is
 * root with the few capabilities that unpacking needs; a device it makes cannot be opened in there.
 */
import { access } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { type RunOptions, type RunResult, run } from '../../../host/exec.ts';
import { type IdRange, withUserNamespace } from '../../../host/user-namespace.ts';

export interface RootSandbox {
  /** The container's tree; it is `/rootfs` inside, and the working folder. */
  readonly root: string;
  /** Empty for a privileged container. */
  readonly ids: readonly IdRange[];
  /** Further folders or files to read: path inside, path outside. */
  readonly read?: Readonly<Record<string, string>>;
  /** Bytes of address space; what an archive's headers may make a program ask for. Absent for programs in Go. */
  readonly memory?: number;
}

/** What making files of any owner, mode and kind takes, where there is no user namespace. */
const unpackingCapabilities = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_FOWNER'],
  ...['CAP_FSETID', 'CAP_MKNOD', 'CAP_SETFCAP'],
];

const bubblewrap = '/usr/bin/bwrap';

/** Runs `program` (below /usr) in there; an abort leaves no process when this rejects. Rejects with ExecError, or RyokanError when bubblewrap is missing. */
export async function runInRoot(
  sandbox: RootSandbox,
  program: string,
  args: readonly string[],
  options: Pick<RunOptions, 'stdin' | 'stdout' | 'signal' | 'onLine'> = {},
): Promise<RunResult> {
  await access(bubblewrap).catch((cause: unknown) => {
    const text = 'templates are only unpacked in a sandbox, and bwrap is missing: apt install bubblewrap';
    throw new RyokanError('unsupported', text, { cause });
  });
  const before = ['--core=0', '--nofile=1024', ...(sandbox.memory ? [`--as=${sandbox.memory}`] : [])];
  const start = (enter: readonly string[], files: readonly number[]) =>
    run('/usr/bin/prlimit', [...before, bubblewrap, ...view(sandbox), '--', ...enter, program, ...args], {
      ...options,
      files,
      untilGone: true,
      // Folders that an archive does not name itself are as usual, not as closed as those of the node.
      umask: 0o022,
    });
  if (sandbox.ids.length === 0) return start([], []);
  // Entered after bubblewrap has made its mounts as the host's root: the container's ids could not reach the tree.
  const enter = ['/usr/bin/nsenter', '--user=/proc/self/fd/3', '--setuid', '0', '--setgid', '0'];
  return withUserNamespace(sandbox.ids, (namespace) => start(enter, [namespace]));
}

function view({ root, ids, read = {} }: RootSandbox): string[] {
  return [
    ...['--unshare-ipc', '--unshare-net', '--unshare-pid', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    // With a user namespace the rights come from there.
    ...(ids.length > 0 ? ['--proc', '/proc'] : unpackingCapabilities.flatMap((one) => ['--cap-add', one])),
    ...['--clearenv', '--setenv', 'PATH', '/usr/bin', '--setenv', 'LC_ALL', 'C.UTF-8'],
    ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64'],
    ...['--symlink', 'usr/bin', '/bin'],
    ...Object.entries(read).flatMap(([inside, outside]) => ['--ro-bind', outside, inside]),
    ...['--bind', root, '/rootfs', '--remount-ro', '/', '--chdir', '/rootfs'],
  ];
}
