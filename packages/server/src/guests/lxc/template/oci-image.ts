/**
 * OCI images as templates: an archive (.tar) of an OCI layout, as registries' tools keep it. skopeo takes it apart and
 * compares its digests, umoci puts its layers on top of each other; both run in sandboxes.
 */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { ExecError, run } from '../../../host/exec.ts';
import { sandboxed } from '../../../host/sandbox.ts';
import type { IdRange } from '../../../host/user-namespace.ts';
import { ContainerTree } from '../setup/tree.ts';
import { type ContainerProgram, containerProgram } from './oci-program.ts';
import { runInRoot } from './root-sandbox.ts';

/** Seconds of processor time in which an archive's table of contents can be read. */
const longestLook = 120;

/** Does this (uncompressed) archive hold an OCI layout? */
export async function isOciArchive(archive: string, signal?: AbortSignal): Promise<boolean> {
  const command = await sandboxed({ read: { '/input': archive }, cpu: longestLook }, '/usr/bin/tar', [
    ...['--list', '--file=/input', '--occurrence', 'oci-layout', './oci-layout'],
  ]);
  const { stdout } = await run(command.program, command.args, {
    ...(signal ? { signal } : {}),
    okCodes: [0, 1, 2],
  });
  return stdout.trim() !== '';
}

export interface OciUnpackOptions {
  readonly archive: string;
  /** How people know the archive. */
  readonly name: string;
  readonly root: string;
  readonly ids: readonly IdRange[];
  /** A new folder for the layers. */
  readonly folder: string;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (fraction: number) => void;
}

/** Fills the tree with the image's layers; gives the program that the image is for. Rejects with RyokanError. */
export async function unpackOciImage(options: OciUnpackOptions): Promise<ContainerProgram> {
  const { folder, signal } = options;
  await mkdir(folder, { mode: 0o700 });
  // For the container's ids to read it; the folder around is closed.
  const inner = join(folder, 'layers');
  await mkdir(inner);
  await chmod(inner, 0o755);
  try {
    await takeApart(options, inner);
    options.onProgress?.(0.4);
    const image = readImage(inner, options.name);
    for (const layer of image.layers) await demandBounded(options, join(inner, 'image', layer));
    options.onProgress?.(0.6);
    await runInRoot(
      { root: options.root, ids: options.ids, read: { '/image': join(inner, 'image') } },
      '/usr/bin/umoci',
      ['raw', 'unpack', '--image', '/image:latest', '/rootfs'],
      signal ? { signal } : {},
    ).catch((error: unknown) => {
      throw explain(options, error);
    });
    return containerProgram(image.config, new ContainerTree(options.root, options.ids));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function takeApart({ archive, signal, ...options }: OciUnpackOptions, folder: string): Promise<void> {
  const sandbox = { read: { '/input': archive }, write: { '/folder': folder } };
  const command = await sandboxed(sandbox, '/usr/bin/skopeo', [
    ...['--insecure-policy', '--tmpdir', '/folder', 'copy', '--dest-oci-accept-uncompressed-layers'],
    ...['oci-archive:/input', 'oci:/folder/image:latest'],
  ]);
  // The container's ids are going to read what it writes.
  const how = { umask: 0o022, ...(signal ? { signal } : {}) };
  await run(command.program, command.args, how).catch((error: unknown) => {
    throw explain({ ...options, ...(signal ? { signal } : {}) }, error);
  });
}

function explain({ name, signal }: Pick<OciUnpackOptions, 'name' | 'signal'>, error: unknown): unknown {
  if (!(error instanceof ExecError) || signal?.aborted) return error;
  if (/no space left on device|disk quota exceeded/i.test(error.stderr)) {
    const text = `the container's disk is too small for the image '${name}', in bytes or in files: make it larger`;
    return new RyokanError('no-space', text, { cause: error });
  }
  const said = /msg="((?:[^"\\]|\\.)*)"/.exec(error.stderr)?.[1] ?? error.stderr.trim().split('\n').at(-1);
  return unusable(name, String(said).slice(0, 300), error);
}

const unusable = (name: string, problem: string, cause?: unknown): RyokanError =>
  new RyokanError('unsupported', `the image '${name}' cannot be unpacked: ${problem}`, { cause });

/** Layers that an image may have: Docker's own limit is 127. */
const mostLayers = 500;

interface Image {
  /** Paths of the layers in the layout. */
  readonly layers: readonly string[];
  /** The image's `config`, of any shape. */
  readonly config: unknown;
}

/** Reads manifest and configuration; what skopeo left is as hostile as the image. */
function readImage(folder: string, name: string): Image {
  const tree = new ContainerTree(join(folder, 'image'), []);
  const json = (path: string | undefined): Record<string, unknown> => {
    try {
      const value: unknown = JSON.parse((path && tree.read(path)) ?? '');
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    } catch {
      // Said below.
    }
    throw unusable(name, 'it has no readable configuration');
  };
  const [manifest] = list(json('index.json').manifests);
  const { layers, config } = json(blobPath(manifest));
  const paths = list(layers).map(blobPath);
  if (paths.length > mostLayers) throw unusable(name, `it has more than ${mostLayers} layers`);
  if (!paths.every((path) => path !== undefined)) throw unusable(name, 'its manifest is damaged');
  return { layers: paths, config: json(blobPath(config)).config };
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Where a descriptor's content stands. */
function blobPath(descriptor: unknown): string | undefined {
  const digest = (descriptor as { digest?: unknown } | undefined)?.digest;
  const [, algorithm, hex] = /^(sha256|sha512):([0-9a-f]{64,128})$/.exec(String(digest)) ?? [];
  return algorithm && `blobs/${algorithm}/${hex}`;
}

/** umoci writes whatever a layer holds, so its table of contents is counted before. */
async function demandBounded(options: OciUnpackOptions, layer: string): Promise<void> {
  const { name, maxEntries, maxBytes, signal } = options;
  const stopped = new AbortController();
  let entries = 0;
  let problem: RyokanError | undefined;
  const onLine = (line: string, stream: 'stdout' | 'stderr') => {
    const records = /^tar: checkpoint (\d+)$/.exec(line)?.[1];
    if (stream === 'stdout' && ++entries > maxEntries)
      problem ??= unusable(name, `it has more than ${maxEntries} files`);
    if (records !== undefined && Number(records) * 10 * 1024 > maxBytes) {
      problem ??= new RyokanError('no-space', `the container's disk is too small for the image '${name}'`);
    }
    if (problem) stopped.abort();
  };
  const command = await sandboxed({ read: { '/layer': layer }, memory: 2 * 1024 ** 3 }, '/usr/bin/tar', [
    ...['--list', '--file=/layer', '--checkpoint=6554', '--checkpoint-action=echo=checkpoint %u'],
  ]);
  await run(command.program, command.args, {
    onLine,
    signal: signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal,
  }).catch((error: unknown) => {
    throw problem ?? explain(options, error);
  });
}
