/** What an import would make of a file, in the form of the API: asked of the parser process and put in terms of volumes. */
import { access } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ResultOf } from '@ryokan/api/method.ts';
import type { importMetadata } from '@ryokan/api/methods/storage-import.ts';
import { importableFormat } from '@ryokan/api/schema/volume-id.ts';
import { inspectImage } from '../../storage/import/foreign-image.ts';
import { askParser } from '../../storage/import/parser-process.ts';
import type { ImportWarning, RecognisedDisk, RecognisedMachine } from './recognised.ts';

export type ImportDescription = ResultOf<typeof importMetadata>;

export interface ImportFile {
  /** Where it is on this node. */
  readonly path: string;
  /** What import-from takes for it: a volume id, or a path of the host. */
  readonly source: string;
}

/** Rejects with 'unsupported' when the file is nothing that can be imported, and says why. */
export async function describeImport(file: ImportFile, signal: AbortSignal): Promise<ImportDescription> {
  const ending = extname(file.source).slice(1).toLowerCase();
  if (ending === 'ova' || ending === 'ovf') return describeMachine(ending, file, signal);
  const format = importableFormat(file.source);
  if (!format) {
    throw new RyokanError('unsupported', `'${file.source}' is neither an OVA, an OVF nor a disk image`);
  }
  const { virtual } = await inspectImage({ name: file.source, path: file.path, format }, signal);
  return {
    type: 'vm',
    source: 'disk',
    'create-args': { scsihw: 'virtio-scsi-single', boot: 'order=scsi0' },
    disks: { scsi0: { volid: file.source, size: virtual } },
    net: {},
    warnings: [],
  };
}

interface ParsedMachine {
  readonly machine: RecognisedMachine;
  /** OVA: what is in the archive. */
  readonly files?: readonly string[];
  readonly hasManifest?: boolean;
}

async function describeMachine(
  kind: 'ova' | 'ovf',
  file: ImportFile,
  signal: AbortSignal,
): Promise<ImportDescription> {
  const parsed = (await askParser({ ask: kind }, file.path, { signal })) as ParsedMachine;
  const { machine } = parsed;
  const warnings: ImportWarning[] = [...machine.warnings];
  if (kind === 'ova' && parsed.hasManifest === false) warnings.push({ type: 'manifest-missing' });
  const disks: ImportDescription['disks'] = {};
  for (const [key, disk] of Object.entries(machine.disks)) {
    if (disk === 1 || disk.file === undefined) disks[key] = disk;
    else if (await isThere(kind, file, disk.file, parsed.files)) disks[key] = withSource(kind, file, disk);
    else warnings.push({ type: 'disk-missing', key, value: disk.file });
  }
  return {
    type: 'vm',
    source: kind,
    'create-args': { ...machine.config },
    disks,
    net: { ...machine.nets },
    ...(machine.secureBoot ? { 'secure-boot': 1 } : {}),
    warnings,
  };
}

async function isThere(
  kind: 'ova' | 'ovf',
  file: ImportFile,
  name: string,
  inside: readonly string[] | undefined,
): Promise<boolean> {
  if (kind === 'ova') return inside?.includes(name) === true;
  // basename: what came out of the parser never leads out of the folder.
  return access(join(dirname(file.path), basename(name))).then(
    () => true,
    () => false,
  );
}

/** A disk of an OVA stands inside of it, one of an OVF beside it. */
function withSource(kind: 'ova' | 'ovf', { source }: ImportFile, { file, size }: RecognisedDisk) {
  const folder = kind === 'ova' ? source : source.slice(0, source.lastIndexOf('/'));
  return { volid: `${folder}/${basename(file ?? '')}`, ...(size === undefined ? {} : { size }) };
}
