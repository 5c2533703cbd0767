/** The virtiofsd processes of a guest: where they are found, and how they end. They are started in virtiofs.ts. */
import { qemuVirtiofsKeys } from '@ryokan/api/schema/qemu-config.ts';
import type { DataPaths } from '../../host/paths.ts';
import { endHelper, type HelperFiles } from './helper-process.ts';
import { qemuRunPaths } from './run-paths.ts';

/** Where Debian 13 has it, and where Debian 12 (of QEMU's own, older make). */
export const virtiofsdProgram = '/usr/libexec/virtiofsd';
export const olderVirtiofsdProgram = '/usr/lib/qemu/virtiofsd';

export function virtiofsFiles(paths: DataPaths, vmid: number, key: string): HelperFiles {
  const socket = qemuRunPaths(paths, vmid).virtiofs(key);
  return { socket, pidFile: `${socket}-pid` };
}

/** Ends those of a guest whose QEMU has ended, and removes their files. Safe to repeat, and for guests without. */
export async function endVirtiofs(paths: DataPaths, vmid: number): Promise<void> {
  await Promise.all(qemuVirtiofsKeys.map((key) => endHelper(virtiofsFiles(paths, vmid, key))));
}
