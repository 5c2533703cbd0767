/** The system calls that a container may not use, as LXC's seccomp policies (version 2) have it. */

/** Calls that reach the kernel of all: modules, another kernel, files by handle past their folders. */
const forbidden = [
  'kexec_load',
  'kexec_file_load',
  'open_by_handle_at',
  'init_module',
  'finit_module',
  'delete_module',
] as const;

const notPermitted = 1;
const notSuchIoctl = 25;
const notImplemented = 38;

/**
 * Requests of ioctl(2) that make subvolumes and snapshots on btrfs (linux/btrfs.h). Anybody may make them, they count
 * for no limit of the container's volume, and are in none of its snapshots. systemd makes folders instead.
 */
const btrfsSubvolumes = ['0x50009401', '0x5000940e', '0x50009417', '0x50009418'] as const;

/** `keyctl`: the kernel's key rings, which user namespaces do not keep apart in full. */
export function seccompText({ keyctl }: { readonly keyctl: boolean }): string {
  const rules = [
    // A forced unmount would reach the same file system outside.
    'reject_force_umount',
    ...forbidden.map((call) => `${call} errno ${notPermitted}`),
    // The kernel looks at the lower half of the request only.
    ...btrfsSubvolumes.map(
      (request) => `ioctl errno ${notSuchIoctl} [1,${request},SCMP_CMP_MASKED_EQ,0xffffffff]`,
    ),
    // systemd and others do without when the kernel seems not to have it.
    ...(keyctl ? [] : [`keyctl errno ${notImplemented}`]),
  ];
  return `2\ndenylist\n[all]\n${rules.join('\n')}\n`;
}
