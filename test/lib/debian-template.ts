/** A container template of Debian with systemd, built by the product itself; kept in the cache of test assets. */
import { readFileSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedAsset, testCacheDir } from './asset-cache.ts';
import { hostDebian } from './debian-packages.ts';
import { projectRoot, type TestNode } from './node.ts';

/** What a change of makes the template another one. */
const recipe = join(projectRoot, 'packages/server/src/storage/templates/distribution.ts');

/** Path of the template, a tar.zst of some 60 MB. Some minutes when it is not in the cache; `node` then builds it. */
export async function debianTemplate(node: TestNode): Promise<string> {
  const folder = await cachedAsset(testCacheDir(), {
    name: 'container-debian',
    inputs: { revision: 1, suite: hostDebian.suite, recipe: readFileSync(recipe, 'utf8') },
    async build(folder) {
      const words = ['template', 'build', 'debian', '--filename', 'built.tar.zst'];
      await node.cliWith({ timeout: 1_200_000 }, ...words);
      const built = join(node.dataDir, 'storage/template/cache/built.tar.zst');
      await copyFile(built, join(folder, 'debian.tar.zst'));
      await rm(built);
    },
  });
  return join(folder, 'debian.tar.zst');
}
