/**
 * The smallest real guest: Debian's cloud kernel and busybox in an initramfs, on a CD and on a disk. Boots in a few
 * seconds under emulation and does just what tests of start, stop and console look for:
 * - prints `ryokan-guest: ready boot=<boot id>` on the serial port and on the screen,
 * - asks for an address by DHCP on each network card and prints `ryokan-guest: eth0 <address>`,
 * - powers off when the ACPI power button is pressed,
 * - offers a root shell on the serial port.
 */
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';
import { cachedAsset } from './asset-cache.ts';
import { bootDiskPackages, bootDiskRevision, writeBootDisk } from './boot-disk.ts';
import { cloudKernel, type KernelPackage, packageVersions, unpackKernel } from './debian-packages.ts';

export interface TinyGuest {
  /** ISO 9660 image that boots under SeaBIOS. */
  readonly iso: string;
  /** Raw disk image that boots under SeaBIOS and OVMF from any disk bus. */
  readonly disk: string;
  /** For `-kernel` and `-initrd`. */
  readonly kernel: string;
  readonly initrd: string;
}

/** Command line that gives boot messages on the screen and the serial port; the last console is the guest's /dev/console. */
export const tinyGuestCommandLine = 'console=tty0 console=ttyS0 quiet panic=1';

/** Loaded at boot in this order, each after what it needs: devices, then disks, then power button. */
const modules = [
  'virtio_pci',
  'virtio_net',
  'virtio_blk',
  'virtio_scsi',
  'sd_mod',
  'virtio_balloon',
  'virtio_rng',
  'virtiofs',
  'evdev',
  'button',
];

/** Builds the guest, or takes it from the cache. A few seconds, with one download of 27 MB. */
export async function buildTinyGuest(cacheDir: string): Promise<TinyGuest> {
  const kernel = await cloudKernel();
  const packages = await packageVersions(['busybox-static', 'isolinux', ...bootDiskPackages]);
  const directory = await cachedAsset(cacheDir, {
    name: 'tiny-guest',
    inputs: {
      ...{ revision: 1, bootDisk: bootDiskRevision, kernel, packages, modules },
      scripts: [tinyGuestCommandLine, inittab, sayScript, startScript([]), dhcpScript],
    },
    build: (target) => buildInto(target, kernel),
  });
  return filesIn(directory);
}

function filesIn(directory: string): TinyGuest {
  return {
    iso: join(directory, 'tiny-guest.iso'),
    disk: join(directory, 'tiny-guest.raw'),
    kernel: join(directory, 'linux'),
    initrd: join(directory, 'initrd.img'),
  };
}

async function buildInto(directory: string, kernel: KernelPackage): Promise<void> {
  const files = filesIn(directory);
  const unpacked = join(directory, 'kernel');
  await mkdir(unpacked);
  await unpackKernel(kernel, unpacked);
  await copyFile(join(unpacked, `boot/vmlinuz-${kernel.release}`), files.kernel);
  await writeInitramfs(join(directory, 'root'), join(unpacked, 'lib/modules', kernel.release), files.initrd);
  await writeBootDisk({
    path: files.disk,
    kernel: files.kernel,
    initrd: files.initrd,
    append: tinyGuestCommandLine,
  });
  await writeIso(join(directory, 'cd'), files);
  for (const name of ['kernel', 'root', 'cd']) await rm(join(directory, name), { recursive: true });
}

async function writeInitramfs(root: string, moduleTree: string, initrd: string): Promise<void> {
  for (const name of ['bin', 'dev', 'etc/acpi/PWRF', 'lib', 'proc', 'sys', 'tmp']) {
    await mkdir(join(root, name), { recursive: true });
  }
  await copyFile('/usr/bin/busybox', join(root, 'bin/busybox'));
  await symlink('busybox', join(root, 'bin/sh'));
  await symlink('bin/busybox', join(root, 'init'));
  const order = await copyModules(moduleTree, join(root, 'lib'));
  await writeScripts(root, order);
  const list = (await readdir(root, { recursive: true })).sort().join('\n');
  const archive = `${initrd}.cpio`;
  await run('busybox', ['cpio', '-o', '-H', 'newc', '-R', '0:0', '-F', archive], { cwd: root, input: list });
  await run('gzip', ['-9', '-n', archive]);
  await rename(`${archive}.gz`, initrd);
}

