/** Programs beside a guest's QEMU, each behind a socket: its TPM, its shared directories. They are started in helper-start.ts. */
import { rmSync } from 'node:fs';
import { readPidFile } from '../../host/pidfile.ts';
import { signalProcess, waitForExit } from '../../host/process-end.ts';

/** By which a helper is found. */
export interface HelperFiles {
  readonly socket: string;
  readonly pidFile: string;
}

/**
 * The sign of life of a helper, a FIFO: the program holds it open without knowing of it, and whoever reads it is told by
 * the kernel when the program ends, see helper-watch.ts.
 */
export const lifeFile = (socket: string): string => `${socket}-life`;

/** How long one may take to finish its work: after the end of QEMU, and when it is told to end (ms). */
const ownEndPatience = 500;
const toldEndPatience = 3000;

/** Ends a helper whose QEMU has ended, and removes its files. Safe to repeat, and where there never was one. */
export async function endHelper({ socket, pidFile }: HelperFiles): Promise<void> {
  const process = readPidFile(pidFile);
  if (process) {
    // It has noticed the end of QEMU and ends by itself; only one that hangs has to be told.
    for (const signal of [undefined, 'SIGTERM', 'SIGKILL'] as const) {
      if (signal) signalProcess(process, signal);
      if (await waitForExit(process, signal ? toldEndPatience : ownEndPatience)) break;
    }
  }
  for (const path of [socket, pidFile, lifeFile(socket)]) rmSync(path, { force: true });
}
