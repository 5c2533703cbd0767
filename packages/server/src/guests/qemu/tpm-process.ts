/** The swtpm process of a guest: is it there, and how it ends. It is started in tpm.ts. */
import type { DataPaths } from '../../host/paths.ts';
import { endHelper } from './helper-process.ts';
import { qemuRunPaths } from './run-paths.ts';

export const swtpmProgram = '/usr/bin/swtpm';

/** Ends the TPM of a guest whose QEMU has ended, and removes its files. Safe to repeat, and for guests without one. */
export async function endTpm(paths: DataPaths, vmid: number): Promise<void> {
  const { tpm: socket, tpmPid: pidFile } = qemuRunPaths(paths, vmid);
  await endHelper({ socket, pidFile });
}
