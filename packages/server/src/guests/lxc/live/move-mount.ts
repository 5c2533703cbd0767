/**
 * A mount of one mount namespace brought into another, and taken out of it. No program of Debian does that: mount(8)
 * takes a path, and what is to be mounted has no path where it shall go; umount(8) looks for itself in the other side's
 * /proc. Perl, which every Debian has, makes the system calls: open_tree(2), setns(2), unshare(2), move_mount(2),
 * umount2(2).
 */
import { arch } from 'node:process';
import { RyokanError } from '@ryokan/api/errors.ts';
import { ExecError, run } from '../../../host/exec.ts';

export interface MountMove {
  /** A process that sees the mount, at `source`. */
  readonly from: number;
  readonly source: string;
  /** A process that shall see it too, at `target`. */
  readonly to: number;
  readonly target: string;
}

/** System calls that are newer than the common numbering have the same number everywhere. */
const openTree = 428;
const moveMount = 429;
const numbers: Readonly<Record<string, Readonly<Record<'setns' | 'unshare' | 'umount2', number>>>> = {
  x64: { setns: 308, unshare: 272, umount2: 166 },
  arm64: { setns: 268, unshare: 97, umount2: 39 },
};
/** errno(3): somebody works there. */
const busy = 16;

/**
 * What a mount may not do (write, devices, setuid) the kernel locks when mounts of a namespace are copied into one of
 * another user namespace, and only then: without the copy, the container's root could take it back; mount_namespaces(7).
 * Folders are made as this root, so that a link in the tree leads to nothing that it may not change anyway.
 * Arguments: numbers of setns and unshare, the two processes, source, target.
 */
const bringIn = String.raw`
use strict;
my ($setns, $unshare, $from, $to, $source, $target) = @ARGV;
# A text would be handed on as a pointer.
$_ += 0 for ($setns, $unshare);
my ($clone, $cloexec, $recursive, $empty_path, $here) = (1, 0x80000, 0x8000, 4, -100);
my ($new_ns, $new_user) = (0x20000, 0x10000000);
sub namespace { open(my $file, '<', "/proc/$_[0]") or die "the container has ended: $!\n"; $file }
my ($monitor, $container, $users, $own) = map { namespace($_) } ("$from/ns/mnt", "$to/ns/mnt", "$to/ns/user", 'self/ns/user');
sub enter { syscall($setns, fileno($_[0]), $_[1]) == 0 or die "setns: $!\n" }
enter($monitor, $new_ns);
if ((stat $users)[1] != (stat $own)[1]) {
  enter($users, $new_user);
  ($), $>) = ('0 0', 0);
  syscall($unshare, $new_ns) == 0 or die "unshare: $!\n";
}
my $tree = syscall(${openTree}, $here, $source, $clone | $cloexec | $recursive);
die "open_tree $source: $!\n" if $tree < 0;
enter($container, $new_ns);
umask 022;
my $path = '';
for my $name (grep { length } split m{/}, $target) {
  $path .= "/$name";
  next if -d $path;
  mkdir $path or die "the folder $path cannot be made: $!\n";
}
my $none = '';
syscall(${moveMount}, $tree, $none, $here, $target, $empty_path) == 0 or die "move_mount $target: $!\n";
`;

/** Arguments: numbers of setns and umount2, the process, the path. Links at the end of the path are not followed. */
const takeOut = String.raw`
use strict;
my ($setns, $umount2, $pid, $path) = @ARGV;
$_ += 0 for ($setns, $umount2);
my ($new_ns, $nofollow) = (0x20000, 8);
open(my $ns, '<', "/proc/$pid/ns/mnt") or die "the container has ended: $!\n";
syscall($setns, fileno($ns), $new_ns) == 0 or die "setns: $!\n";
syscall($umount2, $path, $nofollow) == 0 or do { print STDERR "umount $path: $!\n"; exit($! + 0) };
`;

export async function moveIntoNamespace(move: MountMove): Promise<void> {
  const { from, to, source, target } = move;
  const { setns, unshare } = systemCalls();
  await perl(bringIn, [...[setns, unshare, from, to].map(String), source, target], [0]);
}

/** False when somebody works there. */
export async function unmountInNamespace(pid: number, path: string): Promise<boolean> {
  const { setns, umount2 } = systemCalls();
  const code = await perl(takeOut, [String(setns), String(umount2), String(pid), path], [0, busy]);
  return code === 0;
}

function systemCalls() {
  const known = numbers[arch];
  if (known) return known;
  throw new RyokanError('unsupported', `mounts of a running container cannot be changed on ${arch}`);
}

async function perl(program: string, words: readonly string[], okCodes: readonly number[]): Promise<number> {
  try {
    const { code } = await run('/usr/bin/perl', ['-e', program, '--', ...words], {
      okCodes,
      timeout: 30_000,
    });
    return code;
  } catch (cause) {
    const reason = cause instanceof ExecError ? cause.stderr.trim() : '';
    throw new RyokanError('failed', reason || 'the mounts of the container cannot be changed', { cause });
  }
}
