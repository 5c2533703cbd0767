/**
 * A whole Debian 13 that is a node: systemd, udev, AppArmor, control groups v2 and a kernel with its modules, none of
 * which the machine of the tests need have. The checkout comes on a disk of its own, ready to run.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';
import { readPackageList } from '../../scripts/lib/debian.ts';
import { cachedAsset } from './asset-cache.ts';
import { bootFile, type Changes, changeDebian, debootstrap } from './debian-image.ts';
import { guestAgent } from './guest-agent.ts';
import { freePort, projectRoot } from './node.ts';
import { type RawQemu, startRawQemu } from './raw-qemu.ts';
import { waitFor } from './wait.ts';

const suite = 'trixie';
const rootSizeMiB = 8192;
/** An entry `a | b` of the product's list means the first that a Debian has; Debian 13 has all the first ones. */
const productPackages = () =>
  readPackageList(join(projectRoot, 'packaging/debian-packages.txt')).map(
    (entry) => entry.split(' | ')[0] ?? '',
  );
const basePackages = ['systemd-sysv', 'udev', 'dbus', 'iproute2', 'kmod', 'apparmor', 'qemu-guest-agent'];
const morePackages = ['nodejs', 'ca-certificates', 'busybox-static', 'linux-image-cloud-amd64'];

const changes: Changes = {
  packages: morePackages,
  files: {
    'etc/hostname': 'machine13\n',
    'etc/hosts': '127.0.0.1 localhost\n127.0.1.1 machine13\n',
    'etc/fstab': '/dev/vda / ext4 defaults 0 1\nLABEL=checkout /opt/ryokan ext4 defaults 0 0\n',
    'etc/machine-id': '',
    'etc/systemd/network/80-dhcp.network': '[Match]\nName=en* eth*\n\n[Network]\nDHCP=ipv4\n',
    'etc/dpkg/dpkg.cfg.d/small': 'path-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n',
  },
};

/** Builds the machine's disk, or takes it from the cache: root, some ten minutes, 600 MB of downloads. */
async function machineDisk(cacheDir: string): Promise<string> {
  const products = productPackages();
  return cachedAsset(cacheDir, {
    name: 'debian-machine',
    inputs: { revision: 1, suite, rootSizeMiB, basePackages, products, changes },
    build: async (directory) => {
      const root = join(directory, 'root');
      await debootstrap(root, suite, basePackages);
      await changeDebian(root, { ...changes, packages: [...morePackages, ...products] });
      await mkdir(join(root, 'opt/ryokan'), { recursive: true });
      const boot = join(root, 'boot');
      await rename(await bootFile(boot, 'vmlinuz-'), join(directory, 'kernel'));
      await rename(await bootFile(boot, 'initrd.img-'), join(directory, 'initrd'));
      await writeFileSystem(join(directory, 'root.ext4'), root, 'root', rootSizeMiB);
      await rm(root, { recursive: true });
    },
  });
}

