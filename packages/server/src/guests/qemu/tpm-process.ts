/** The swtpm process of a guest: is it there, and how it ends. It is started in tpm.ts. */
import { existsSync } from 'node:fs';
import type { DataPaths } from '../../host/paths.ts';
import { readPidFile } from '../../host/pidfile.ts';
import { endHelper } from './helper-process.ts';
import { qemuRunPaths } from './run-paths.ts';

export const swtpmProgram = '/usr/bin/swtpm';
/** Ends the TPM of a guest whose QEMU has ended, and removes its files. Safe to repeat, and for guests without one. */
export async function endTpm(paths: DataPaths, vmid: number): Promise<void> {
  const { tpm: socket, tpmPid: pidFile } = qemuRunPaths(paths, vmid);
  await endHelper({ socket, pidFile });
}

/** What is wrong with the TPM of a running guest; undefined when all is well, or when it has none. */
export function tpmProblem(paths: DataPaths, vmid: number): string | undefined {
  const { tpmPid } = qemuRunPaths(paths, vmid);
  if (!existsSync(tpmPid) || readPidFile(tpmPid)) return undefined;
  return 'tpmstate0: the TPM emulator (swtpm) has ended, so the guest has no working TPM; stop the guest and start it again. Its state is kept';
}
