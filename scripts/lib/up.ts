/**
 * `./ryokan up`: from a bare machine to a running node. Everything that can be refused is refused before anything is
 * changed; what was changed is taken back when a later step fails.
 */
import { writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { makeDataFolders, removeFolders } from '@ryokan/server/host/data-folder.ts';
import { ensureDir, readTextIfPresent, writeFileAtomic } from '@ryokan/server/host/files.ts';
import type { DataPaths } from '@ryokan/server/host/paths.ts';
import { claimPidFile, passPidFile, releasePidFile } from '@ryokan/server/host/pidfile.ts';
import { ensureSystemUsers, gatewayUser, guestUser, requireUser } from '@ryokan/server/host/users.ts';
import { createNatBridge, removeNatBridge } from '@ryokan/server/network/nat-bridge.ts';
import { build } from './build.ts';
import { ensurePackages, readPackageList } from './debian.ts';
import { startDetached } from './detached.ts';
import {
  daemonPidFile,
  decideSettings,
  type NodeSettings,
  pathsOf,
  storedSettings,
  storeSettings,
} from './node-settings.ts';
import { checkDataFolder, checkListen, checkNodeProgram, checkSpace } from './preconditions.ts';
import { inProject, note, Problem, parseOptions, say } from './terminal.ts';

const bridgeName = 'vmbr0';

export function upOptions(args: readonly string[]) {
  return parseOptions(args, {
    data: { type: 'string' },
    listen: { type: 'string' },
    port: { type: 'string' },
    node: { type: 'string' },
    detach: { type: 'boolean' },
    'with-nat-bridge': { type: 'boolean' },
  }).values;
}

/** Steps to take back, newest first, when a later one fails. */
type Undos = Array<() => Promise<void>>;

export async function up(args: string[]): Promise<number> {
  const options = upOptions(args);
  const paths = pathsOf(options.data);
  checkNodeProgram();
  checkDataFolder(paths);
  const settings = decideSettings(options, storedSettings(paths));
  await checkListen(settings.listen, settings.port);
  await checkSpace(paths.root);
  await Promise.all([
    ensurePackages(readPackageList(inProject('packaging', 'debian-packages.txt'))),
    build(),
  ]);
  const undos: Undos = [];
  await claim(paths, undos);
  try {
    await prepare(paths, settings, undos);
    if (options['with-nat-bridge']) await ensureBridge(paths, undos);
    await start(paths, options.detach === true);
    return 0;
  } catch (error) {
    for (const undo of undos.reverse()) {
      await undo().catch((problem: unknown) => note(`could not take back a step: ${messageOf(problem)}`));
    }
    throw error;
  }
}

/**
 * Makes DATA/run and takes the pid file in it, the lock against a second node on the same data: of two at the same
 * moment one ends here, before it has changed anything that it could take back from under the other.
 */
async function claim(paths: DataPaths, undos: Undos): Promise<void> {
  const made = [
    await ensureDir(paths.root, { mode: 0o711 }),
    await ensureDir(paths.run, { mode: 0o711 }),
  ].filter((path) => path !== undefined);
  const holder = claimPidFile(daemonPidFile(paths));
  if (holder) throw new Problem(`a node runs on ${paths.root} already (pid ${holder.pid})`);
  undos.push(
    () => removeFolders(made),
    async () => releasePidFile(daemonPidFile(paths)),
  );
}

async function prepare(paths: DataPaths, settings: NodeSettings, undos: Undos): Promise<void> {
  for (const line of await ensureSystemUsers()) note(line);
  const users = { gateway: requireUser(gatewayUser), guest: requireUser(guestUser) };
  const made = await makeDataFolders(paths.root, users);
  undos.push(() => removeFolders(made));
  const written = await storeSettings(paths, settings);
  if (!written) return;
  undos.push(() =>
    written.former === undefined
      ? rm(paths.nodeJson, { force: true })
      : writeFileAtomic(paths.nodeJson, written.former),
  );
}

async function ensureBridge(paths: DataPaths, undos: Undos): Promise<void> {
  try {
    const { bridge, made, warnings } = await createNatBridge({ paths }, { name: bridgeName });
    if (made) undos.push(() => removeNatBridge({ paths }));
    note(`NAT bridge ${bridge.name}: guests get addresses of ${bridge.address}/${bridge.prefix} by DHCP`);
    for (const warning of warnings) note(`warning: ${warning}`);
  } catch (error) {
    if (!(error instanceof RyokanError) || error.code !== 'exists') throw error;
    note(`${error.message}; guests can use it, no NAT bridge is made`);
  }
}

/** Starts the daemon, or hands over to the shell script that becomes it (see the script `ryokan`). */
async function start(paths: DataPaths, detach: boolean): Promise<void> {
  await rm(paths.ready, { force: true });
  const pass = (pid: number) => passPidFile(daemonPidFile(paths), pid);
  if (!detach) {
    pass(Number(process.env.RYOKAN_PID));
    writeSync(3, paths.root);
    return;
  }
  const ready = await startDetached(paths, pass);
  say(`URL:      ${ready.url}`);
  say('User:     admin@pve (or root@pam with the password of root on this machine)');
  const kept = readTextIfPresent(paths.initialPassword) !== undefined;
  say(kept ? `Password: in the file ${paths.initialPassword}` : 'Password: the one you have set');
}
