/** The swtpm process of a guest: is it there, and how it ends. It is started in tpm.ts. */
import { existsSync, rmSync } from 'node:fs';
import type { DataPaths } from '../../host/paths.ts';
import { readPidFile } from '../../host/pidfile.ts';
import { signalProcess, waitForExit } from '../../host/process-end.ts';
import { qemuRunPaths } from './run-paths.ts';

export const swtpmProgram = '/usr/bin/swtpm';
/** How long it may take to write its state: after the end of QEMU, and when it is told to end (ms). */
const ownEndPatience = 500;
const toldEndPatience = 3000;

/** Ends the TPM of a guest whose QEMU has ended, and removes its files. Safe to repeat, and for guests without one. */
export async function endTpm(paths: DataPaths, vmid: number): Promise<void> {
  const { tpm: socket, tpmPid } = qemuRunPaths(paths, vmid);
  const process = readPidFile(tpmPid);
  if (process) {
    // It has noticed the end of QEMU and writes its state; only one that hangs has to be told.
    for (const signal of [undefined, 'SIGTERM', 'SIGKILL'] as const) {
      if (signal) signalProcess(process, signal);
      if (await waitForExit(process, signal ? toldEndPatience : ownEndPatience)) break;
    }
  }
  for (const path of [socket, tpmPid]) rmSync(path, { force: true });
}

/** What is wrong with the TPM of a running guest; undefined when all is well, or when it has none. */
export function tpmProblem(paths: DataPaths, vmid: number): string | undefined {
  const { tpmPid } = qemuRunPaths(paths, vmid);
  if (!existsSync(tpmPid) || readPidFile(tpmPid)) return undefined;
  return 'tpmstate0: the TPM emulator (swtpm) has ended, so the guest has no working TPM; stop the guest and start it again. Its state is kept';
}
