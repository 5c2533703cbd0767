/** A node as seen from outside: its data folder, settings and whether it runs. */
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { readTextIfPresent, writeFileAtomic } from '@ryokan/server/host/files.ts';
import { type DataPaths, dataPaths } from '@ryokan/server/host/paths.ts';
import { type ProcessId, readPidFile } from '@ryokan/server/host/pidfile.ts';
import { Problem } from './terminal.ts';

export const defaultDataDir = '/var/lib/ryokan';

/** Kept in DATA/node.json; other keys of that file belong to the daemon and stay as they are. */
export interface NodeSettings {
  readonly node: string;
  readonly listen: string;
  readonly port: number;
}

/** What the daemon writes to DATA/run/ready once it serves. */
export interface Ready {
  readonly url: string;
  readonly pid: number;
  readonly node: string;
}

export function pathsOf(dataDir: string | undefined): DataPaths {
  return dataPaths(resolve(dataDir ?? defaultDataDir));
}

export function daemonPidFile(paths: DataPaths): string {
  return join(paths.run, 'daemon.pid');
}

/** The daemon that runs on this data folder. */
export function runningDaemon(paths: DataPaths): ProcessId | undefined {
  return readPidFile(daemonPidFile(paths));
}

/** What the running daemon `pid` has said; undefined while it still starts. */
export function readReady(paths: DataPaths, pid: number): Ready | undefined {
  try {
    const ready = JSON.parse(readTextIfPresent(paths.ready) ?? 'null') as Ready | null;
    return ready?.pid === pid ? ready : undefined;
  } catch {
    // Not for this user to read, or in the middle of a write.
    return undefined;
  }
}

/** The settings as stored; undefined when this is no data folder yet. */
export function storedSettings(paths: DataPaths): Record<string, unknown> | undefined {
  const text = readTextIfPresent(paths.nodeJson);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new Problem(`${paths.nodeJson} is not JSON (${String(cause)}); mend it or remove it`);
  }
}

export interface AskedSettings {
  readonly node?: string;
  readonly listen?: string;
  readonly port?: string;
}

/** What was asked for now, else what is stored, else the defaults. Throws a Problem for what cannot be. */
export function decideSettings(
  asked: AskedSettings,
  stored: Readonly<Record<string, unknown>> | undefined,
): NodeSettings {
  const node = asked.node ?? (stored?.node as string | undefined) ?? defaultNodeName();
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/.test(node)) {
    throw new Problem(
      `'${node}' is no node name: up to 63 letters, digits and inner hyphens; choose one with --node`,
      2,
    );
  }
  if (stored?.node !== undefined && stored.node !== node) {
    throw new Problem(
      `this data folder belongs to node '${String(stored.node)}' and cannot be renamed to '${node}'; use another --data`,
    );
  }
  const port = Number(asked.port ?? stored?.port ?? 8006);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Problem(`--port takes a number from 1 to 65535, not '${asked.port}'`, 2);
  }
  return { node, listen: asked.listen ?? (stored?.listen as string | undefined) ?? defaultListen(), port };
}

/** The host's short name, which may hold what a node name may not. */
function defaultNodeName(): string {
  return (hostname().split('.')[0] ?? '').replace(/[^a-zA-Z0-9-]/g, '-').replace(/^-+|-+$/g, '') || 'ryokan';
}

/** All addresses: `::` takes IPv4 as well, but needs a kernel with IPv6. */
function defaultListen(): string {
  return readTextIfPresent('/proc/net/if_inet6') ? '::' : '0.0.0.0';
}

/** Writes node.json when something changed. Returns the former text for an undo, undefined when nothing was written. */
export async function storeSettings(
  paths: DataPaths,
  settings: NodeSettings,
): Promise<{ former: string | undefined } | undefined> {
  const former = readTextIfPresent(paths.nodeJson);
  const text = `${JSON.stringify({ ...storedSettings(paths), ...settings }, null, 2)}\n`;
  if (text === former) return undefined;
  await writeFileAtomic(paths.nodeJson, text, { mode: 0o644 });
  return { former };
}
