/** Facts about the QEMU of this machine, found once a process. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { run } from '../../host/exec.ts';
import { readTextIfPresent, writeFileAtomic } from '../../host/files.ts';

export const qemuProgram = '/usr/bin/qemu-system-x86_64';
/** Debian's package ovmf. */
export const ovmfFolder = '/usr/share/OVMF';

let known: Promise<string> | undefined;

/**
 * Version of the installed QEMU, `7.2.9`. Asking it takes 20 ms or more, so the answer is kept in `cacheFile` together
 * with what tells that the program changed.
 */
export function qemuVersion(cacheFile: string): Promise<string> {
  known ??= findVersion(cacheFile).catch((error: unknown) => {
    known = undefined;
    throw error;
  });
  return known;
}

async function findVersion(cacheFile: string): Promise<string> {
  const { mtimeMs, size } = statSync(qemuProgram);
  const stamp = `${mtimeMs} ${size}`;
  const [kept, version] = (readTextIfPresent(cacheFile) ?? '').split('\n');
  if (kept === stamp && version) return version;
  const { stdout } = await run(qemuProgram, ['--version']);
  const found = /version (\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? '0.0.0';
  if (existsSync(dirname(cacheFile))) await writeFileAtomic(cacheFile, `${stamp}\n${found}\n`);
  return found;
}

/** io_uring can be used: the kernel has it and has not switched it off (sysctl kernel.io_uring_disabled). */
export function hasIoUring(): boolean {
  const disabled = readTextIfPresent('/proc/sys/kernel/io_uring_disabled')?.trim();
  const [major = 0, minor = 0] = readFileSync('/proc/sys/kernel/osrelease', 'utf8').split('.').map(Number);
  // 5.15 is the first kernel without known hangs of QEMU's io_uring.
  return (disabled === undefined || disabled === '0') && (major > 5 || (major === 5 && minor >= 15));
}

export function cpuVendor(): 'intel' | 'amd' | undefined {
  const text = readTextIfPresent('/proc/cpuinfo')?.slice(0, 2000) ?? '';
  if (text.includes('GenuineIntel')) return 'intel';
  return text.includes('AuthenticAMD') ? 'amd' : undefined;
}
