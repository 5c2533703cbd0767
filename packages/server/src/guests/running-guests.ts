/** Running guests of every kind, for those who list and measure them. */
import type { ProcessId } from '../host/pidfile.ts';

/** What a guest has used since its start. */
export interface GuestReading {
  /** CPU time in ticks. */
  readonly ticks: number;
  /** Bytes of the node's memory, and of its swap where that is known. */
  readonly memory: number;
  readonly swap?: number;
  /** Bytes read from and written to disks. */
  readonly read: number;
  readonly written: number;
}

export interface RunningGuest {
  readonly vmid: number;
  /** The QEMU of a VM, the init of a container. */
  readonly process: ProcessId;
  /** What QEMU says of itself; undefined as long as it has not answered, and for containers. */
  readonly watch?: { readonly qmpstatus: string | undefined } | undefined;
  /** Does a container stand still? Looked up each time. */
  readonly frozen?: () => boolean;
  /** LXC's monitor of a container. */
  readonly monitorPid?: number;
  /** How a guest that is more than one process is measured. */
  readonly reading?: () => GuestReading;
}

export interface GuestMonitor {
  get(vmid: number): RunningGuest | undefined;
  all(): IterableIterator<RunningGuest>;
  /** What keeps a guest from working, or how it ended when nobody had ended it; with what to do. */
  warning(vmid: number): string | undefined;
}

/** Several monitors as one; a VMID is known to one of them at most. */
export class AllGuests implements GuestMonitor {
  constructor(private readonly monitors: readonly GuestMonitor[]) {}

  get(vmid: number): RunningGuest | undefined {
    for (const monitor of this.monitors) {
      const guest = monitor.get(vmid);
      if (guest) return guest;
    }
    return undefined;
  }

  *all(): IterableIterator<RunningGuest> {
    for (const monitor of this.monitors) yield* monitor.all();
  }

  warning(vmid: number): string | undefined {
    for (const monitor of this.monitors) {
      const warning = monitor.warning(vmid);
      if (warning !== undefined) return warning;
    }
    return undefined;
  }
}
