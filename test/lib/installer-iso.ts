/**
 * A real installer ISO for the end-to-end tests: kernel, initrd and boot menus of Debian's own installer, from the
 * package debian-installer-<release>-netboot-amd64, made bootable from a CD. That package is laid out for TFTP; its menus name
 * files by `debian-installer/amd64/…` from the root, so the same tree at the root of the CD serves both boot loaders.
 */
import { copyFile, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';
import { cachedAsset, sha256File } from './asset-cache.ts';
import { hostDebian, packageVersions } from './debian-packages.ts';

export interface InstallerIso {
  readonly path: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

const { release } = hostDebian;
const installerPackage = `debian-installer-${release}-netboot-amd64`;
const netbootTree = `/usr/lib/debian-installer/images/${release}/amd64/text`;
const grubForCd = '/usr/lib/grub/x86_64-efi/monolithic/gcdx64.efi';

/** Builds the ISO, or takes it from the cache. BIOS (isolinux) and UEFI (GRUB). About 60 MB, 1 s to build. */
export async function buildInstallerIso(cacheDir: string): Promise<InstallerIso> {
  const packages = [
    installerPackage,
    'isolinux',
    'syslinux-common',
    'grub-efi-amd64-bin',
    'mtools',
    'dosfstools',
  ];
  const directory = await cachedAsset(cacheDir, {
    name: 'installer-iso',
    inputs: { revision: 1, packages: await packageVersions(packages) },
    build: buildInto,
  });
  const path = join(directory, 'debian-installer.iso');
  return { path, sha256: await sha256File(path) };
}

async function buildInto(directory: string): Promise<void> {
  const tree = join(directory, 'tree');
  await cp(join(netbootTree, 'debian-installer'), join(tree, 'debian-installer'), {
    recursive: true,
    dereference: true,
  });
  await addBiosLoader(tree);
  await addUefiLoader(tree);
  await run('xorriso', [
    ...['-as', 'mkisofs', '-quiet', '-R', '-J', '-V', 'DEBIAN_INSTALLER'],
    ...['-o', join(directory, 'debian-installer.iso')],
    ...['-b', 'isolinux.bin', '-c', 'boot.cat', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table'],
    ...['-eltorito-alt-boot', '-e', 'efi.img', '-no-emul-boot'],
    tree,
  ]);
  await rm(tree, { recursive: true });
}

/** isolinux reads its configuration from its own directory, which must be the root for the menus' relative paths. */
async function addBiosLoader(tree: string): Promise<void> {
  await copyFile('/usr/lib/ISOLINUX/isolinux.bin', join(tree, 'isolinux.bin'));
  await copyFile('/usr/lib/syslinux/modules/bios/ldlinux.c32', join(tree, 'ldlinux.c32'));
  await writeFile(
    join(tree, 'isolinux.cfg'),
    [
      'path debian-installer/amd64/boot-screens/',
      'prompt 0',
      'timeout 0',
      'include debian-installer/amd64/boot-screens/menu.cfg',
      'default debian-installer/amd64/boot-screens/vesamenu.c32',
      '',
    ].join('\n'),
  );
}

/** The CD build of GRUB looks for the volume that has /.disk/info and reads boot/grub/grub.cfg there. */
async function addUefiLoader(tree: string): Promise<void> {
  const image = join(tree, 'efi.img');
  await run('mkfs.vfat', ['-C', '-n', 'EFI', image, '4096']);
  await run('mmd', ['-i', image, '::/EFI', '::/EFI/BOOT']);
  await run('mcopy', ['-i', image, grubForCd, '::/EFI/BOOT/BOOTX64.EFI']);
  await mkdir(join(tree, '.disk'));
  await writeFile(join(tree, '.disk/info'), 'Debian installer for the tests of Ryokan\n');
  await mkdir(join(tree, 'boot'));
  await cp(join(tree, 'debian-installer/amd64/grub'), join(tree, 'boot/grub'), { recursive: true });
}
