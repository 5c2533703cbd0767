/** Trees of files as text, for golden files. */
import { lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Makes what `tree` says below `root`: text by path, `-> target` for a link, a path with `/` at its end for a folder. */
export async function makeTree(root: string, tree: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(tree)) {
    const place = join(root, path);
    await mkdir(path.endsWith('/') ? place : dirname(place), { recursive: true });
    if (path.endsWith('/')) continue;
    if (text.startsWith('-> ')) await symlink(text.slice(3), place);
    else await writeFile(place, text);
  }
}

/** What stands below `root`, by path; folders only when they are empty. `base` is taken off owners. */
export async function readTree(root: string, base = 0): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const walk = async (path: string): Promise<void> => {
    const names = (await readdir(join(root, path))).sort();
    for (const name of names) {
      const inner = `${path}/${name}`;
      const stats = await lstat(join(root, inner));
      const owner = `${stats.uid - base}:${stats.gid - base}`;
      if (stats.isDirectory()) await walk(inner);
      else if (stats.isSymbolicLink()) found.set(inner, `${owner} -> ${await readlink(join(root, inner))}\n`);
      else {
        const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
        found.set(inner, `${mode} ${owner}\n${await readFile(join(root, inner), 'utf8')}`);
      }
    }
  };
  await walk('');
  return found;
}

/** What is new or another in `after`, and what is gone, as text. */
export function treeChanges(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string {
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => `=== ${path} ${after.get(path) ?? 'removed\n'}`)
    .join('\n');
}
