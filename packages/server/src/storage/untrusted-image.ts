/**
 * Disk images that people bring along. An image can name other files (a backing file, a data file, extents) and QEMU
 * would open them for the guest: with a crafted image a guest could read any disk of the node. Such images are refused.
 * The headers are read here and not by a tool, so that nothing acts on them before they are judged.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';

/**
 * Throws RyokanError 'unsupported' when the image at `path` is not a self-contained one of `format`. Formats without
 * references to other files (raw, ova) pass.
 */
export async function demandSelfContained(path: string, format: string): Promise<void> {
  if (format !== 'qcow2' && format !== 'vmdk') return;
  const file = await open(path, 'r');
  try {
    const problem = format === 'qcow2' ? await qcow2Problem(file) : await vmdkProblem(file);
    if (problem) throw new RyokanError('unsupported', `this is no ${format} image to import: ${problem}`);
  } finally {
    await file.close();
  }
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** Bit of incompatible_features (at 72 in version 3): the data stands in another file. */
const externalDataBit = 1n << 2n;

async function qcow2Problem(file: FileHandle): Promise<string | undefined> {
  const head = await read(file, 0, 104);
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
async function vmdkProblem(file: FileHandle): Promise<string | undefined> {
  const head = await read(file, 0, sector);
  if (head.toString('latin1', 0, 21).startsWith('# Disk DescriptorFile')) {
    return 'it is only a descriptor of other files; copy it with qemu-img convert first';
  }
  if (head.length < sector || head.toString('latin1', 0, 4) !== 'KDMV')
    return 'the file does not begin like one';
  // QEMU reads an image of capacity 0 as a descriptor that may name any file.
  if (head.readBigUInt64LE(12) === 0n) return 'its size is 0';
  const offset = head.readBigUInt64LE(28) * BigInt(sector);
  const length = Number(head.readBigUInt64LE(36) * BigInt(sector));
  const { size } = await file.stat();
  if (offset === 0n || offset > BigInt(size) || length > longestDescriptor)
    return 'its descriptor is missing';
  const descriptor = (await read(file, Number(offset), length)).toString('latin1');
  if (/^\s*parentFileNameHint/im.test(descriptor)) {
    return 'it needs a parent image; copy it with qemu-img convert first';
  }
  const type = /^\s*createType\s*=\s*"([^"]*)"/im.exec(descriptor)?.[1];
  return type === 'monolithicSparse' || type === 'streamOptimized'
    ? undefined
    : `its type '${type ?? ''}' spreads over several files; copy it with qemu-img convert first`;
}
