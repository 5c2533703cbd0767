/** qemu-img: images made, measured, grown and snapshotted. Formats are always named, never guessed from content. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ImageFormat } from '@ryokan/api/schema/volume-id.ts';
import { ExecError, type RunOptions, type RunResult, run } from '../host/exec.ts';
import type { ImageSource } from './driver.ts';

export type Preallocation = 'off' | 'metadata' | 'falloc' | 'full';

export interface ImageDetails {
  readonly format: string;
  /** Bytes. */
  readonly virtualSize: number;
  readonly backingFile?: string;
  /** qcow2: file that holds the data instead of the image itself. */
  readonly dataFile?: string;
  /** vmdk: files of its extents. */
  readonly extents: readonly string[];
  /** Names of the internal snapshots, oldest first. */
  readonly snapshots: readonly string[];
  readonly encrypted: boolean;
}

/** Runs qemu-img and says in words what its common failures mean. */
async function qemuImg(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  try {
    return await run('qemu-img', args, options);
  } catch (error) {
    throw error instanceof ExecError ? explain(error) : error;
  }
}

function explain(error: ExecError): unknown {
  if (/Failed to get .* lock/i.test(error.stderr)) {
    return new RyokanError('state', 'the image is in use by a running guest or another program', {
      cause: error,
    });
  }
  if (/No space left on device/i.test(error.stderr)) {
    return new RyokanError('no-space', `the storage is full: ${lastLine(error.stderr)}`, { cause: error });
  }
  return error;
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

export interface CreateImage {
  readonly format: ImageFormat;
  /** Bytes; absent with a backing file: its size. */
  readonly size?: number;
  readonly preallocation?: Preallocation;
  /** As it shall stand in the image: relative to the image's folder. */
  readonly backing?: { readonly file: string; readonly format: ImageFormat };
  /** False: no subclusters on top of a backing file. */
  readonly subclusters?: boolean;
}

/** Makes an image at `path`, replacing what is there. */
export async function createImage(path: string, image: CreateImage, options?: RunOptions): Promise<void> {
  const { backing } = image;
  const args = ['create', '-q', '-f', image.format, ...creationOptions(image)];
  if (backing) args.push('-b', backing.file, '-F', backing.format);
  // With a given size there is nothing to ask the backing image, which a running guest may have open.
  if (backing && image.size !== undefined) args.push('-u');
  args.push(path);
  if (image.size !== undefined) args.push(String(image.size));
  await qemuImg(args, options);
}

/**
 * qcow2 as the format's defaults have it, which every reader understands. Linked clones get subclusters: a small write
 * then copies 4 KiB from the base instead of a whole cluster of 64 KiB.
 */
function creationOptions({
  format,
  preallocation = 'off',
  backing,
  subclusters = true,
}: CreateImage): string[] {
  if (format === 'qcow2') {
    return backing && subclusters
      ? ['-o', 'extended_l2=on,cluster_size=128k']
      : preallocation === 'off'
        ? []
        : ['-o', `preallocation=${preallocation}`];
  }
  // A raw file has no metadata that could be reserved.
  if (format === 'raw' && (preallocation === 'falloc' || preallocation === 'full')) {
    return ['-o', `preallocation=${preallocation}`];
  }
  return [];
}

/** Details of an image, also of one that a guest has open. */
export async function imageDetails(
  path: string,
  format: ImageFormat,
  options?: RunOptions,
): Promise<ImageDetails> {
  const { stdout } = await qemuImg(['info', '--output=json', '-U', '-f', format, path], options);
  return readDetails(stdout);
}

interface InfoJson {
  readonly format?: string;
  readonly 'virtual-size'?: number;
  readonly 'backing-filename'?: string;
  readonly encrypted?: boolean;
  readonly snapshots?: ReadonlyArray<{ readonly name?: string }>;
  readonly 'format-specific'?: {
    readonly data?: {
      readonly 'data-file'?: string;
      readonly extents?: ReadonlyArray<{ readonly filename?: string }>;
    };
  };
}

/** What `qemu-img info --output=json` says. */
export function readDetails(json: string): ImageDetails {
  const info = JSON.parse(json) as InfoJson;
  const data = info['format-specific']?.data;
  return {
    format: info.format ?? '',
    virtualSize: info['virtual-size'] ?? 0,
    backingFile: info['backing-filename'],
    dataFile: data?.['data-file'],
    extents: (data?.extents ?? []).map((extent) => extent.filename ?? ''),
    snapshots: (info.snapshots ?? []).map((snapshot) => snapshot.name ?? ''),
    encrypted: info.encrypted === true,
  };
}

export async function resizeImage(path: string, format: ImageFormat, size: number): Promise<void> {
  await qemuImg(['resize', '-q', '-f', format, path, String(size)]);
}

/** Internal snapshots of qcow2. Names must begin with a letter: qemu-img takes digits for the number of a snapshot. */
export async function imageSnapshot(
  action: 'create' | 'apply' | 'delete',
  path: string,
  snapshot: string,
): Promise<void> {
  const flag = { create: '-c', apply: '-a', delete: '-d' }[action];
  await qemuImg(['snapshot', '-q', flag, snapshot, path]);
}

/** Moves what a qcow2 layer holds into the image that it rests on, which grows to its size. */
export async function commitImage(path: string): Promise<void> {
  // -d: what the layer holds stays in it as well, so that both are whole when the power fails.
  await qemuImg(['commit', '-q', '-d', '-f', 'qcow2', path]);
}

/** Makes a qcow2 layer rest on another image, or on none, without changing what it shows. */
export async function rebaseImage(path: string, backing: CreateImage['backing']): Promise<void> {
  await qemuImg([
    ...['rebase', '-q', '-f', 'qcow2', '-b', backing?.file ?? ''],
    ...(backing ? ['-F', backing.format] : []),
    path,
  ]);
}

/** A local image by its path. */
export interface ImageFile {
  readonly path: string;
  readonly format: ImageFormat;
}

interface ConvertOptions {
  readonly signal?: AbortSignal;
  /** 0..1 */
  readonly onProgress?: (fraction: number) => void;
  /** Bytes a second; absent for no limit. */
  readonly rateLimit?: number;
}

export interface ConvertImage extends ConvertOptions {
  readonly from: ImageFile;
  readonly to: ImageFile;
}

/** Copies an image into another, also between formats; the target is replaced. Holes stay holes. */
export async function convertImage({ from, to, ...options }: ConvertImage): Promise<void> {
  await convert(['-f', from.format, '-O', to.format, from.path, to.path], options);
}

export interface FillImage extends ConvertOptions {
  readonly from: ImageSource;
  /** An image that was just made, at least as large as the source. */
  readonly to: ImageSource;
  /** Whether the new image reads as zeros already; otherwise they are written. */
  readonly zeroed: boolean;
  /**
   * A guest has the source open. Only a state that does not change any more may then be read: that of a snapshot, whose
   * clusters stay as they are while it exists.
   */
  readonly inUse?: boolean;
}

/** Copies an image, or the state of a snapshot, into a new one, wherever QEMU can reach them. Holes stay holes. */
export async function fillImage({ from, to, zeroed, inUse, ...options }: FillImage): Promise<void> {
  await convert(
    [
      // What a task has reported as done shall survive a power cut: the default of convert would not flush.
      ...['-n', '-t', 'writeback', '--image-opts', '--target-image-opts'],
      ...(zeroed ? ['--target-is-zero'] : []),
      ...(inUse ? ['-U'] : []),
      ...(from.snapshot === undefined ? [] : ['-l', `snapshot.name=${from.snapshot}`]),
      ...[imageOptions(from), imageOptions(to)],
    ],
    options,
  );
}

async function convert(
  args: readonly string[],
  { signal, onProgress, rateLimit }: ConvertOptions,
): Promise<void> {
  const onLine = (line: string) => {
    const percent = /\(\s*([\d.]+)\/100%\)/.exec(line)?.[1];
    if (percent !== undefined) onProgress?.(Number(percent) / 100);
  };
  const limit = rateLimit === undefined ? [] : ['-r', String(rateLimit)];
  await qemuImg(['convert', '-p', ...limit, ...args], signal ? { signal, onLine } : { onLine });
}

/** An image as text for --image-opts: `driver=qcow2,file.driver=file,file.filename=/a,,b` (commas in values doubled). */
export function imageOptions({ source, format }: ImageSource): string {
  const text = (value: string | number | boolean) =>
    value === true ? 'on' : value === false ? 'off' : String(value).replaceAll(',', ',,');
  const file = Object.entries(source).map(([option, value]) => `file.${option}=${text(value)}`);
  return [`driver=${format}`, ...file].join(',');
}
