/** Sockets and files of one QEMU guest of this node. */
import { join } from 'node:path';
import type { DataPaths } from '../../host/paths.ts';
import { type GuestRunPaths, guestRunPaths } from './host-input.ts';

export interface QemuRunPaths extends GuestRunPaths {
  /** What QEMU writes to its standard output and error. */
  readonly log: string;
  /** Through which the guest's memory goes while it is saved or loaded. */
  readonly state: string;
  /** Variables of a UEFI guest that has no volume for them. */
  readonly efiVars: string;
  /** Socket of the guest's TPM, and the pid file of the swtpm behind it. */
  readonly tpm: string;
  readonly tpmPid: string;
  /** Socket of the virtiofsd behind a key such as `virtiofs0`. */
  virtiofs(key: string): string;
  /** Names the hook script that waits for the end of this QEMU. */
  readonly hook: string;
  /** Why changes of the running guest wait for its next start: waiting-reasons.ts. */
  readonly waiting: string;
  /** PCI functions that the guest has, and huge pages that were taken for it; both as JSON. */
  readonly hostpci: string;
  readonly hugepages: string;
}

export function qemuRunPaths(paths: DataPaths, vmid: number): QemuRunPaths {
  return {
    ...guestRunPaths(paths.qemuRun, vmid),
    log: join(paths.log, 'qemu', `${vmid}.log`),
    state: join(paths.qemuRun, `${vmid}.state`),
    efiVars: join(paths.qemuRun, `${vmid}.efivars`),
    tpm: join(paths.qemuRun, `${vmid}.tpm`),
    tpmPid: join(paths.qemuRun, `${vmid}.tpm-pid`),
    // Short, as all sockets here: see guestRunPaths.
    virtiofs: (key) => join(paths.qemuRun, `${vmid}.vfs${key.slice('virtiofs'.length)}`),
    hook: join(paths.qemuRun, `${vmid}.hookscript`),
    waiting: join(paths.qemuRun, `${vmid}.waiting`),
    hostpci: join(paths.qemuRun, `${vmid}.hostpci`),
    hugepages: join(paths.qemuRun, `${vmid}.hugepages`),
  };
}
