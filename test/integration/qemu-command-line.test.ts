/**
 * Starts the installed QEMU with the golden command lines, so that none of them holds anything that QEMU refuses. Only
 * what a test machine cannot have is replaced: KVM by TCG, taps by user networking, devices of the node by files.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectQmp, type QmpClient } from '../../packages/server/src/guests/qemu/qmp-client.ts';
import { startCommands } from '../../packages/server/src/guests/qemu/start-commands.ts';
import { caseNames, dataFolder, readArguments, readCase } from '../qemu-command-line/cases.ts';

const qemu = 'qemu-system-x86_64';
const virtiofsd = ['/usr/lib/qemu/virtiofsd', '/usr/libexec/virtiofsd'].find(existsSync);
/** The graphics card with OpenGL comes with another package. */
const glModule = '/usr/lib/x86_64-linux-gnu/qemu/hw-display-virtio-gpu-gl.so';

/** Cases that need hardware which a test machine does not have. */
const impossible: Record<string, string> = {
  ...missingFirmware(),
  hostpci: 'passes PCI devices through',
  'hostpci-express': 'passes PCI devices through',
  'disk-scsi-block': 'needs a SCSI device',
  ...(existsSync('/usr/bin/swtpm')
    ? {}
    : { tpm: 'swtpm is not installed', windows: 'swtpm is not installed' }),
  ...(virtiofsd ? {} : { virtiofs: 'virtiofsd is not installed' }),
  ...(existsSync(glModule) ? {} : { 'vga-virtio-gl': 'this QEMU has no virtio-gpu-gl' }),
};

/** What QEMU may say on its standard error when it runs under TCG instead of KVM, and no more. */
const harmless = [
  /warning: TCG doesn't support requested feature/,
  /warning: global kvm-pit\.lost_tick_policy has invalid class name/,
  /warning: host doesn't support requested feature/,
  // Debian 13's QEMU says so of the old machine types that guests brought along keep.
  /warning: Machine type '[^']+' is deprecated/,
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-golden-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('QEMU accepts the golden command line', () => {
  it.each(caseNames().filter((name) => !(name in impossible)))('%s', async (name) => {
    const { config, argsFile } = readCase(name);
    await withQemu(name, readArguments(readFileSync(argsFile, 'utf8')), {}, async (qmp) => {
      const { status } = await qmp.execute<{ status: string }>('query-status');
      expect(status).toBe(name === 'incoming' ? 'inmigrate' : 'prelaunch');
      for (const command of startCommands(config)) await qmp.execute(command.execute, command.arguments);
    });
  });

  for (const [name, reason] of Object.entries(impossible)) it(name, (context) => context.skip(reason));
});

