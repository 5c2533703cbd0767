/**
 * Directories of the node that a guest shares (keys virtiofsN): one virtiofsd for each, as root, because files keep
 * their owners; it locks itself into the directory. QEMU reaches it by a socket in the run folder.
 */
import { chownSync, existsSync } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import { qemuVirtiofsKeys } from '@ryokan/api/schema/qemu-config.ts';
import { type QemuVirtiofs, virtiofsFields } from '@ryokan/api/schema/qemu-options.ts';
import { dirEntries, dirProblems, requireMapping } from '../mappings.ts';
import { optionOf } from './config.ts';
import { startHelper } from './helper-start.ts';
import type { QemuHost } from './host-input.ts';
import type { GuestStart } from './start-host.ts';
import { olderVirtiofsdProgram, virtiofsdProgram, virtiofsFiles } from './virtiofs-process.ts';

/** Part of a start: a server for each shared directory. */
export async function virtiofs(start: GuestStart): Promise<Partial<QemuHost>> {
  const sockets: Record<string, string> = {};
  for (const key of qemuVirtiofsKeys) {
    const share = optionOf(start.config, key, virtiofsFields);
    if (share) sockets[key] = await serve(start, key, share);
  }
  return Object.keys(sockets).length === 0 ? {} : { virtiofsSockets: sockets };
}

async function serve(start: GuestStart, key: string, share: QemuVirtiofs): Promise<string> {
  const { services, vmid, user } = start;
  const failure = (problem: string) => new RyokanError('failed', `${key}: ${problem}`, { context: { key } });
  const path = directory(start, share.dirid, failure);
  const program = [virtiofsdProgram, olderVirtiofsdProgram].find((one) => existsSync(one));
  if (program === undefined) {
    throw failure(`'${virtiofsdProgram}' is missing; install the Debian package virtiofsd`);
  }
  const files = virtiofsFiles(services.paths, vmid, key);
  const args = program === virtiofsdProgram ? newerArguments(share, path) : olderArguments(share, path);
  await startHelper(start, {
    ...files,
    program,
    args: [`--socket-path=${files.socket}`, ...args],
    failure,
  });
  chownSync(files.socket, user.uid, user.gid);
  return files.socket;
}

/** What the mapping means on this node. */
function directory(
  { services }: GuestStart,
  dirid: string,
  failure: (problem: string) => RyokanError,
): string {
  const { node } = services.settings;
  const [entry] = dirEntries(requireMapping(services.store, 'dir', dirid), node);
  const problems = entry ? dirProblems(entry) : [`it has no entry for node ${node}`];
  if (!entry || problems.length > 0) {
    throw failure(`mapping '${dirid}' cannot be used: ${problems.join('; ')}`);
  }
  return entry.path;
}

function newerArguments(share: QemuVirtiofs, path: string): string[] {
  return [
    `--shared-dir=${path}`,
    `--cache=${share.cache ?? 'auto'}`,
    // A file system mounted below is another one to the guest too; else inode numbers would meet.
    '--announce-submounts',
    ...(share['direct-io'] ? ['--allow-direct-io'] : []),
    ...(share['expose-acl'] ? ['--posix-acl'] : []),
    ...(share['expose-xattr'] || share['expose-acl'] ? ['--xattr'] : []),
  ];
}

/** QEMU 7.2's own: it calls `never` `none`, and does not know `metadata`, of which `auto` is the nearest. */
function olderArguments(share: QemuVirtiofs, path: string): string[] {
  const cache = { auto: 'auto', always: 'always', metadata: 'auto', never: 'none' }[share.cache ?? 'auto'];
  const options = [
    `source=${path}`,
    `cache=${cache}`,
    'announce_submounts',
    ...(share['direct-io'] ? ['allow_direct_io'] : []),
    ...(share['expose-acl'] ? ['posix_acl'] : []),
    ...(share['expose-xattr'] || share['expose-acl'] ? ['xattr'] : []),
  ];
  return options.flatMap((option) => ['-o', option]);
}
