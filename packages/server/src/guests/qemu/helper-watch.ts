/** Notices the end of programs that serve a running guest, by their FIFOs (see helper-process.ts). */
import { closeSync, constants, openSync, readdirSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { DataPaths } from '../../host/paths.ts';

/**
 * Calls back with what is wrong and what to do for each helper of a guest that ends, or has ended. Returns the function
 * that ends the watch.
 */
export function watchHelpers(
  { qemuRun }: DataPaths,
  vmid: number,
  onEnd: (problem: string) => void,
): () => void {
  const pattern = new RegExp(`^${vmid}\\.(tpm|vfs\\d+)-life$`);
  const watches = readdirSync(qemuRun).flatMap((name) => {
    const helper = pattern.exec(name)?.[1];
    return helper === undefined ? [] : [watchFifo(join(qemuRun, name), () => onEnd(problemText(helper)))];
  });
  return () => {
    for (const unwatch of watches) unwatch();
  };
}

/** Nobody writes to it: the only thing to read is its end. Returns the function that ends the watch. */
function watchFifo(path: string, onEnd: () => void): () => void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  // The kernel tells of a last writer that goes, not of one that has gone before.
  if (hasEnded(fd)) {
    closeSync(fd);
    const soon = setImmediate(onEnd);
    return () => clearImmediate(soon);
  }
  const fifo = new Socket({ fd, readable: true, writable: false });
  fifo
    .on('error', () => {})
    .once('end', onEnd)
    .resume();
  return () => fifo.removeAllListeners('end').destroy();
}

function hasEnded(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) === 0;
  } catch {
    // EAGAIN: somebody holds it open.
    return false;
  }
}

function problemText(helper: string): string {
  const todo = 'stop the guest and start it again';
  if (helper === 'tpm') {
    // QEMU gives up when it is to reset a TPM that does not answer.
    return `tpmstate0: the TPM emulator (swtpm) has ended, so the guest has no working TPM and will end at its next reset: ${todo}. The TPM's state is kept`;
  }
  const key = helper.replace('vfs', 'virtiofs');
  return `${key}: the file server (virtiofsd) has ended, so the guest cannot reach that directory: ${todo}`;
}