describe('a started guest', () => {
  const typical = () => readArguments(readFileSync(readCase('linux-typical-tcg').argsFile, 'utf8'));

  it.skipIf(process.getuid?.() !== 0)('runs as a user without rights, in the sandbox', async () => {
    await withQemu('unprivileged', typical(), { uid: 65534, gid: 65534 }, async (_qmp, pid) => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
      expect(status).toMatch(/^CapEff:\t0+$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      expect(status).toMatch(/^Name:\tvm-100$/m);
    });
  });

  it('has block nodes by the names that later commands use, and limits that change while it runs', async () => {
    await withQemu('nodes', typical(), {}, async (qmp) => {
      const nodes = await qmp.execute<{ 'node-name': string }[]>('query-named-block-nodes');
      const names = nodes.map((node) => node['node-name']);
      expect(names).toEqual(
        expect.arrayContaining(['drive-scsi0', 'format-scsi0', 'file-scsi0', 'drive-ide2', 'file-ide2']),
      );
      const limits = { path: '/objects/throttle-scsi0', property: 'limits' };
      await qmp.execute('qom-set', { ...limits, value: { 'iops-total': 100 } });
      expect(await qmp.execute('qom-get', limits)).toMatchObject({ 'iops-total': 100 });
    });
  });

  it('has the devices at the places that guests know', async () => {
    await withQemu('places', typical(), {}, async (qmp) => {
      const place = async (id: string) => {
        const path = `/machine/peripheral/${id}`;
        const bus = await qmp.execute<string>('qom-get', { path, property: 'parent_bus' });
        // Slot and function in one number.
        const functionNumber = await qmp.execute<number>('qom-get', { path, property: 'addr' });
        return `${bus.split('/').at(-1)} ${functionNumber >> 3}`;
      };
      expect(await place('net0')).toBe('pci.0 18');
      expect(await place('vga')).toBe('pci.0 2');
      expect(await place('balloon0')).toBe('pci.0 3');
      expect(await place('qga0')).toBe('pci.0 8');
      expect(await place('pci.1')).toBe('pci.0 30');
      expect(await place('virtioscsi0')).toBe('pci.3 1');
    });
  });

  it('takes further disks and cards while it runs', async () => {
    await withQemu('hotplug', typical(), {}, async (qmp) => {
      await qmp.execute('cont');
      await qmp.execute('blockdev-add', {
        'node-name': 'drive-virtio1',
        driver: 'null-co',
        'read-zeroes': true,
      });
      await qmp.execute('device_add', {
        driver: 'virtio-blk-pci',
        id: 'virtio1',
        drive: 'drive-virtio1',
        bus: 'pci.0',
        addr: '0xb',
      });
      await qmp.execute('netdev_add', { type: 'user', id: 'net6' });
      await qmp.execute('device_add', {
        driver: 'virtio-net-pci',
        id: 'net6',
        netdev: 'net6',
        bus: 'pci.1',
        addr: '0x1',
      });
      const devices = await qmp.execute<{ name: string }[]>('qom-list', { path: '/machine/peripheral' });
      expect(devices.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['virtio1', 'net6', 'scsi0', 'net0']),
      );
    });
  });
});

/** Cases whose firmware is not in this machine's package. */
function missingFirmware(): Record<string, string> {
  const missing: Record<string, string> = {};
  for (const name of caseNames()) {
    const [path] = /\/usr\/share\/OVMF\/[\w.]+/.exec(readFileSync(readCase(name).argsFile, 'utf8')) ?? [];
    if (path && !existsSync(path)) missing[name] = `this machine has no ${path}`;
  }
  return missing;
}

interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** Runs QEMU with a golden command line in a folder of its own, hands over its QMP, ends it, and checks what it said. */
async function withQemu(
  name: string,
  golden: readonly string[],
  user: User,
  use: (qmp: QmpClient, pid: number) => Promise<void>,
): Promise<void> {
  const data = join(folder, name);
  const args = adapt(golden, data);
  mkdirSync(join(data, 'run/qemu'), { recursive: true });
  makeVolumes(args);
  if (user.uid !== undefined) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, data]);
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid ?? user.uid);
  const helpers = startHelpers(args, data);
  const child = spawn(qemu, args, { stdio: ['ignore', 'ignore', 'pipe'], ...user });
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    const gone = new AbortController();
    void ended.then(() => gone.abort());
    const path = join(data, 'run/qemu/100.qmp');
    const qmp = await connectQmp(path, { timeout: 20_000, waitForSocket: true, signal: gone.signal }).catch(
      (error) => {
        throw new Error(`QEMU did not come up: ${said.trim()}\n${args.join('\n')}`, { cause: error });
      },
    );
    await use(qmp, child.pid ?? 0);
    await qmp.execute('quit').catch(() => {});
    await ended;
  } finally {
    child.kill('SIGKILL');
    for (const helper of helpers) helper.kill('SIGKILL');
    await ended;
    rmSync(data, { recursive: true, force: true });
  }
  const complaints = said
    .split('\n')
    .filter((line) => line !== '' && !harmless.some((pattern) => pattern.test(line)));
  expect(complaints).toEqual([]);
}

