/** What must hold before a node starts. Each check throws one clear line and changes nothing. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer, isIP } from 'node:net';
import { basename, dirname } from 'node:path';
import { socketPathProblem } from '@ryokan/server/host/data-folder.ts';
import { run } from '@ryokan/server/host/exec.ts';
import { errorCode } from '@ryokan/server/host/files.ts';
import type { DataPaths } from '@ryokan/server/host/paths.ts';
import { gatewayUser, guestUser } from '@ryokan/server/host/users.ts';
import { daemonPidFile, readReady, runningDaemon, storedSettings } from './node-settings.ts';
import { Problem } from './terminal.ts';

/** Free bytes below which a node is not started: packages, logs and the config store need room to work. */
const neededSpace = 500 * 1024 * 1024;

/** The folder is ours or can become ours, its sockets fit, its users get there, and no node runs on it. */
export function checkDataFolder(paths: DataPaths): void {
  const tooLong = socketPathProblem(paths.root);
  if (tooLong) throw new Problem(`${tooLong}; choose a shorter --data`);
  const closed = closedFolder(dirname(paths.root));
  if (closed) {
    throw new Problem(
      `${paths.root} cannot be the data folder: ${closed} lets its owner in only, and the users ${gatewayUser} and ${guestUser} must get through; name another with --data, or 'chmod o+x ${closed}'`,
    );
  }
  const daemon = runningDaemon(paths);
  if (daemon) {
    const url = readReady(paths, daemon.pid)?.url;
    throw new Problem(`a node runs on ${paths.root} already (pid ${daemon.pid}${url ? `, ${url}` : ''})`);
  }
  // Its owner and mode are going to be set: never those of somebody's other folder.
  const found = foreignFiles(paths);
  if (found.length > 0) {
    throw new Problem(
      `${paths.root} has other files in it (${found.slice(0, 3).join(', ')}) and is no data folder of Ryokan; name an empty or new one with --data`,
    );
  }
}

/** What is in a folder that is no data folder. The pid file comes first in one: it tells of a first start that goes on now, or was killed. */
function foreignFiles(paths: DataPaths): string[] {
  const ours = storedSettings(paths) !== undefined || existsSync(daemonPidFile(paths));
  return ours ? [] : listFolder(paths.root).filter((name) => name !== basename(paths.run));
}

/** The gateway runs without root rights, so its user must be able to run this Node.js. */
export function checkNodeProgram(program = process.execPath): void {
  const closed = closedFolder(dirname(program));
  if (!closed) return;
  throw new Problem(
    `Node.js stands at ${program}, but ${closed} lets its owner in only, and the user ${gatewayUser} must run it too; unpack Node.js into /usr/local`,
  );
}

/** The topmost folder on the way to `path` which other users may not pass; undefined when they may. */
export function closedFolder(path: string): string | undefined {
  const above = path === '/' ? undefined : closedFolder(dirname(path));
  if (above) return above;
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() && (found.mode & 0o001) === 0 ? path : undefined;
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw new Problem(`${path} cannot be the data folder: ${error instanceof Error ? error.message : error}`);
  }
}

/** The address is one of this machine and the port is free. */
export async function checkListen(address: string, port: number): Promise<void> {
  if (!isIP(address)) throw new Problem(`--listen takes an IP address, not '${address}'`, 2);
  const problem = await tryListen(address, port);
  if (!problem) return;
  if (problem === 'EADDRINUSE') {
    const holder = await portHolder(port);
    throw new Problem(
      `port ${port} is taken${holder ? ` by ${holder}` : ''}; stop that program or choose another --port`,
    );
  }
  if (problem === 'EADDRNOTAVAIL') {
    throw new Problem(`no network interface of this machine has the address ${address}; see 'ip address'`);
  }
  throw new Problem(`cannot listen on ${address} port ${port}: ${problem}`);
}

function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(errorCode(error) || error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** `nginx (pid 12)`; undefined when the kernel does not tell. */
async function portHolder(port: number): Promise<string | undefined> {
  const sockets = await run('ss', ['-Hltnp', `sport = :${port}`]).catch(() => undefined);
  const match = /users:\(\("([^"]+)",pid=(\d+)/.exec(sockets?.stdout ?? '');
  return match ? `${match[1]} (pid ${match[2]})` : undefined;
}

export async function checkSpace(dataDir: string): Promise<void> {
  const folder = nearestFolder(dataDir);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= neededSpace) return;
  const mib = (bytes: number) => Math.floor(bytes / 1024 / 1024);
  throw new Problem(
    `only ${mib(free)} MiB are free on the file system of ${folder}; a node needs ${mib(neededSpace)} MiB`,
  );
}

function nearestFolder(path: string): string {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found?.isDirectory()) return folder;
    if (found || folder === '/')
      throw new Problem(`${folder} is no folder, so ${path} cannot be the data folder`);
  }
}
