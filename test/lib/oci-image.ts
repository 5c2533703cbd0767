/** OCI images made with umoci, layer by layer. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';

export interface ImageRecipe {
  readonly tag: string;
  /** Text by path, of the first layer. */
  readonly files: Readonly<Record<string, string>>;
  /** What a second layer does to the tree. */
  readonly change?: (root: string) => Promise<unknown>;
  /** Arguments of `umoci config`: `--config.env`, `A=b`. */
  readonly config?: readonly string[];
}

/** Makes an OCI layout at `folder` with one image. */
export async function makeImage(
  folder: string,
  { tag, files, change, config = [] }: ImageRecipe,
): Promise<void> {
  const image = `${folder}:${tag}`;
  const bundle = `${folder}-bundle`;
  const root = join(bundle, 'rootfs');
  await run('umoci', ['init', '--layout', folder]);
  await run('umoci', ['new', '--image', image]);
  const layer = async (work: () => Promise<unknown>) => {
    await run('umoci', ['unpack', '--image', image, bundle]);
    await work();
    await run('umoci', ['repack', '--image', image, bundle]);
    await rm(bundle, { recursive: true });
  };
  await layer(async () => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
  });
  if (change) await layer(() => change(root));
  if (config.length > 0) await run('umoci', ['config', '--image', image, ...config]);
}
