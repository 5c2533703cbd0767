/** OCI images made with umoci, layer by layer. */
import { createHash } from 'node:crypto';
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

/** Writes an OCI layout with these layers (tar archives) by hand: what is in them no tool looks at. */
export async function writeLayout(
  folder: string,
  layers: readonly Buffer[],
  config: object = {},
): Promise<void> {
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  const blob = async (mediaType: string, data: Buffer) => {
    await writeFile(join(folder, 'blobs/sha256', sha256(data)), data);
    return {
      mediaType: `application/vnd.oci.image.${mediaType}`,
      digest: `sha256:${sha256(data)}`,
      size: data.length,
    };
  };
  const json = (value: object) => Buffer.from(JSON.stringify(value));
  const image = {
    ...{ architecture: 'amd64', os: 'linux', config },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
  };
  const manifest = {
    schemaVersion: 2,
    config: await blob('config.v1+json', json(image)),
    layers: await Promise.all(layers.map((layer) => blob('layer.v1.tar', layer))),
  };
  const descriptor = await blob('manifest.v1+json', json(manifest));
  await writeFile(join(folder, 'index.json'), json({ schemaVersion: 2, manifests: [descriptor] }));
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
}
