/** How an archive is packed, by its first bytes: what a file is called proves nothing. */
import type { FileHandle } from 'node:fs/promises';

export type Compression = 'gz' | 'xz' | 'zst' | 'bz2' | 'lzo';

/** First bytes: RFC 1952 (gzip), RFC 8878 (zstd), the xz file format, bzip2, lzop. */
const signatures: readonly (readonly [Compression, readonly number[]])[] = [
  ['gz', [0x1f, 0x8b]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zst', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bz2', [0x42, 0x5a, 0x68]],
  ['lzo', [0x89, 0x4c, 0x5a, 0x4f, 0x00]],
];

/** Undefined for what is not compressed. The place in the file stays at its beginning. */
export async function compressionOf(file: FileHandle): Promise<Compression | undefined> {
  const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
  return signatures.find(([, bytes]) => bytes.every((byte, at) => buffer[at] === byte))?.[0];
}

const programs: Readonly<Record<Compression, string>> = {
  gz: 'gzip',
  // All processors, where the archive was made in blocks; a stranger may ask for a dictionary of 4 GiB.
  xz: 'xz --threads=0 --memlimit-decompress=1GiB',
  zst: 'zstd',
  bz2: 'bzip2',
  lzo: 'lzop',
};

/** The options by which tar unpacks it. */
export function unpacker(compression: Compression | undefined): string[] {
  return compression === undefined ? [] : [`--use-compress-program=${programs[compression]}`];
}
