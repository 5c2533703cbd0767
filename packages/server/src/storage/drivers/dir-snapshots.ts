/** Snapshots inside a qcow2 image: the guest's disk stays one file. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ImageSource } from '../driver.ts';
import { imageDetails, imageSnapshot } from '../qemu-img.ts';

/** An image of a `dir` storage that was found. */
export interface SnapshotImage {
  /** For messages. */
  readonly name: string;
  readonly path: string;
}

/** How a `dir` storage keeps snapshots. The image is a qcow2 that nobody has open; names of snapshots were checked. */
export interface DirSnapshots {
  list(image: SnapshotImage): Promise<string[]>;
  create(image: SnapshotImage, snapshot: string): Promise<void>;
  delete(image: SnapshotImage, snapshot: string): Promise<void>;
  rollback(image: SnapshotImage, snapshot: string): Promise<void>;
  source(image: SnapshotImage, snapshot: string): Promise<ImageSource>;
  /** Files beside the image that go when it goes. */
  companions(image: SnapshotImage): Promise<string[]>;
}

export function noSnapshot(snapshot: string): RyokanError {
  return new RyokanError('not-found', `snapshot '${snapshot}' does not exist`);
}

export function snapshotExists(image: SnapshotImage, snapshot: string): RyokanError {
  return new RyokanError('exists', `snapshot '${snapshot}' of '${image.name}' already exists`);
}

export class InternalSnapshots implements DirSnapshots {
  async list(image: SnapshotImage): Promise<string[]> {
    return [...(await imageDetails(image.path, 'qcow2')).snapshots];
  }

  async create(image: SnapshotImage, snapshot: string): Promise<void> {
    if ((await this.list(image)).includes(snapshot)) throw snapshotExists(image, snapshot);
    await imageSnapshot('create', image.path, snapshot);
  }

  async delete(image: SnapshotImage, snapshot: string): Promise<void> {
    await this.demand(image, snapshot);
    await imageSnapshot('delete', image.path, snapshot);
  }

  async rollback(image: SnapshotImage, snapshot: string): Promise<void> {
    await this.demand(image, snapshot);
    await imageSnapshot('apply', image.path, snapshot);
  }

  async source(image: SnapshotImage, snapshot: string): Promise<ImageSource> {
    await this.demand(image, snapshot);
    return { source: { driver: 'file', filename: image.path }, format: 'qcow2', snapshot };
  }

  async companions(): Promise<string[]> {
    return [];
  }

  private async demand(image: SnapshotImage, snapshot: string): Promise<void> {
    if (!(await this.list(image)).includes(snapshot)) throw noSnapshot(snapshot);
  }
}
