/**
 * Programs that read what strangers bring along run in a sandbox of bubblewrap: an empty file system with /usr and the
 * files that they are given, no network unless they are for that, no capabilities, no other processes. Nobody in there can write anything but what
 * `write` names.
 */
import { access, stat } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';

export interface Sandbox {
  /** Files or folders that the program reads: where they appear inside, and what they are outside. */
  readonly read: Readonly<Record<string, string>>;
  /** Files or folders that it may read where they are, if they are there. */
  readonly tryRead?: readonly string[];
  /** It has the node's network; default: none. */
  readonly network?: boolean;
  /** Folders that it may write to, the same way. */
  readonly write?: Readonly<Record<string, string>>;
  /** Bytes of address space; absent for programs that reserve far more than they use (Node.js). */
  readonly memory?: number;
  /** Seconds of processor time. */
  readonly cpu?: number;
}

const prlimit = '/usr/bin/prlimit';
const bubblewrap = '/usr/bin/bwrap';

/** The command that runs `program` (a path inside the sandbox) as described. Rejects when bubblewrap is missing. */
export async function sandboxed(
  sandbox: Sandbox,
  program: string,
  args: readonly string[],
): Promise<{ readonly program: string; readonly args: readonly string[] }> {
  await access(bubblewrap).catch((cause: unknown) => {
    throw new RyokanError(
      'unsupported',
      'files from outside are only read in a sandbox, and the program bwrap is missing: apt install bubblewrap',
      { cause },
    );
  });
  for (const path of Object.values(sandbox.read)) await demandReadable(path);
  return {
    program: prlimit,
    args: [...limits(sandbox), bubblewrap, ...view(sandbox), '--', program, ...args],
  };
}

/** Without capabilities even root only reads what is its own or open to all. */
async function demandReadable(path: string): Promise<void> {
  const { uid, mode } = await stat(path);
  if (uid === process.getuid?.() || (mode & 0o004) !== 0) return;
  throw new RyokanError(
    'forbidden',
    `'${path}' belongs to another user and is closed to others: chown it to root`,
  );
}

function limits({ memory, cpu }: Sandbox): string[] {
  return [
    ...['--core=0', '--nofile=256'],
    ...(memory === undefined ? [] : [`--as=${memory}`]),
    ...(cpu === undefined ? [] : [`--cpu=${cpu}`]),
  ];
}

function view({ read, tryRead = [], write = {}, network = false }: Sandbox): string[] {
  const bind = (option: string, paths: Readonly<Record<string, string>>) =>
    Object.entries(paths).flatMap(([inside, outside]) => [option, outside, inside]);
  return [
    ...[
      '--unshare-all',
      ...(network ? ['--share-net'] : []),
      '--die-with-parent',
      '--new-session',
      '--cap-drop',
      'ALL',
    ],
    ...['--uid', '65534', '--gid', '65534', '--clearenv', '--setenv', 'LC_ALL', 'C.UTF-8'],
    ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64'],
    ...['--proc', '/proc', '--dev', '/dev', '--chdir', '/'],
    ...bind('--ro-bind', read),
    ...tryRead.flatMap((path) => ['--ro-bind-try', path, path]),
    ...bind('--bind', write),
  ];
}
