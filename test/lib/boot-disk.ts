/**
 * Disk images with an MBR that boot by themselves under SeaBIOS (syslinux) and OVMF (GRUB), made without loop devices,
 * device-mapper or mounts: syslinux and mtools write into a FAT file system inside an ordinary file.
 *
 * Layout: sector 0 boot code and partition table; partition 1 FAT with kernel, initrd and boot loaders, from 1 MiB;
 * partition 2, if any, a ready-made root file system.
 */
import { copyFile, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';

const sectorSize = 512;
const mebibyte = 1024 * 1024;
const bootOffset = mebibyte;

/** MBR disk signature of every image made here; the kernel names the root partition `PARTUUID=<signature>-02`. */
export const diskSignature = 0x52594f4b;
export const rootPartUuid = `${diskSignature.toString(16)}-02`;

export interface BootDisk {
  /** Raw image to write. */
  readonly path: string;
  readonly kernel: string;
  readonly initrd: string;
  /** Kernel command line. */
  readonly append: string;
  /** File with the file system for partition 2. */
  readonly rootFileSystem?: string;
}

/** To raise when `writeBootDisk` makes something else than before; part of the cache key of what uses it. */
export const bootDiskRevision = 1;

/** Packages that `writeBootDisk` takes files and programs from; their versions belong into the cache key. */
export const bootDiskPackages = ['syslinux', 'syslinux-common', 'mtools', 'dosfstools', 'grub-efi-amd64-bin'];

export async function writeBootDisk(disk: BootDisk): Promise<void> {
  const bootSize = await bootPartitionSize(disk);
  const rootSize = disk.rootFileSystem === undefined ? 0 : (await stat(disk.rootFileSystem)).size;
  const fat = `${disk.path}.fat`;
  try {
    await writeBootFileSystem(fat, bootSize, disk);
    await writeFile(disk.path, await masterBootRecord(bootSize, rootSize));
    await copyInto(fat, disk.path, bootOffset);
    if (disk.rootFileSystem !== undefined)
      await copyInto(disk.rootFileSystem, disk.path, bootOffset + bootSize);
    await truncate(disk.path, bootOffset + bootSize + rootSize);
  } finally {
    await rm(fat, { force: true });
  }
}

/** Kernel, initrd and 16 MiB for the boot loaders and FAT itself, in whole mebibytes. */
async function bootPartitionSize(disk: BootDisk): Promise<number> {
  const files = await Promise.all([disk.kernel, disk.initrd].map(async (file) => (await stat(file)).size));
  const total = files.reduce((sum, size) => sum + size, 16 * mebibyte);
  return Math.ceil(total / mebibyte) * mebibyte;
}

async function writeBootFileSystem(fat: string, size: number, disk: BootDisk): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'ryokan-boot-'));
  try {
    // -h: sectors before the partition; syslinux finds its own second stage by them.
    const hidden = String(bootOffset / sectorSize);
    await run('mkfs.vfat', ['-C', '-n', 'BOOT', '-h', hidden, fat, String(size / 1024)]);
    await writeFile(
      join(directory, 'syslinux.cfg'),
      `default linux\nprompt 0\nlabel linux\n  linux /linux\n  append initrd=/initrd.img ${disk.append}\n`,
    );
    await writeFile(
      join(directory, 'grub.cfg'),
      `set timeout=0\nmenuentry Linux {\n  linux /linux ${disk.append}\n  initrd /initrd.img\n}\n`,
    );
    await writeFile(join(directory, 'info'), 'boot disk\n');
    await copyFile('/usr/lib/grub/x86_64-efi/monolithic/gcdx64.efi', join(directory, 'BOOTX64.EFI'));
    await run('mmd', ['-i', fat, '::/EFI', '::/EFI/BOOT', '::/boot', '::/boot/grub', '::/.disk']);
    for (const [source, target] of [
      [disk.kernel, 'linux'],
      [disk.initrd, 'initrd.img'],
      [join(directory, 'syslinux.cfg'), 'syslinux.cfg'],
      [join(directory, 'grub.cfg'), 'boot/grub/grub.cfg'],
      [join(directory, 'info'), '.disk/info'],
      [join(directory, 'BOOTX64.EFI'), 'EFI/BOOT/BOOTX64.EFI'],
    ] as const) {
      await run('mcopy', ['-i', fat, source, `::/${target}`]);
    }
    await run('syslinux', ['--install', fat]);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Boot code of syslinux and a table of one or two primary partitions. Addresses are LBA; the CHS fields say "too far". */
async function masterBootRecord(bootSize: number, rootSize: number): Promise<Buffer> {
  const sector = Buffer.alloc(sectorSize);
  (await readFile('/usr/lib/syslinux/mbr/mbr.bin')).copy(sector, 0, 0, 440);
  sector.writeUInt32LE(diskSignature, 440);
  writePartition(sector, 0, { active: true, type: 0x0c, start: bootOffset, size: bootSize });
  if (rootSize > 0) {
    writePartition(sector, 1, { active: false, type: 0x83, start: bootOffset + bootSize, size: rootSize });
  }
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

interface Partition {
  readonly active: boolean;
  /** MBR type: 0x0c FAT32 LBA, 0x83 Linux. */
  readonly type: number;
  /** Bytes. */
  readonly start: number;
  readonly size: number;
}

function writePartition(sector: Buffer, index: number, partition: Partition): void {
  const at = 446 + index * 16;
  sector.writeUInt8(partition.active ? 0x80 : 0, at);
  sector.fill(Buffer.from([0xfe, 0xff, 0xff]), at + 1, at + 4);
  sector.writeUInt8(partition.type, at + 4);
  sector.fill(Buffer.from([0xfe, 0xff, 0xff]), at + 5, at + 8);
  sector.writeUInt32LE(partition.start / sectorSize, at + 8);
  sector.writeUInt32LE(partition.size / sectorSize, at + 12);
}

/** Copies a file to an offset of another one; blocks of zeros stay holes. */
async function copyInto(source: string, target: string, offset: number): Promise<void> {
  const from = await open(source, 'r');
  const to = await open(target, 'r+');
  try {
    const block = Buffer.alloc(mebibyte);
    const zeros = Buffer.alloc(mebibyte);
    for (let position = 0; ; ) {
      const { bytesRead } = await from.read(block, 0, block.length, position);
      if (bytesRead === 0) return;
      const part = block.subarray(0, bytesRead);
      if (!part.equals(zeros.subarray(0, bytesRead))) await to.write(part, 0, bytesRead, offset + position);
      position += bytesRead;
    }
  } finally {
    await from.close();
    await to.close();
  }
}
