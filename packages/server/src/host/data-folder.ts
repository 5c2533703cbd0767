/**
 * The folders below a node's data folder with their owners and modes: who may reach what is decided here.
 * docs/architecture.md has the picture, paths.ts the names.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDir, type FolderOptions, type Owner } from './files.ts';
import { dataPaths } from './paths.ts';

/** Longest path of a Unix socket: sun_path of unix(7) without its closing zero. */
const socketPathLimit = 107;

export interface ServiceUsers {
  readonly gateway: Owner;
  readonly guest: Owner;
}

const root: Owner = { uid: 0, gid: 0 };

/** All folders in the order in which they are made. */
export function dataFolders(
  dataDir: string,
  users: ServiceUsers,
): ReadonlyArray<readonly [string, FolderOptions]> {
  const paths = dataPaths(dataDir);
  return [
    // Others may pass through to a path they know (images, sockets), but not look around.
    [paths.root, { mode: 0o711, owner: root }],
    [paths.pki, { mode: 0o700, owner: root }],
    [paths.storage, { mode: 0o755, owner: root }],
    [paths.spool, { mode: 0o700, owner: users.gateway }],
    [paths.log, { mode: 0o711, owner: root }],
    [paths.taskLogs, { mode: 0o700, owner: root }],
    [join(paths.log, 'qemu'), { mode: 0o700, owner: users.guest }],
    [paths.run, { mode: 0o711, owner: root }],
    // LXC looks from inside a container whether it could pass through.
    [paths.lxcRun, { mode: 0o711, owner: root }],
    [join(paths.log, 'lxc'), { mode: 0o700, owner: root }],
    // QEMU makes its own sockets and pid file here. By its user, not by a group: its only group may be that of /dev/kvm.
    [paths.qemuRun, { mode: 0o700, owner: users.guest }],
  ];
}

/** Makes the folders, mends modes and owners. Takes back what it made when it fails; returns what was made. */
export async function makeDataFolders(dataDir: string, users: ServiceUsers): Promise<string[]> {
  const made: string[] = [];
  try {
    for (const [path, options] of dataFolders(dataDir, users)) {
      const top = await ensureDir(path, options);
      if (top) made.push(top);
    }
  } catch (error) {
    await removeFolders(made);
    throw error;
  }
  return made;
}

/** Removes folders that makeDataFolders has just made, newest first. */
export async function removeFolders(made: readonly string[]): Promise<void> {
  for (const path of [...made].reverse()) await rm(path, { recursive: true, force: true });
}

/**
 * Undefined when every socket of this data folder fits into a socket address, else what is too long.
 * The longest is that of a guest with the highest VMID.
 */
export function socketPathProblem(dataDir: string): string | undefined {
  const longest = join(dataPaths(dataDir).qemuRun, '999999999.serial0');
  const excess = Buffer.byteLength(longest) - socketPathLimit;
  if (excess <= 0) return undefined;
  return `the data folder's path is ${excess} bytes too long: sockets below it may have ${socketPathLimit} bytes, ${longest} has ${socketPathLimit + excess}`;
}
