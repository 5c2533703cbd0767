/** Which PCI functions a guest has: kept in a file of the run folder, for the starts of others and for its own end. */
import { rmSync, writeFileSync } from 'node:fs';
import { readTextIfPresent } from '../../host/files.ts';
import type { DataPaths } from '../../host/paths.ts';
import { type PciHost, realPciHost, restoreDriver } from '../../host/pci-binding.ts';
import { qemuRunPaths } from './run-paths.ts';

/** By address: the driver of the node that gets it back, or none. */
export type PciReservation = Readonly<Record<string, string | null>>;

export function reservePci(paths: DataPaths, vmid: number, reservation: PciReservation): void {
  writeFileSync(qemuRunPaths(paths, vmid).hostpci, JSON.stringify(reservation), { mode: 0o600 });
}

export function reservedPci(paths: DataPaths, vmid: number): PciReservation {
  return JSON.parse(readTextIfPresent(qemuRunPaths(paths, vmid).hostpci) ?? '{}') as PciReservation;
}

/** Gives everything back to the drivers that had it before. Safe to repeat, and for guests without any. */
export function releasePci(paths: DataPaths, vmid: number, host: PciHost = realPciHost): void {
  for (const [address, driver] of Object.entries(reservedPci(paths, vmid))) {
    if (driver === null) continue;
    try {
      restoreDriver(address, driver, host);
    } catch {
      // The kernel refuses: it stays with vfio-pci, which the next start takes as it is.
    }
  }
  rmSync(qemuRunPaths(paths, vmid).hostpci, { force: true });
}
