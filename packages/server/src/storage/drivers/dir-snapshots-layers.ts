/**
 * Snapshots as layers of a chain (storage option `snapshot-as-volume-chain`, named as Proxmox VE 9 names them):
 *
 *     vm-100-disk-0.qcow2             the current state
 *     snap-two-vm-100-disk-0.qcow2    what snapshot `two` keeps; the current state rests on it
 *     snap-one-vm-100-disk-0.qcow2    what snapshot `one` keeps; `two` rests on it
 *
 * A snapshot puts the current file aside under the new name and lays an empty image on top; going back lays an empty
 * image on the snapshot. Several layers may rest on one, so that snapshots form a tree.
 */
import { link, lstat, readdir, rename, rm, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ImageFormat } from '@ryokan/api/schema/volume-id.ts';
import { errorCode, type Owner, syncFolder } from '../../host/files.ts';
import type { ImageSource, LayeredSnapshots, LiveLayers, QemuBlockSource } from '../driver.ts';
import { readImageHeader } from '../image-header.ts';
import { commitImage, createImage, rebaseImage } from '../qemu-img.ts';
import { stagingPrefix } from '../staging.ts';
import { seal } from './dir-files.ts';
import { type DirSnapshots, noSnapshot, type SnapshotImage, snapshotExists } from './dir-snapshots.ts';

/** One file of an image: its current state, or a snapshot of it. */
interface Layer {
  readonly path: string;
  /** Undefined for the current state. */
  readonly snapshot?: string;
  /** Bytes. */
  readonly size: number;
  /** What it rests on, as its header says it. */
  readonly backing?: string;
  /** Milliseconds since the epoch: layers of one depth are listed in this order. */
  readonly born: number;
}

const source = (path: string): QemuBlockSource => ({ driver: 'file', filename: path });

export class LayerSnapshots implements DirSnapshots {
  constructor(private readonly owner: Owner | undefined) {}

  async list(image: SnapshotImage): Promise<string[]> {
    const layers = await layersOf(image);
    return layers
      .filter((layer) => layer.snapshot !== undefined)
      .map((layer) => ({ name: layer.snapshot as string, depth: depthOf(layer, layers), born: layer.born }))
      .sort((a, b) => a.depth - b.depth || a.born - b.born)
      .map(({ name }) => name);
  }

  create(image: SnapshotImage, snapshot: string): Promise<void> {
    return this.createUnder(image, snapshot, async () => {});
  }

  delete(image: SnapshotImage, snapshot: string): Promise<void> {
    return this.remove(image, snapshot);
  }

  async rollback(image: SnapshotImage, snapshot: string): Promise<void> {
    const layers = await layersOf(image);
    const target = layers.find((layer) => layer.snapshot === snapshot);
    if (!target) throw noSnapshot(snapshot);
    await this.layOn(image, target);
  }

  async source(image: SnapshotImage, snapshot: string): Promise<ImageSource> {
    const layers = await layersOf(image);
    if (!layers.some((layer) => layer.snapshot === snapshot)) throw noSnapshot(snapshot);
    return { source: source(layerPath(image, snapshot)), format: 'qcow2' };
  }

  async companions(image: SnapshotImage): Promise<string[]> {
    // By name alone: a damaged layer goes with its image too.
    const folder = dirname(image.path);
    const files = await readdir(folder);
    return files.filter((file) => isLayerOf(file, image)).map((file) => join(folder, file));
  }

  /** The same for a guest that runs. `image` finds it by its name. */
  live(image: (name: string) => Promise<SnapshotImage>): LayeredSnapshots {
    return {
      chain: async (name) => {
        const found = await image(name);
        return chainOf(found, await layersOf(found)).map((layer) => ({
          source: source(layer.path),
          ...(layer.snapshot === undefined ? {} : { snapshot: layer.snapshot }),
        }));
      },
      create: async (name, snapshot, live) =>
        this.createUnder(await image(name), snapshot, (path) => live.moved(0, source(path))),
      takeBack: async (name, snapshot, live) => this.takeBack(await image(name), snapshot, live),
      delete: async (name, snapshot, live) => this.remove(await image(name), snapshot, live),
    };
  }

  private async createUnder(
    image: SnapshotImage,
    snapshot: string,
    moved: (path: string) => Promise<void>,
  ): Promise<void> {
    const layers = await layersOf(image);
    const current = layers.find((layer) => layer.snapshot === undefined);
    if (!current) throw new RyokanError('not-found', `volume '${image.name}' does not exist`);
    if (layers.some((layer) => layer.snapshot === snapshot)) throw snapshotExists(image, snapshot);
    const path = layerPath(image, snapshot);
    // A second name first: at no time the image has none, and nobody meets another image under the name that he knows.
    await secondName(current.path, path);
    await moved(path);
    await this.layOn(image, { ...current, path });
  }

  private async takeBack(
    image: SnapshotImage,
    snapshot: string,
    live: Pick<LiveLayers, 'moved'>,
  ): Promise<void> {
    await rm(unfinishedLayer(image), { force: true });
    const path = layerPath(image, snapshot);
    const aside = await lstat(path).catch(() => undefined);
    if (!aside) return;
    const current = await lstat(image.path).catch(() => undefined);
    // Two names of one file: a rename would do nothing.
    if (current?.ino === aside.ino) {
      await live.moved(0, source(image.path));
      await unlink(path);
    } else {
      await rename(path, image.path);
      await live.moved(0, source(image.path));
    }
    await syncFolder(dirname(path));
  }