/** Replaces what a test machine does not have. */
function adapt(golden: readonly string[], data: string): string[] {
  const args = golden.map((arg, index) => {
    const option = golden[index - 1];
    const local = arg
      .replaceAll(dataFolder, data)
      .replace('/dev/shm/', `${data}/`)
      .replace(/\/run\/hugepages\/\d+kB/, data)
      .replace('"prealloc":true', '"prealloc":false');
    if (option === '-accel') return 'tcg,thread=multi';
    if (option === '-cpu')
      return local
        .replace(/^host(?=,|$)/, 'max')
        .replace(/,enforce=on|,host-phys-bits=on|,hv-vpindex=on/g, '');
    if (option === '-machine') return local.replace(',kernel-irqchip=split', '');
    if (option === '-netdev') return local.replace(/^tap,id=(\w+),.*/, 'user,id=$1');
    if (option === '-chardev') return local.replace(/^(?:serial|parallel),id=(\w+),path=.*/, 'null,id=$1');
    if (option === '-blockdev') {
      return local.replace(/"host_device","filename":"\/dev/, `"file","filename":"${data}/dev`);
    }
    return local;
  });
  return args.includes('-S') ? args : ['-S', ...args];
}

interface Node {
  readonly driver: string;
  readonly filename?: string;
  readonly size?: number;
  readonly file?: Node;
}

/** Makes the images that the command line opens. */
function makeVolumes(args: readonly string[]): void {
  for (const [index, arg] of args.entries()) {
    if (args[index - 1] === '-blockdev') makeVolume(JSON.parse(arg) as Node, undefined);
  }
}

/** Goes down to the file; the format is that of the last node above it which is no plain wrapper. */
function makeVolume(node: Node, format: string | undefined, size = 64 * 1024 * 1024): void {
  if (node.file) {
    const own = ['throttle', 'raw'].includes(node.driver) ? undefined : node.driver;
    makeVolume(node.file, own ?? format, node.size ?? size);
    return;
  }
  const path = node.filename;
  if (path === undefined || existsSync(path)) return;
  if (!path.startsWith(folder)) throw new Error(`${path} is missing, and not for this test to make`);
  mkdirSync(dirname(path), { recursive: true });
  if (format !== undefined) copyFileSync(template(format, size), path);
  else {
    writeFileSync(path, '');
    truncateSync(path, size);
  }
}

/** An empty image of that format, made once. */
function template(format: string, size: number): string {
  const path = join(folder, `template-${size}.${format}`);
  if (!existsSync(path)) execFileSync('qemu-img', ['create', '-q', '-f', format, path, String(size)]);
  return path;
}

/** Programs that serve the guest: the TPM, shared folders. */
function startHelpers(args: readonly string[], data: string): ChildProcess[] {
  const helpers: ChildProcess[] = [];
  const socket = (id: string) =>
    args.map((arg) => new RegExp(`^socket,id=${id},path=([^,]+)$`).exec(arg)?.[1]).find(Boolean);
  const tpm = socket('tpm0');
  if (tpm) {
    mkdirSync(join(data, 'tpm'));
    const state = ['--tpmstate', `dir=${join(data, 'tpm')}`, '--ctrl', `type=unixio,path=${tpm}`];
    helpers.push(spawn('swtpm', ['socket', '--tpm2', ...state], { stdio: 'ignore' }));
    waitForFile(tpm);
  }
  const share = socket('virtiofs0');
  if (share && virtiofsd) {
    helpers.push(
      spawn(virtiofsd, [`--socket-path=${share}`, '-o', `source=${data}`, '-o', 'sandbox=chroot'], {
        stdio: 'ignore',
      }),
    );
    waitForFile(share);
  }
  return helpers;
}

function waitForFile(path: string): void {
  const deadline = Date.now() + 5_000;
  while (!existsSync(path)) {
    if (Date.now() > deadline) throw new Error(`${path} did not appear`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
}
