/**
 * Reads virtual size and backing file out of an image's own header, for lists of thousands of images where a qemu-img
 * each would take minutes. Everything in a header may be hostile: each offset and length is checked before it is used.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { ImageFormat } from '@ryokan/api/schema/volume-id.ts';

export interface ImageHeader {
  /** Bytes. */
  readonly virtualSize: number;
  /** As it stands in the image. */
  readonly backingFile?: string;
}

const sector = 512;
/** Longest backing file name, docs/interop/qcow2.txt in QEMU. */
const longestBackingName = 1023;

/** Undefined when the file is not a readable image of this format. Not for raw, whose size is that of the file. */
export async function readImageHeader(path: string, format: ImageFormat): Promise<ImageHeader | undefined> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(sector);
    const { bytesRead } = await file.read(head, 0, sector, 0);
    if (format === 'qcow2') return await readQcow2(file, head.subarray(0, bytesRead));
    if (format === 'vmdk') return readSparseVmdk(head.subarray(0, bytesRead));
    return undefined;
  } finally {
    await file.close();
  }
}

/** Big-endian; fields at 8 backing offset, 16 backing length, 20 cluster bits, 24 size (docs/interop/qcow2.txt). */
async function readQcow2(file: FileHandle, head: Buffer): Promise<ImageHeader | undefined> {
  if (head.length < 72 || head.readUInt32BE(0) !== 0x514649fb) return undefined;
  const version = head.readUInt32BE(4);
  const clusterBits = head.readUInt32BE(20);
  if ((version !== 2 && version !== 3) || clusterBits < 9 || clusterBits > 21) return undefined;
  const virtualSize = safeNumber(head.readBigUInt64BE(24));
  if (virtualSize === undefined) return undefined;
  const offset = head.readBigUInt64BE(8);
  const length = head.readUInt32BE(16);
  if (offset === 0n) return { virtualSize };
  // The name stands in the first cluster.
  if (length === 0 || length > longestBackingName || offset + BigInt(length) > 1n << BigInt(clusterBits)) {
    return undefined;
  }
  const name = Buffer.alloc(length);
  const { bytesRead } = await file.read(name, 0, length, Number(offset));
  return bytesRead === length ? { virtualSize, backingFile: name.toString('utf8') } : undefined;
}

/** Little-endian; the capacity in sectors at 12 (VMware's Virtual Disk Format 1.1, sparse extent header). */
function readSparseVmdk(head: Buffer): ImageHeader | undefined {
  if (head.length < 20 || head.toString('latin1', 0, 4) !== 'KDMV') return undefined;
  const virtualSize = safeNumber(head.readBigUInt64LE(12) * BigInt(sector));
  return virtualSize === undefined ? undefined : { virtualSize };
}

function safeNumber(value: bigint): number | undefined {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}