/** Copies modules with all they depend on; gives their file names in the order to load them. */
async function copyModules(moduleTree: string, target: string): Promise<string[]> {
  const files = new Map<string, string>();
  for (const path of await readdir(moduleTree, { recursive: true })) {
    if (path.endsWith('.ko')) files.set(basename(path, '.ko').replaceAll('-', '_'), join(moduleTree, path));
  }
  const order: string[] = [];
  const add = async (name: string): Promise<void> => {
    const file = files.get(name);
    if (file === undefined) throw new Error(`the kernel package has no module ${name}`);
    if (order.includes(basename(file))) return;
    const content = await readFile(file);
    for (const needed of moduleDependencies(content)) await add(needed);
    order.push(basename(file));
    await writeFile(join(target, basename(file)), content);
  };
  for (const name of modules) await add(name);
  return order;
}

/** `depends=` of a module's .modinfo section: names separated by commas. */
function moduleDependencies(content: Buffer): string[] {
  const marker = Buffer.from('\0depends=');
  const at = content.indexOf(marker);
  if (at < 0) return [];
  const end = content.indexOf(0, at + marker.length);
  const text = content.toString('latin1', at + marker.length, end);
  return text === '' ? [] : text.split(',').map((name) => name.replaceAll('-', '_'));
}

async function writeScripts(root: string, order: readonly string[]): Promise<void> {
  const executable = async (path: string, text: string): Promise<void> => {
    await writeFile(join(root, path), text);
    await chmod(join(root, path), 0o755);
  };
  await writeFile(join(root, 'etc/inittab'), inittab);
  await executable('etc/rc', startScript(order));
  await executable('etc/say', sayScript);
  await executable('etc/dhcp', dhcpScript);
  await executable(
    'etc/acpi/PWRF/00000080',
    '#!/bin/sh\n/etc/say power button, powering off\n/bin/busybox poweroff -f\n',
  );
}

const inittab = `::sysinit:/etc/rc
ttyS0::respawn:-/bin/sh
::ctrlaltdel:/bin/busybox reboot -f
`;

/** Each console by itself: a guest without a serial port has no /dev/ttyS0 that takes a write. */
const sayScript = `#!/bin/sh
echo "ryokan-guest: $*" > /dev/tty0
echo "ryokan-guest: $*" > /dev/ttyS0
`;

const startScript = (order: readonly string[]): string => `#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev 2>/dev/null
for module in ${order.join(' ')}; do insmod /lib/$module; done
mdev -s
# With a known size the shell does not ask the terminal for it, which would swallow what was typed early.
[ -c /dev/ttyS0 ] && stty -F /dev/ttyS0 cols 80 rows 24 2>/dev/null
acpid -f -l /tmp/acpid.log -p /tmp/acpid.pid &
/etc/say ready boot=$(cat /proc/sys/kernel/random/boot_id)
ip link set lo up
for card in $(ls /sys/class/net | grep -v lo); do
  ip link set $card up
  udhcpc -i $card -b -t 20 -T 1 -s /etc/dhcp >/dev/null 2>&1 &
done
`;

/** udhcpc calls this with the lease in its environment: $interface $ip $mask (prefix length) $router. */
const dhcpScript = `#!/bin/sh
export PATH=/bin
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip address flush dev $interface
ip address add $ip/$mask dev $interface
[ -z "$router" ] || ip route replace default via $router
[ "$1" = bound ] && /etc/say $interface $ip
exit 0
`;

async function writeIso(tree: string, files: TinyGuest): Promise<void> {
  await mkdir(tree);
  await copyFile(files.kernel, join(tree, 'linux'));
  await copyFile(files.initrd, join(tree, 'initrd.img'));
  await copyFile('/usr/lib/ISOLINUX/isolinux.bin', join(tree, 'isolinux.bin'));
  await copyFile('/usr/lib/syslinux/modules/bios/ldlinux.c32', join(tree, 'ldlinux.c32'));
  await writeFile(
    join(tree, 'isolinux.cfg'),
    `default linux\nprompt 0\nlabel linux\n  linux /linux\n  append initrd=/initrd.img ${tinyGuestCommandLine}\n`,
  );
  await run('xorriso', [
    ...['-as', 'mkisofs', '-quiet', '-R', '-J', '-V', 'TINY_GUEST', '-o', files.iso],
    ...['-b', 'isolinux.bin', '-c', 'boot.cat', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table'],
    tree,
  ]);
}
