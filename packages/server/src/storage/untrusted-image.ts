/**
 * Disk images that people bring along. An image can name other files (a backing file, a data file, extents) and QEMU
 * would open them for the guest: with a crafted image a guest could read any disk of the node. Such images are refused.
 * The headers are read here and not by a tool, so that nothing acts on them before they are judged.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';

/** Where an image stands in its file: all of it, or a member of an archive. */
export interface ByteRange {
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

type Check = (image: ImageBytes) => Promise<string | undefined>;

/** By format. Formats without references to other files (raw, ova) have no check. */
const checks: Readonly<Record<string, Check>> = {
  qcow2: qcow2Problem,
  vmdk: vmdkProblem,
  vdi: vdiProblem,
  vhdx: vhdxProblem,
};

/** Throws RyokanError 'unsupported' when the image at `path` is not a self-contained one of `format`. */
export async function demandSelfContained(path: string, format: string, range?: ByteRange): Promise<void> {
  const check = checks[format];
  if (!check) return;
  const file = await open(path, 'r');
  try {
    const problem = await check(new ImageBytes(file, range ?? { offset: 0, size: (await file.stat()).size }));
    if (problem) throw new RyokanError('unsupported', `this is no ${format} image to import: ${problem}`);
  } finally {
    await file.close();
  }
}

class ImageBytes {
  constructor(
    private readonly file: FileHandle,
    private readonly range: ByteRange,
  ) {}

  get size(): number {
    return this.range.size;
  }

  /** Fewer bytes when the image ends before. */
  async read(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(Math.max(0, Math.min(length, this.range.size - position)));
    const { bytesRead } = await this.file.read(buffer, 0, buffer.length, this.range.offset + position);
    return buffer.subarray(0, bytesRead);
  }
}

/** Bit of incompatible_features (at 72 in version 3): the data stands in another file. */
const externalDataBit = 1n << 2n;

async function qcow2Problem(image: ImageBytes): Promise<string | undefined> {
  const head = await image.read(0, 104);
  if (head.length < 72 || head.readUInt32BE(0) !== 0x514649fb) return 'the file does not begin like one';
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) return `version ${version} is not known`;
  if (head.readBigUInt64BE(8) !== 0n) return 'it needs a backing file; copy it with qemu-img convert first';
  if (head.readUInt32BE(32) !== 0) return 'it is encrypted';
  if (version === 2) return undefined;
  if (head.length < 104) return 'the header is cut off';
  const stored = (head.readBigUInt64BE(72) & externalDataBit) !== 0n;
  return stored ? 'its data stands in another file; copy it with qemu-img convert first' : undefined;
}

const sector = 512;
/** Longest embedded descriptor that is looked at. */
const longestDescriptor = 64 * 1024;

/** Sparse extent header: magic, version, flags, capacity at 12, descriptor offset at 28 and size at 36, in sectors. */
async function vmdkProblem(image: ImageBytes): Promise<string | undefined> {
  const head = await image.read(0, sector);
  if (head.toString('latin1', 0, 21).startsWith('# Disk DescriptorFile')) {
    return 'it is only a descriptor of other files; copy it with qemu-img convert first';
  }
  if (head.length < sector || head.toString('latin1', 0, 4) !== 'KDMV')
    return 'the file does not begin like one';
  // QEMU reads an image of capacity 0 as a descriptor that may name any file.
  if (head.readBigUInt64LE(12) === 0n) return 'its size is 0';
  const offset = head.readBigUInt64LE(28) * BigInt(sector);
  const length = Number(head.readBigUInt64LE(36) * BigInt(sector));
  if (offset === 0n || offset > BigInt(image.size) || length > longestDescriptor)
    return 'its descriptor is missing';
  const descriptor = (await image.read(Number(offset), length)).toString('latin1');
  if (/^[ \t]*parentFileNameHint/im.test(descriptor)) {
    return 'it needs a parent image; copy it with qemu-img convert first';
  }
  const type = /^[ \t]*createType[ \t]*=[ \t]*"([^"]*)"/im.exec(descriptor)?.[1];
  return type === 'monolithicSparse' || type === 'streamOptimized'
    ? undefined
    : `its type '${type ?? ''}' spreads over several files; copy it with qemu-img convert first`;
}

/** VDI: signature at 64, image type at 76; 1 grows, 2 is fixed, the others rest on a parent image. */
async function vdiProblem(image: ImageBytes): Promise<string | undefined> {
  const head = await image.read(0, 80);
  if (head.length < 80 || head.readUInt32LE(64) !== 0xbeda107f) return 'the file does not begin like one';
  const type = head.readUInt32LE(76);
  return type === 1 || type === 2 ? undefined : 'it needs a parent image; clone it to a full image first';
}

/** MS-VHDX 2.2.1. That it has no parent stands deep in its metadata; QEMU refuses those that have one. */
async function vhdxProblem(image: ImageBytes): Promise<string | undefined> {
  const head = await image.read(0, 8);
  return head.toString('latin1') === 'vhdxfile' ? undefined : 'the file does not begin like one';
}
