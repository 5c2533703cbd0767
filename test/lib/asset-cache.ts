/**
 * Cache for test assets that take long to make (disk images, ISO images). It lies outside the repository, so that a
 * clean clone on the same machine finds what an earlier run made. One directory an asset version; the name carries a
 * hash of everything the result depends on, so a changed builder never meets an old result.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Directory of all cached test assets: RYOKAN_TEST_CACHE, or /var/cache/ryokan-test. */
export function testCacheDir(): string {
  return process.env.RYOKAN_TEST_CACHE ?? '/var/cache/ryokan-test';
}

export interface AssetRecipe {
  /** Short name, also the start of the directory's name: `installer-iso`. */
  readonly name: string;
  /**
   * All that the result depends on, as JSON: package versions, scripts that go into it, and `revision`, a number to
   * raise when the builder's code changes what it makes.
   */
  readonly inputs: { readonly revision: number; readonly [name: string]: unknown };
  /** Puts the finished files into `directory`; whatever else it leaves there stays in the cache. */
  readonly build: (directory: string) => Promise<void>;
}

/**
 * Directory with the files of an asset; builds it when the cache has no such version. Two processes that build at the
 * same time both finish: the first rename wins, the other's result is dropped (they are equal by their inputs).
 */
export async function cachedAsset(cacheDir: string, recipe: AssetRecipe): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify(recipe.inputs)).digest('hex').slice(0, 16);
  const finished = join(cacheDir, `${recipe.name}-${key}`);
  if (await exists(finished)) return finished;
  const working = join(cacheDir, `.${recipe.name}-${key}.${process.pid}.${randomBytes(3).toString('hex')}`);
  await mkdir(working, { recursive: true });
  try {
    await recipe.build(working);
    await rename(working, finished).catch(async (error: unknown) => {
      if (!(await exists(finished))) throw error;
    });
  } finally {
    await rm(working, { recursive: true, force: true });
  }
  await removeOlder(cacheDir, recipe.name, `${recipe.name}-${key}`);
  return finished;
}

/** Older versions of the same asset; each is hundreds of megabytes and no checkout asks for it again. */
async function removeOlder(cacheDir: string, name: string, keep: string): Promise<void> {
  const version = new RegExp(`^${name}-[0-9a-f]{16}$`);
  for (const entry of await readdir(cacheDir)) {
    if (entry !== keep && version.test(entry)) await rm(join(cacheDir, entry), { recursive: true });
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** SHA-256 of a file, lower-case hexadecimal. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
