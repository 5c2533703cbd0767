/**
 * The daemon's eye on running QEMU guests: one QMP connection each, on the event socket, for as long as QEMU lives.
 * New guests are noticed when their socket appears (inotify), ended ones when the connection closes: no polling.
 */
import { type FSWatcher, watch } from 'node:fs';
import { messageOf } from '@ryokan/api/errors.ts';
import type { ProcessId } from '../../host/pidfile.ts';
import { ticksPerSecond } from '../../host/procfs.ts';
import type { GuestServices } from '../guest-services.ts';
import { cleanUpAfter, guestProcess, isRunning, runningGuests } from './process.ts';
import { connectQmp, type QmpClient, type QmpEvent } from './qmp-client.ts';
import { qemuRunPaths } from './run-paths.ts';

export interface RunningGuest {
  readonly vmid: number;
  readonly process: ProcessId;
  readonly qemuVersion: string;
  /** QEMU's run state: running, paused, prelaunch, io-error, … */
  qmpstatus: string;
  readonly qmp: QmpClient;
}

/** Events that change the run state. */
const stateEvents: ReadonlySet<string> = new Set([
  'STOP',
  'RESUME',
  'SUSPEND',
  'WAKEUP',
  'RESET',
  'GUEST_PANICKED',
  'BLOCK_IO_ERROR',
  'POWERDOWN',
]);

export class QemuMonitor {
  private readonly guests = new Map<number, RunningGuest>();
  private readonly connecting = new Set<number>();
  private watcher: FSWatcher | undefined;
  private closed = false;

  constructor(
    private readonly services: GuestServices,
    private readonly onChange: (vmid: number) => void,
  ) {}

  /** Finds the guests that run already, and watches for new ones. */
  async open(): Promise<void> {
    const { qemuRun } = this.services.paths;
    this.watcher = watch(qemuRun, (_event, name) => {
      const vmid = /^(\d+)\.(?:event|pid)$/.exec(name ?? '')?.[1];
      if (vmid !== undefined) void this.attach(Number(vmid));
    });
    await Promise.all(runningGuests(this.services.paths).map((vmid) => this.attach(vmid)));
  }

  get(vmid: number): RunningGuest | undefined {
    return this.guests.get(vmid);
  }

  all(): IterableIterator<RunningGuest> {
    return this.guests.values();
  }

  close(): void {
    this.closed = true;
    this.watcher?.close();
    for (const guest of this.guests.values()) guest.qmp.close();
  }

  private async attach(vmid: number): Promise<void> {
    if (this.closed || this.guests.has(vmid) || this.connecting.has(vmid)) return;
    const process = guestProcess(this.services.paths, vmid);
    if (!process) return;
    this.connecting.add(vmid);
    try {
      const qmp = await connectQmp(qemuRunPaths(this.services.paths, vmid).event, {
        timeout: 15_000,
        waitForSocket: true,
      });
      const { status } = await qmp.execute<{ status: string }>('query-status');
      const { major, minor, micro } = qmp.greeting.version.qemu;
      const guest = { vmid, process, qmp, qmpstatus: status, qemuVersion: `${major}.${minor}.${micro}` };
      this.guests.set(vmid, guest);
      qmp.onEvent((event) => void this.onEvent(guest, event));
      void qmp.closed.then(() => this.detach(guest));
      this.onChange(vmid);
    } catch (error) {
      if (isRunning(this.services.paths, vmid)) {
        this.services.log.warn({ vmid, reason: messageOf(error) }, 'cannot follow a running guest');
      }
    } finally {
      this.connecting.delete(vmid);
    }
  }

  private async onEvent(guest: RunningGuest, event: QmpEvent): Promise<void> {
    if (!stateEvents.has(event.event)) return;
    try {
      guest.qmpstatus = (await guest.qmp.execute<{ status: string }>('query-status')).status;
      this.onChange(guest.vmid);
    } catch {
      // It ended; `closed` follows.
    }
  }

  private detach(guest: RunningGuest): void {
    this.guests.delete(guest.vmid);
    if (this.closed) return;
    this.onChange(guest.vmid);
    void this.cleanUp(guest.vmid);
  }

  /** A guest that ended by itself leaves taps and sockets; a task that ended it holds the lock and cleans up itself. */
  private async cleanUp(vmid: number): Promise<void> {
    const { locks, log, paths, settings } = this.services;
    try {
      await locks.with(
        `qemu-${vmid}`,
        async () => {
          if (!isRunning(paths, vmid)) await cleanUpAfter(paths, settings.node, vmid);
        },
        { timeout: 600_000 },
      );
      this.onChange(vmid);
    } catch (error) {
      log.warn({ vmid, reason: messageOf(error) }, 'could not clean up after a guest');
    }
  }
}

/** Seconds since the process started. */
export function uptimeOf(process: ProcessId, hostUptime: number): number {
  return Math.max(0, Math.floor(hostUptime - process.startTime / ticksPerSecond));
}
