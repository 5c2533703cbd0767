/** The manifest of an OVA: `SHA256(disk1.vmdk)= 0123…`, a line a file (OVF specification DSP0243, section 11.2). */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { TarMember } from './tar-index.ts';

/** SHA-512 came with OVF 2.0, SHA-1 is what older tools write. */
const algorithms = ['sha1', 'sha256', 'sha384', 'sha512'] as const;

export interface ManifestEntry {
  readonly algorithm: (typeof algorithms)[number];
  readonly digest: string;
}

/** Digests by file name. Throws 'unsupported' for a line that is none: a damaged manifest proves nothing. */
export function parseManifest(text: string): Map<string, ManifestEntry> {
  const entries = new Map<string, ManifestEntry>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const match = /^\s*([A-Za-z0-9-]+)\s*\(([^)]+)\)\s*=\s*([0-9a-fA-F]+)\s*$/.exec(line);
    const algorithm = algorithms.find((one) => one === match?.[1]?.toLowerCase().replace('-', ''));
    if (!match || !algorithm) {
      throw new RyokanError('unsupported', `line ${index + 1} of the OVA's manifest is damaged`);
    }
    entries.set(match[2] as string, { algorithm, digest: (match[3] as string).toLowerCase() });
  }
  return entries;
}

/** The manifest of a descriptor: its name with the ending .mf. */
export function manifestOf(members: readonly TarMember[], descriptor: string): TarMember | undefined {
  return members.find((member) => member.name === descriptor.replace(/\.ovf$/i, '.mf'));
}

/**
 * Compares members of the archive at `path` with the manifest. Throws 'unsupported' that names the first file which is
 * not what it was, or is missing. `only`: the names of those to compare; all by default.
 */
export async function compareWithManifest(
  path: string,
  members: readonly TarMember[],
  manifest: ReadonlyMap<string, ManifestEntry>,
  options: { readonly only?: readonly string[]; readonly onProgress?: (fraction: number) => void } = {},
): Promise<void> {
  const wanted = [...manifest].filter(([name]) => options.only === undefined || options.only.includes(name));
  const found = wanted.map(([name, entry]) => {
    const member = members.find((one) => one.name === name);
    if (!member) throw new RyokanError('unsupported', `the OVA's manifest names '${name}', which is missing`);
    return { member, entry };
  });
  const total = found.reduce((sum, { member }) => sum + member.size, 0);
  let done = 0;
  for (const { member, entry } of found) {
    const hash = createHash(entry.algorithm);
    for await (const chunk of bytesOf(path, member)) {
      hash.update(chunk);
      done += chunk.length;
      options.onProgress?.(total === 0 ? 1 : done / total);
    }
    if (hash.digest('hex') !== entry.digest) {
      throw new RyokanError(
        'unsupported',
        `'${member.name}' in the OVA is not what its manifest says (${entry.algorithm}): the file was damaged or changed; copy it again`,
      );
    }
  }
}

async function* bytesOf(path: string, { offset, size }: TarMember): AsyncGenerator<Buffer> {
  if (size === 0) return;
  const range = { start: offset, end: offset + size - 1, highWaterMark: 1024 * 1024 };
  for await (const chunk of createReadStream(path, range)) yield chunk as Buffer;
}
