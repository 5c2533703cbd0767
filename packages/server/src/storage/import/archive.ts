/** What the parser process does with an OVA: table of contents, descriptor, manifest, headers of the disks. */
import { open } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { importableFormat } from '@ryokan/api/schema/volume-id.ts';
import { demandSelfContained } from '../untrusted-image.ts';
import { compareWithManifest, manifestOf, parseManifest } from './manifest.ts';
import { readTarIndex, type TarMember } from './tar-index.ts';

/** Bytes of the longest descriptor or manifest. */
const longestText = 1024 * 1024;

export interface OpenedArchive {
  readonly members: readonly TarMember[];
  /** Text of the OVF descriptor. */
  readonly descriptor: string;
  /** Text of the manifest, when there is one. */
  readonly manifest?: string;
}

/** Reads what describes the archive. Throws 'unsupported' when it is no OVA. */
export async function openArchive(path: string): Promise<OpenedArchive> {
  const file = await open(path, 'r');
  try {
    const members = await readTarIndex(file, (await file.stat()).size);
    const descriptor = members.find((member) => /\.ovf$/i.test(member.name));
    if (!descriptor)
      throw new RyokanError('unsupported', 'this is no OVA to import: it has no OVF descriptor');
    const textOf = async ({ name, offset, size }: TarMember) => {
      if (size > longestText) throw new RyokanError('unsupported', `'${name}' in the OVA is too long`);
      const buffer = Buffer.alloc(size);
      await file.read(buffer, 0, size, offset);
      return buffer.toString('utf8');
    };
    const manifest = manifestOf(members, descriptor.name);
    return {
      members,
      descriptor: await textOf(descriptor),
      ...(manifest ? { manifest: await textOf(manifest) } : {}),
    };
  } finally {
    await file.close();
  }
}

/**
 * Makes sure that the archive is whole and its disks need no other files. `only`: the one member to look at; all by
 * default.
 */
export async function checkArchive(
  path: string,
  options: { readonly only?: string; readonly onProgress: (fraction: number) => void },
): Promise<{ readonly members: readonly TarMember[] }> {
  const archive = await openArchive(path);
  const { only, onProgress } = options;
  for (const member of archive.members.filter(({ name }) => only === undefined || name === only)) {
    const format = importableFormat(member.name);
    if (format) await demandSelfContained(path, format, member);
  }
  if (archive.manifest !== undefined) {
    const entries = parseManifest(archive.manifest);
    await compareWithManifest(path, archive.members, entries, {
      ...(only === undefined ? {} : { only: [only] }),
      onProgress,
    });
  }
  return { members: archive.members };
}
