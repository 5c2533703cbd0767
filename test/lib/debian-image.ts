/**
 * A whole Debian on a disk image, made by the test itself: systemd, udev, DHCP client, guest agent, login on the serial
 * console. Boots by itself under SeaBIOS and OVMF from any disk bus of the product.
 */
import { chmod, lstat, mkdir, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';
import { cachedAsset } from './asset-cache.ts';
import { bootDiskPackages, bootDiskRevision, rootPartUuid, writeBootDisk } from './boot-disk.ts';
import { cloudKernel, debianMirror, hostDebian, packageVersions } from './debian-packages.ts';

export interface DebianImage {
  /** qcow2, virtual size 1.1 GiB. Boot it with a snapshot or a copy: the cache keeps it for later runs. */
  readonly path: string;
  readonly login: { readonly user: string; readonly password: string };
}

const login = { user: 'root', password: 'ryokan' } as const;

/** Text that the serial console shows when the guest is up. */
export const debianLoginPrompt = /ryokan-debian login:/;

const { suite } = hostDebian;
const rootSizeMiB = 1024;
/** Without a package list of its own systemd-networkd comes with systemd; nothing else is needed for DHCP. */
const packages = ['systemd-sysv', 'udev', 'dbus', 'iproute2', 'iputils-ping', 'qemu-guest-agent', 'kmod'];

/** Drivers of every disk bus that a test may choose; a list keeps the initrd small and its start quick. */
const initrdModules = [
  'virtio_pci',
  'virtio_blk',
  'virtio_scsi',
  'sd_mod',
  'ata_piix',
  'ahci',
  'nvme',
  'ext4',
];

/** For the image with cloud-init: itself, and what it sets the name service by. */
const cloudPackages = ['cloud-init', 'systemd-resolved'];

/** Services that a test image has no use for and that cost seconds of an emulated boot, or wake up in its middle. */
const disabled = [
  'e2scrub_reap.service',
  'systemd-networkd-wait-online.service',
  ...['apt-daily', 'apt-daily-upgrade', 'dpkg-db-backup', 'e2scrub_all', 'fstrim'].map(
    (name) => `${name}.timer`,
  ),
];

/** Files that differ from what the packages bring. */
const files: Readonly<Record<string, string>> = {
  'etc/hostname': 'ryokan-debian\n',
  'etc/hosts': '127.0.0.1 localhost\n127.0.1.1 ryokan-debian\n',
  'etc/fstab': `PARTUUID=${rootPartUuid} / ext4 defaults 0 0\n`,
  // An empty file makes each copy of the image take a machine id of its own.
  'etc/machine-id': '',
  'etc/systemd/network/80-dhcp.network':
    '[Match]\nName=en* eth*\n\n[Network]\nDHCP=ipv4\n\n[DHCPv4]\nClientIdentifier=mac\nUseDNS=no\n',
  'etc/initramfs-tools/modules': `${initrdModules.join('\n')}\n`,
  'etc/initramfs-tools/conf.d/ryokan': 'MODULES=list\nCOMPRESS=gzip\nFSTYPE=ext4\n',
  // Unpacking documentation and translations costs more than the rest of the test image together.
  'etc/dpkg/dpkg.cfg.d/small':
    'path-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\npath-exclude=/usr/share/locale/*\n',
};

const commandLine = `root=PARTUUID=${rootPartUuid} ro console=tty0 console=ttyS0 quiet`;

interface Variant {
  readonly name: string;
  /** Installed by apt-get, beside the kernel: debootstrap does not understand all their dependencies. */
  readonly extra: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

const plain: Variant = { name: 'debian-image', extra: [], files };

/** Network and host name are left to cloud-init. */
function withCloudInit(): Variant {
  const { 'etc/systemd/network/80-dhcp.network': _network, ...others } = files;
  const modules = 'etc/initramfs-tools/modules';
  return {
    name: 'debian-cloud-image',
    extra: cloudPackages,
    files: {
      ...others,
      // cloud-init decides whether it is wanted before udev loads any driver: by then the disc has to be there.
      [modules]: `${files[modules]}sr_mod\nisofs\n`,
      // Making a locale needs a package more and, emulated, minutes.
      'etc/cloud/cloud.cfg.d/90_no_locale.cfg': 'locale: false\n',
    },
  };
}

/**
 * Builds the image, or takes it from the cache. Root, one to two minutes, some 150 MB of downloads. With `cloudInit` it
 * takes user, name and network from the data source that it finds.
 */
export async function buildDebianImage(
  cacheDir: string,
  { cloudInit = false }: { readonly cloudInit?: boolean } = {},
): Promise<DebianImage> {
  const variant = cloudInit ? withCloudInit() : plain;
  const kernel = await cloudKernel();
  const tools = await packageVersions([...bootDiskPackages, 'debootstrap', 'e2fsprogs', 'qemu-utils']);
  const directory = await cachedAsset(cacheDir, {
    name: variant.name,
    inputs: {
      ...{ revision: 1, bootDisk: bootDiskRevision, tools, kernel: kernel.version },
      ...{ suite, packages, disabled, files: variant.files, commandLine, login, rootSizeMiB },
      ...(cloudInit ? { extra: variant.extra } : {}),
    },
    build: (directory) => buildInto(directory, variant),
  });
  return { path: join(directory, 'debian.qcow2'), login };
}

async function buildInto(directory: string, variant: Variant): Promise<void> {
  const root = join(directory, 'root');
  await debootstrap(root, suite, packages);
  await changeDebian(root, {
    files: variant.files,
    packages: ['linux-image-cloud-amd64', ...variant.extra],
  });
  const rootFileSystem = join(directory, 'root.ext4');
  await rename(join(root, 'boot'), join(directory, 'boot'));
  await mkdir(join(root, 'boot'));
  await writeFile(rootFileSystem, '');
  await truncate(rootFileSystem, rootSizeMiB * 1024 * 1024);
  await run('mke2fs', ['-q', '-t', 'ext4', '-F', '-d', root, '-L', 'ryokan-root', rootFileSystem]);
  const raw = join(directory, 'debian.raw');
  await writeBootDisk({
    path: raw,
    kernel: await bootFile(join(directory, 'boot'), 'vmlinuz-'),
    initrd: await bootFile(join(directory, 'boot'), 'initrd.img-'),
    append: commandLine,
    rootFileSystem,
  });
  await run('qemu-img', ['convert', '-O', 'qcow2', raw, join(directory, 'debian.qcow2')]);
  for (const name of ['root', 'boot', 'root.ext4', 'debian.raw']) {
    await rm(join(directory, name), { recursive: true });
  }
}

export async function bootFile(boot: string, prefix: string): Promise<string> {
  const name = (await readdir(boot)).find((entry) => entry.startsWith(prefix));
  if (name === undefined) throw new Error(`the kernel package left no ${prefix} in /boot`);
  return join(boot, name);
}

/** The smallest Debian of a suite with some packages more, from the mirror of this machine. */
export async function debootstrap(root: string, release: string, include: readonly string[]): Promise<void> {
  const mirror = await debianMirror();
  await run(
    'debootstrap',
    ['--variant=minbase', `--include=${include.join(',')}`, release, root, ...(mirror ? [mirror] : [])],
    { timeout: 1_200_000 },
  );
}

export interface Changes {
  /** Installed by apt-get: debootstrap does not understand all dependencies. */
  readonly packages: readonly string[];
  readonly files: Readonly<Record<string, string>>;
}

/** Makes a bootstrapped Debian bootable, with a root password and a network. */
export async function changeDebian(root: string, { files, packages }: Changes): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text);
  }
  await writeFile(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n');
  await chmod(join(root, 'usr/sbin/policy-rc.d'), 0o755);
  await inside(root, 'apt-get', ['-y', '--no-install-recommends', 'install', ...packages]);
  await inside(root, 'chpasswd', [], `${login.user}:${login.password}\n`);
  await inside(root, 'systemctl', ['enable', 'systemd-networkd.service']);
  await inside(root, 'systemctl', ['disable', ...disabled]);
  await inside(root, 'apt-get', ['clean']);
  await rm(join(root, 'usr/sbin/policy-rc.d'));
  // Copied from this machine by debootstrap, for the chroot's own downloads; systemd-resolved makes it a link of its own.
  const resolvConf = join(root, 'etc/resolv.conf');
  if (!(await lstat(resolvConf)).isSymbolicLink()) await writeFile(resolvConf, '');
  for (const path of ['var/lib/apt/lists', 'usr/share/doc', 'usr/share/man', 'usr/share/locale']) {
    await rm(join(root, path), { recursive: true, force: true });
  }
}

function inside(root: string, program: string, args: readonly string[], input?: string): Promise<unknown> {
  return run('chroot', [root, program, ...args], {
    input,
    timeout: 1_800_000,
    // The rest of the environment may name a proxy.
    env: {
      ...process.env,
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C.UTF-8',
      DEBIAN_FRONTEND: 'noninteractive',
    },
  });
}
