/**
 * Facts about processes and the host from /proc. All reads are synchronous: the kernel answers from memory in
 * microseconds. Layouts: proc(5).
 */
import { readFileSync } from 'node:fs';
import { readTextIfPresent } from './files.ts';

/** Clock ticks a second in /proc/<pid>/stat (USER_HZ): 100 on every Linux architecture that Node.js supports. */
export const ticksPerSecond = 100;

/** x86_64 has pages of 4 KiB; the one use is the resident size of a process. */
const pageSize = 4096;

export interface ProcessStat {
  /** R running, S sleeping, D waiting for a device, Z ended but not reaped, X dead, T stopped. */
  readonly state: string;
  /** Ticks after boot at which the process started: with the pid it names a process for ever. */
  readonly startTime: number;
  /** CPU time in user and kernel mode, in ticks. */
  readonly utime: number;
  readonly stime: number;
  /** Resident memory in bytes. */
  readonly rss: number;
  readonly parent: number;
  /** Number of its process group: the pid of the group's first process. */
  readonly group: number;
}

/** What /proc/<pid>/stat says; undefined when there is no such process. */
export function processStat(pid: number): ProcessStat | undefined {
  const text = readProc(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseProcessStat(text);
}

/** Parses a line of /proc/<pid>/stat. The program's name may hold blanks and brackets, so fields count from its last `)`. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // fields[0] is field 3 of proc(5).
  const field = (number: number) => Number(fields[number - 3]);
  return {
    state: fields[0] ?? '?',
    parent: field(4),
    group: field(5),
    utime: field(14),
    stime: field(15),
    startTime: field(22),
    rss: field(24) * pageSize,
  };
}

/**
 * Does this very process run? One that ended and waits to be reaped (Z) is dead: on some machines PID 1 reaps late.
 * Without `startTime` any process of that pid counts.
 */
export function isAlive(pid: number, startTime?: number): boolean {
  const stat = processStat(pid);
  if (!stat || stat.state === 'Z' || stat.state === 'X') return false;
  return startTime === undefined || stat.startTime === startTime;
}

/** The command line of a process; empty when it is gone or a kernel thread. */
export function commandLine(pid: number): string[] {
  const text = readProc(`/proc/${pid}/cmdline`);
  return text ? text.replace(/\0$/, '').split('\0') : [];
}

export interface MemoryInfo {
  /** All in bytes. `available` is what programs can still take without swapping. */
  readonly total: number;
  readonly free: number;
  readonly available: number;
  readonly swapTotal: number;
  readonly swapFree: number;
  /** Shared by same-page merging (KSM); 0 where the kernel has none. */
  readonly ksmShared: number;
}

export function memoryInfo(): MemoryInfo {
  const values = new Map<string, number>();
  for (const line of readFileSync('/proc/meminfo', 'utf8').split('\n')) {
    const match = /^(\w+):\s+(\d+) kB$/.exec(line);
    if (match?.[1]) values.set(match[1], Number(match[2]) * 1024);
  }
  const value = (name: string) => values.get(name) ?? 0;
  const ksm = Number(readTextIfPresent('/sys/kernel/mm/ksm/pages_sharing') ?? 0) * pageSize;
  return {
    total: value('MemTotal'),
    free: value('MemFree'),
    available: value('MemAvailable'),
    swapTotal: value('SwapTotal'),
    swapFree: value('SwapFree'),
    ksmShared: ksm,
  };
}

/** Load averages over 1, 5 and 15 minutes. */
export function loadAverage(): readonly [number, number, number] {
  const [one, five, fifteen] = readFileSync('/proc/loadavg', 'utf8').split(' ').map(Number);
  return [one ?? 0, five ?? 0, fifteen ?? 0];
}

/** Seconds since boot. */
export function uptime(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
}

export interface CpuInfo {
  readonly model: string;
  /** Logical CPUs; cores of all sockets; sockets. */
  readonly cpus: number;
  readonly cores: number;
  readonly sockets: number;
  readonly mhz: number;
  readonly flags: readonly string[];
  /** Whether the CPU offers hardware virtualization (VT-x or AMD-V). */
  readonly hardwareVirtualization: boolean;
}

export function cpuInfo(): CpuInfo {
  return parseCpuInfo(readFileSync('/proc/cpuinfo', 'utf8'));
}

/** Parses /proc/cpuinfo of x86. Virtual machines may leave out the ids; then each CPU counts as a core of one socket. */
export function parseCpuInfo(text: string): CpuInfo {
  const blocks = text
    .split(/\n\n+/)
    .filter((block) => block.includes(':'))
    .map((block) => new Map(block.split('\n').map((line) => splitField(line))));
  const first = blocks[0] ?? new Map<string, string>();
  const sockets = new Set(blocks.map((block) => block.get('physical id') ?? '0'));
  const cores = new Set(
    blocks.map(
      (block, index) => `${block.get('physical id') ?? '0'}/${block.get('core id') ?? `cpu${index}`}`,
    ),
  );
  const flags = (first.get('flags') ?? '').split(' ').filter(Boolean);
  return {
    model: first.get('model name') ?? 'unknown',
    cpus: blocks.length,
    cores: cores.size,
    sockets: sockets.size,
    mhz: Number(first.get('cpu MHz') ?? 0),
    flags,
    hardwareVirtualization: flags.includes('vmx') || flags.includes('svm'),
  };
}

function splitField(line: string): [string, string] {
  const colon = line.indexOf(':');
  return colon < 0 ? [line.trim(), ''] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

/** CPU time of the whole host since boot, in ticks summed over all CPUs. */
export interface CpuTimes {
  readonly total: number;
  readonly idle: number;
  /** Waiting for disks (part of what `idle` leaves out). */
  readonly ioWait: number;
}

/** Two readings a while apart give the load: 1 - Δidle / Δtotal. */
export function cpuTimes(): CpuTimes {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  // user nice system idle iowait irq softirq steal; guest times are contained in user and nice.
  const values = line.split(/\s+/).slice(1, 9).map(Number);
  const total = values.reduce((sum, value) => sum + value, 0);
  return { total, idle: values[3] ?? 0, ioWait: values[4] ?? 0 };
}

/** Traffic of a network interface in bytes since it was made. For a guest's tap, `received` is what the guest sent. */
export interface Traffic {
  readonly received: number;
  readonly sent: number;
}

/** Traffic of all interfaces by name, in one read. */
export function networkTraffic(): Map<string, Traffic> {
  const traffic = new Map<string, Traffic>();
  for (const line of readFileSync('/proc/net/dev', 'utf8').split('\n').slice(2)) {
    const [name, counters] = splitField(line);
    const values = counters.split(/\s+/).map(Number);
    if (name && counters) traffic.set(name, { received: values[0] ?? 0, sent: values[8] ?? 0 });
  }
  return traffic;
}

/** Bytes that a process read from and wrote to block devices; undefined when it is gone. */
export function processIo(pid: number): { read: number; written: number } | undefined {
  const text = readProc(`/proc/${pid}/io`);
  if (text === undefined) return undefined;
  const value = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  return { read: value('read_bytes'), written: value('write_bytes') };
}

/** A file of a process that may end at any moment: ENOENT before the open, ESRCH after it. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Seconds since the process started. */
export function uptimeOf(process: { readonly startTime: number }, hostUptime: number): number {
  return Math.max(0, Math.floor(hostUptime - process.startTime / ticksPerSecond));
}