  private async remove(image: SnapshotImage, snapshot: string, live?: LiveLayers): Promise<void> {
    const layers = await layersOf(image);
    const doomed = layers.find((layer) => layer.snapshot === snapshot);
    if (!doomed) throw noSnapshot(snapshot);
    const children = layers.filter((layer) => layer.backing === basename(doomed.path));
    const below = layers.find((layer) => basename(layer.path) === doomed.backing);
    const chain = chainOf(image, layers);
    const [only] = children;
    if (only && children.length === 1 && !below) {
      // The lowest layer is the largest as a rule: the small one above moves into it, not the other way round.
      await this.mergeDown(only, doomed, live ? chain.indexOf(only) : -1, live);
      return;
    }
    for (const child of children) {
      const depth = live ? chain.indexOf(child) : -1;
      if (live && depth >= 0) await live.stream(depth, doomed.backing);
      else await rebaseImage(child.path, backingOf(doomed));
    }
    await unlink(doomed.path);
    await syncFolder(dirname(doomed.path));
  }

  /** `upper` and the layer below it become one, under the name of `upper`. Negative depth: nobody has them open. */
  private async mergeDown(upper: Layer, lower: Layer, depth: number, live?: LiveLayers): Promise<void> {
    const replace = async () => {
      await rename(lower.path, upper.path);
      await syncFolder(dirname(upper.path));
    };
    if (live && depth >= 0) {
      await live.commit(depth, basename(upper.path), source(upper.path), replace);
      return;
    }
    await commitImage(upper.path);
    await replace();
  }

  /** Makes the current state an empty image that rests on `layer`, in one step. */
  private async layOn(image: SnapshotImage, layer: Layer): Promise<void> {
    const staged = unfinishedLayer(image);
    try {
      const backing = { file: basename(layer.path), format: 'qcow2' as const };
      // Without subclusters: QEMU before 8.2 aborts when a running guest's layers with them are merged.
      const empty = { format: 'qcow2', size: layer.size, backing, subclusters: false } as const;
      await createImage(staged, empty);
      await seal(staged, 0o600, this.owner);
      await rename(staged, image.path);
    } catch (error) {
      await unlink(staged).catch(() => {});
      throw error;
    }
    await syncFolder(dirname(image.path));
  }
}

function layerPath(image: SnapshotImage, snapshot: string): string {
  return join(dirname(image.path), `snap-${snapshot}-${basename(image.path)}`);
}

/** The layer that is being laid on an image. Its name is always the same: who is killed meanwhile leaves one, not many. */
export const unfinishedLayer = (image: Pick<SnapshotImage, 'path'>): string =>
  join(dirname(image.path), stagingPrefix + basename(image.path));

const isLayerOf = (file: string, image: SnapshotImage): boolean =>
  file.startsWith('snap-') && file.endsWith(`-${basename(image.path)}`);

/** The current state and all snapshots of an image. Rejects with 'failed' when the file of one is damaged. */
async function layersOf(image: SnapshotImage): Promise<Layer[]> {
  const folder = dirname(image.path);
  const ending = `-${basename(image.path)}`;
  const layers: Layer[] = [];
  for (const file of await readdir(folder)) {
    const isSnapshot = isLayerOf(file, image);
    if (!isSnapshot && file !== basename(image.path)) continue;
    const path = join(folder, file);
    const [stats, header] = await Promise.all([lstat(path), readImageHeader(path, 'qcow2')]);
    if (!header) throw new RyokanError('failed', `${path} is damaged: it has no readable qcow2 header`);
    layers.push({
      path,
      size: header.virtualSize,
      born: stats.birthtimeMs,
      ...(isSnapshot ? { snapshot: file.slice('snap-'.length, -ending.length) } : {}),
      ...(header.backingFile === undefined ? {} : { backing: header.backingFile }),
    });
  }
  return layers;
}

/** From the current state down to the first layer that rests on no other of this image. */
function chainOf(image: SnapshotImage, layers: readonly Layer[]): Layer[] {
  const chain: Layer[] = [];
  let next = layers.find((layer) => layer.path === image.path);
  while (next && !chain.includes(next)) {
    chain.push(next);
    const { backing } = next;
    next = layers.find((layer) => basename(layer.path) === backing);
  }
  return chain;
}

/** How many layers of the image are below this one. */
function depthOf(layer: Layer, layers: readonly Layer[]): number {
  const seen = new Set<Layer>();
  let next: Layer | undefined = layer;
  while (next && !seen.has(next)) {
    seen.add(next);
    const { backing }: Layer = next;
    next = layers.find((other) => basename(other.path) === backing);
  }
  return seen.size;
}

/** What a layer rests on: another layer, or the base of a linked clone, whose name tells its format. */
function backingOf(layer: Layer): { file: string; format: ImageFormat } | undefined {
  if (layer.backing === undefined) return undefined;
  const format = /\.(raw|vmdk)$/.exec(layer.backing)?.[1] as ImageFormat | undefined;
  return { file: layer.backing, format: format ?? 'qcow2' };
}

/** File systems without hard links get the name moved; the image has none of its own for a moment then. */
async function secondName(path: string, other: string): Promise<void> {
  try {
    await link(path, other);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes(errorCode(error))) throw error;
    await rename(path, other);
  }
}