/** A disk with the files of the checkout as they are now, and with what its build needs. */
async function checkoutDisk(path: string): Promise<void> {
  // Where everything is emulated a build would take half an hour.
  await run(join(projectRoot, 'ryokan'), ['build'], { timeout: 600_000 });
  // In the checkout, so that the many files of the packages need only be linked.
  await mkdir(join(projectRoot, 'test-output'), { recursive: true });
  const root = await mkdtemp(join(projectRoot, 'test-output', 'machine-'));
  try {
    const wanted = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const { stdout } = await run('git', ['-C', projectRoot, ...wanted]);
    const files = stdout.split('\0').filter((name) => name !== '' && existsSync(join(projectRoot, name)));
    const program = ['--link', '--archive', '--parents', `--target-directory=${root}`];
    await run('xargs', ['--null', 'cp', ...program], { cwd: projectRoot, input: files.join('\0') });
    for (const name of ['node_modules', 'dist']) await run('cp', [...program, name], { cwd: projectRoot });
    // Four fifths of all files, and the built Web UI in dist/ has what it needs of them.
    await rm(join(root, 'node_modules/@patternfly'), { recursive: true });
    await writeFileSystem(path, root, 'checkout', 3072);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function writeFileSystem(path: string, root: string, label: string, sizeMiB: number): Promise<void> {
  await writeFile(path, '');
  await truncate(path, sizeMiB * 1024 * 1024);
  await run('mke2fs', ['-q', '-t', 'ext4', '-F', '-L', label, '-d', root, path], { timeout: 600_000 });
}

/** The machine while it runs. */
export class DebianMachine {
  readonly #qemu: RawQemu;
  readonly #directory: string;
  /** Of the Web UI, from outside. */
  readonly url: string;

  private constructor(qemu: RawQemu, directory: string, url: string) {
    this.#qemu = qemu;
    this.#directory = directory;
    this.url = url;
  }

  /** Boots the machine and waits for its guest agent: a minute or two where everything is emulated. */
  static async boot(cacheDir: string): Promise<DebianMachine> {
    const image = await machineDisk(cacheDir);
    const directory = await mkdtemp('/tmp/ryokan-machine-');
    const port = await freePort();
    const checkout = join(directory, 'checkout.ext4');
    await checkoutDisk(checkout);
    const disk = (file: string) => ['-drive', `file=${file},format=raw,if=virtio,snapshot=on,cache=unsafe`];
    const qemu = await startRawQemu({
      directory,
      memory: 3072,
      args: [
        // The kernel of Debian 13 panics on what the emulator of QEMU 7.2 makes of cmpxchg16b.
        ...['-cpu', 'max,-cx16'],
        ...['-kernel', join(image, 'kernel'), '-initrd', join(image, 'initrd')],
        // A KVM of its own, emulated, would be the slowest of all ways to run guests.
        ...['-append', 'root=/dev/vda rw console=ttyS0 modprobe.blacklist=kvm_amd'],
        ...disk(join(image, 'root.ext4')),
        ...disk(checkout),
        ...[
          '-netdev',
          `user,id=net0,hostfwd=tcp:127.0.0.1:${port}-:8006`,
          '-device',
          'virtio-net-pci,netdev=net0',
        ],
      ],
    });
    const machine = new DebianMachine(qemu, directory, `https://127.0.0.1:${port}`);
    try {
      await waitFor(
        () =>
          guestAgent(qemu.agentPath, 'guest-ping').then(
            () => true,
            () => undefined,
          ),
        {
          timeout: 900,
          every: 1000,
          what: 'the guest agent of the machine',
        },
      );
    } catch (error) {
      const log = await qemu.serialLog();
      await machine.remove();
      throw new Error(`${String(error)}\n${log.slice(-3000)}`);
    }
    return machine;
  }

  /** What a shell script prints there; rejects with its output when it fails. Seconds. */
  async run(script: string, timeout = 120): Promise<string> {
    const args = { path: '/bin/bash', arg: ['-c', script], 'capture-output': 'merged' };
    const { pid } = await this.#agent<{ pid: number }>('guest-exec', args);
    const end = await waitFor(
      async () => {
        const status = await this.#agent<ExecStatus>('guest-exec-status', { pid });
        return status.exited ? status : undefined;
      },
      { timeout, every: 500, what: `the end of '${script}'` },
    );
    const output = Buffer.from(end['out-data'] ?? '', 'base64').toString();
    if (end.exitcode !== 0) throw new Error(`'${script}' ended with ${end.exitcode}: ${output}`);
    return output.trim();
  }

  #agent<T>(command: string, args: object): Promise<T> {
    return guestAgent(this.#qemu.agentPath, command, 30, args) as Promise<T>;
  }

  async remove(): Promise<void> {
    await this.#qemu.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

interface ExecStatus {
  readonly exited: boolean;
  readonly exitcode?: number;
  readonly 'out-data'?: string;
}
