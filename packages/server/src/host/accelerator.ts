/**
 * Which accelerator guests run with. A /dev/kvm says little: inside clouds, micro-VMs and broken nesting it may be there
 * and open, and still no ordinary guest gets through it. So the node runs a tiny real guest to 64-bit mode and believes
 * that.
 */
import { readFileSync, statSync } from 'node:fs';
import { chmod, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { bootSector, exitCodes, exitPort } from './accelerator-boot.ts';
import { ExecError, run } from './exec.ts';
import { readTextIfPresent, writeFileAtomic } from './files.ts';
import { parseCpuInfo } from './procfs.ts';

export type Accelerator = 'kvm' | 'tcg';
/** The node's setting: `auto` tests, the others are taken as they are. */
export type AcceleratorSetting = 'auto' | Accelerator;

export interface AcceleratorResult {
  readonly accelerator: Accelerator;
  /** Why, for people: one sentence that says what to do if anything can be done. */
  readonly reason: string;
  /** How long the test took; 0 when nothing was tested. */
  readonly tookMs: number;
}

export interface TestOptions {
  /** Who guests run as: the test must not succeed only because it is root. */
  readonly uid?: number;
  readonly gid?: number;
  /** Default `kvm`. `tcg` proves the test guest itself. */
  readonly accelerator?: Accelerator;
  /** Milliseconds until the guest must be through; default 2500. */
  readonly timeout?: number;
  /** Default `qemu-system-x86_64`. */
  readonly qemu?: string;
  /** Default `/dev/kvm`. */
  readonly kvmDevice?: string;
  /** What follows `-cpu`; default `max`, which asks for nothing that may be missing. */
  readonly cpu?: string;
}

const defaultTimeout = 2_500;
const defaultQemu = 'qemu-system-x86_64';
const defaultKvmDevice = '/dev/kvm';

/** How long a killed QEMU may take to go; one that hangs in the kernel must not hang the node. */
const killGrace = 400;

/** The BIOS does not boot from a disk smaller than one cylinder; the rest of the image is a hole. */
const imageSize = 1024 * 1024;

/** Runs the test guest. Never rejects: whatever goes wrong is a reason for emulation. Ends within timeout + 0.4 s. */
export async function testAccelerator(options: TestOptions = {}): Promise<AcceleratorResult> {
  const started = performance.now();
  const result = (accelerator: Accelerator, reason: string): AcceleratorResult => ({
    accelerator,
    reason,
    tookMs: Math.round(performance.now() - started),
  });
  const wanted = options.accelerator ?? 'kvm';
  const device = options.kvmDevice ?? defaultKvmDevice;
  if (wanted === 'kvm' && !exists(device)) return result('tcg', noDevice(device));
  const problem = await runTestGuest(wanted, options);
  if (problem !== undefined) return result('tcg', problem);
  const took = Math.round(performance.now() - started);
  return result(wanted, `a test guest reached 64-bit mode under ${wanted.toUpperCase()} in ${took} ms`);
}

function noDevice(device: string): string {
  return (
    `${device} is missing, so guests are emulated, which is slow: enable the processor's virtualization (VT-x, AMD-V) ` +
    'in the firmware, load the module kvm_intel or kvm_amd, or, on a virtual machine, enable nested virtualization'
  );
}

/** Undefined when the guest came through, otherwise why not. */
async function runTestGuest(accelerator: Accelerator, options: TestOptions): Promise<string | undefined> {
  const timeout = options.timeout ?? defaultTimeout;
  const qemu = options.qemu ?? defaultQemu;
  const folder = await mkdtemp(join(tmpdir(), 'ryokan-accelerator-'));
  try {
    // Readable for the guests' user, whatever the umask.
    await chmod(folder, 0o755);
    const image = join(folder, 'boot.img');
    await writeFile(image, bootSector());
    await truncate(image, imageSize);
    await chmod(image, 0o644);
    const { uid, gid } = options;
    const guest = run(qemu, testGuestArguments(accelerator, options.cpu ?? 'max', image), {
      timeout,
      okCodes: [exitCodes.passed],
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    }).then(() => undefined);
    return await Promise.race([guest, unkillable(timeout + killGrace)]);
  } catch (error) {
    return explain(error, accelerator, options, timeout);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function unkillable(after: number): Promise<string> {
  const text =
    'the test guest under KVM hangs in the kernel and cannot even be ended, so guests are emulated';
  return new Promise((resolve) => setTimeout(() => resolve(text), after).unref());
}

/** A PC as small as it gets. */
function testGuestArguments(accelerator: Accelerator, cpu: string, image: string): string[] {
  const blockdev = {
    'node-name': 'boot',
    driver: 'raw',
    'read-only': true,
    file: { driver: 'file', filename: image },
  };
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...['-machine', 'pc', '-accel', accelerator, '-cpu', cpu, '-m', '32'],
    ...['-blockdev', JSON.stringify(blockdev), '-device', 'virtio-blk-pci,drive=boot'],
    ...['-device', `isa-debug-exit,iobase=0x${exitPort.toString(16)},iosize=1`],
  ];
}

function explain(error: unknown, accelerator: Accelerator, options: TestOptions, timeout: number): string {
  if (!(error instanceof ExecError)) return `the test guest could not be prepared: ${String(error)}`;
  const device = options.kvmDevice ?? defaultKvmDevice;
  const name = accelerator.toUpperCase();
  if (/could not run/.test(error.message)) {
    return `${options.qemu ?? defaultQemu} could not be run (${error.message}); install the package qemu-system-x86`;
  }
  if (error.code === exitCodes.noLongMode)
    return 'the processor under KVM has no 64-bit mode, so guests are emulated';
  if (/Permission denied/.test(error.stderr) && accelerator === 'kvm') {
    const user = options.uid === undefined ? 'this user' : `the guests' user (uid ${options.uid})`;
    return `${user} may not open ${device}, so guests are emulated: put it into the group that owns the device`;
  }
  // run() kills with SIGKILL when the time is over; QEMU itself ends by others (SIGABRT).
  if (/ended by SIGKILL/.test(error.message)) {
    return (
      `a test guest under ${name} did not reach 64-bit mode within ${timeout / 1000} s, ` +
      `so ${device} of this machine cannot run ordinary guests: they are emulated, which is slow`
    );
  }
  const lines = error.stderr.trim().split('\n');
  const feature = /support requested feature: (?:CPUID\.\w+:\w+\.)?(\S+)/;
  const missing = lines.flatMap((line) => feature.exec(line)?.[1] ?? []);
  if (missing.length > 0) {
    return (
      `${name} on this machine lacks what guests have by default (${missing.join(', ')}), so they are emulated, ` +
      "which is slow: if this is a virtual machine, give it its host's own processor (cpu: host)"
    );
  }
  const detail = lines.find((line) => /error|failed|could not/i.test(line)) ?? lines.at(-1) ?? error.message;
  return `QEMU could not run a test guest under ${name}, so guests are emulated: ${detail || error.message}`;
}

export interface LoadOptions extends TestOptions {
  /** Where the result is kept between starts of the node. */
  readonly stateFile: string;
  readonly setting: AcceleratorSetting;
  /** Test again even if nothing has changed. */
  readonly force?: boolean;
}

interface KeptResult extends AcceleratorResult {
  readonly key: string;
}

/**
 * What guests of this node run with. The test runs once a boot and again when QEMU, /dev/kvm or the guests' user change;
 * otherwise the kept result is returned.
 */
export async function loadAccelerator(options: LoadOptions): Promise<AcceleratorResult> {
  if (options.setting !== 'auto') {
    const reason = `the node's setting 'accelerator' is ${options.setting}`;
    // The guests' side reads the file only; see readAccelerator.
    return { accelerator: options.setting, reason, tookMs: 0 };
  }
  const key = circumstances(options);
  const kept = readKept(options.stateFile);
  if (kept && kept.key === key && !options.force) {
    const { key: _, ...result } = kept;
    return result;
  }
  const result = await testAccelerator(options);
  await writeFileAtomic(options.stateFile, `${JSON.stringify({ ...result, key }, null, 2)}\n`);
  return result;
}

/**
 * The accelerator from the setting or the last loadAccelerator, without testing: for a worker that starts a guest.
 * Without a kept result it is tcg, which works everywhere.
 */
export function readAccelerator(stateFile: string, setting: AcceleratorSetting): Accelerator {
  return setting === 'auto' ? (readKept(stateFile)?.accelerator ?? 'tcg') : setting;
}

function readKept(stateFile: string): KeptResult | undefined {
  try {
    const kept = JSON.parse(readTextIfPresent(stateFile) ?? 'null') as Partial<KeptResult> | null;
    if (kept?.accelerator !== 'kvm' && kept?.accelerator !== 'tcg') return undefined;
    if (typeof kept.key !== 'string' || typeof kept.reason !== 'string') return undefined;
    return {
      accelerator: kept.accelerator,
      reason: kept.reason,
      key: kept.key,
      tookMs: Number(kept.tookMs ?? 0),
    };
  } catch {
    // Half a file of an older version: test again.
    return undefined;
  }
}

/** Everything that a result rests on, as text to compare. A stat of the program is as good as its version and free. */
function circumstances(options: TestOptions): string {
  const cpu = parseCpuInfo(readFileSync('/proc/cpuinfo', 'utf8')).model;
  const boot = readTextIfPresent('/proc/sys/kernel/random/boot_id')?.trim();
  const qemu = statText(findProgram(options.qemu ?? defaultQemu));
  const device = statText(options.kvmDevice ?? defaultKvmDevice);
  const { uid = 'self', gid = 'self' } = options;
  return [boot, release(), cpu, qemu, device, uid, gid, options.cpu ?? 'max'].join(' | ');
}

function statText(path: string | undefined): string {
  try {
    if (path === undefined) return 'none';
    const { mode, uid, gid, size, mtimeMs, ino } = statSync(path);
    // A device's times change when it is used.
    const version = (mode & 0o170000) === 0o100000 ? `${size}/${mtimeMs}/${ino}` : 'device';
    return `${path} ${mode.toString(8)} ${uid}:${gid} ${version}`;
  } catch {
    return `${path} missing`;
  }
}

function findProgram(name: string): string | undefined {
  if (name.includes('/')) return name;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(exists);
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}
