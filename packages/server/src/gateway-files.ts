/**
 * What the gateway reads from disk, put where its user can reach it: a checkout below somebody's home folder (mode 0700
 * on Debian) or built under a strict umask is closed to it.
 */
import { chmod, copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

export interface GatewayFiles {
  /** The program for Node.js. */
  readonly program: string;
  /** Folder with the built Web UI; empty when that was not built. */
  readonly webRoot: string;
}

/**
 * Copies `dist/gateway.js` and `dist/web/` to `folder`, in place of what an earlier start left there. Everybody may read
 * the copies and only root may change them, whatever the umask. They also stay as they are when the checkout is built
 * anew below a running node, so that a gateway that is started again still speaks its daemon's language.
 */
export async function placeGatewayFiles(dist: string, folder: string): Promise<GatewayFiles> {
  // The name says that it is an ES module: the package.json which says so for dist/ is not here.
  const placed = { program: join(folder, 'gateway.mjs'), webRoot: join(folder, 'web') };
  await rm(folder, { recursive: true, force: true });
  await makeFolder(folder);
  await copy(join(dist, 'gateway.js'), placed.program);
  await makeFolder(placed.webRoot);
  const source = join(dist, 'web');
  for (const path of await filesBelow(source)) {
    const target = join(placed.webRoot, relative(source, path));
    await makeFolder(dirname(target));
    await copy(path, target);
  }
  return placed;
}

async function copy(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o644);
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}
