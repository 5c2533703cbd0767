/** Where the volumes of a `dir` storage stand below its path. Pure: no file is touched here. */
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { parseContentDirs } from '@ryokan/api/schema/storage-options.ts';
import {
  type FileContent,
  type FileName,
  type ImageName,
  type ImagePlace,
  parseVolumeName,
} from '@ryokan/api/schema/volume-id.ts';
import type { ContentType } from '../driver.ts';

/** Files of snapshots in a chain (see dir-snapshots-layers.ts) are no volumes. */
const isLayerFile = (file: string): boolean => /^snap-.*\.qcow2$/.test(file);

const defaultFolders: Readonly<Record<ContentType, string>> = {
  images: 'images',
  rootdir: 'images',
  iso: 'template/iso',
  vztmpl: 'template/cache',
  backup: 'dump',
  snippets: 'snippets',
  import: 'import',
};

/** Folders of images and backups hide their names from other users, who may pass through to a file they know. */
export function folderMode(content: ContentType): number {
  return content === 'images' || content === 'backup' ? 0o711 : 0o755;
}

export class DirLayout {
  readonly root: string;
  private readonly folders: Readonly<Record<ContentType, string>>;

  /** `contentDirs` is the property `content-dirs` of the storage. */
  constructor(root: string, contentDirs?: string) {
    this.root = root;
    this.folders = { ...defaultFolders, ...(contentDirs ? parseContentDirs(contentDirs) : {}) };
  }

  folder(content: ContentType): string {
    return join(this.root, this.folders[content]);
  }

  imageFolder(vmid: number): string {
    return join(this.folder('images'), String(vmid));
  }

  /** Absolute path of an image. */
  imagePath(image: ImagePlace): string {
    return join(this.imageFolder(image.vmid), image.file);
  }

  filePath(content: FileContent, file: string): string {
    return join(this.folder(content), file);
  }

  /** Parses a name and gives its path. Throws 'parameter' for names that this kind of storage does not have. */
  locate(name: string): { readonly volume: ImageName | FileName; readonly path: string } {
    const volume = parseVolumeName(name);
    if (volume.kind === 'file') return { volume, path: this.filePath(volume.content, volume.file) };
    if (!volume.folder || (volume.base && !volume.base.folder) || isLayerFile(volume.file)) {
      throw new RyokanError('parameter', `unable to parse directory volume name '${name}'`);
    }
    return { volume, path: this.imagePath(volume) };
  }

  /**
   * The base that a linked clone's header names: `../100/base-100-disk-0.raw`. Undefined for anything that is not an
   * image folder beside that of the clone.
   */
  baseOfBackingFile(backing: string): ImagePlace | undefined {
    const match = /^\.\.\/([1-9]\d{2,8}\/[^/]+)$/.exec(backing);
    if (!match) return undefined;
    try {
      const { volume } = this.locate(match[1] as string);
      return volume.kind === 'image' && volume.isBase ? volume : undefined;
    } catch {
      return undefined;
    }
  }

  /** What a clone of `base` writes into its header: relative, so that the storage can be moved. */
  backingFileOf(base: ImagePlace): string {
    return `../${base.vmid}/${base.file}`;
  }
}
