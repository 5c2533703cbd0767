/**
 * The daemon's eye on running containers. LXC writes a file when one has ended, a start writes a pid file: both are
 * noticed at once (inotify). Only a monitor that somebody kills says nothing; that shows at the next look.
 */
import { type FSWatcher, watch } from 'node:fs';
import { messageOf } from '@ryokan/api/errors.ts';
import { waitForExit } from '../../host/process-end.ts';
import { isAlive } from '../../host/procfs.ts';
import { endedOutsideTask } from '../guest-ended.ts';
import type { GuestServices } from '../guest-services.ts';
import type { RunningGuest } from '../running-guests.ts';
import { containerCgroup } from './cgroup.ts';
import { lxcKind } from './kind.ts';
import { containerReading } from './measure.ts';
import { initProcess, isRunning, lastEnd, leftovers, monitorProcess } from './process.ts';

/** How often each container is looked at (ms). */
const lookEvery = 5_000;
/** How long LXC may take between the end of a container and its own (ms). */
const endPatience = 30_000;
/** How long the clean-up waits for a task that has the container's lock (ms). */
const lockPatience = 600_000;

export class LxcMonitor {
  private readonly guests = new Map<number, RunningGuest>();
  private readonly crashes = new Map<number, string>();
  /** Those that stood still when they were last looked at. */
  private readonly frozen = new Set<number>();
  private watcher: FSWatcher | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly services: GuestServices,
    private readonly onChange: (vmid: number) => void,
    /** A container has rebooted: it has ended and wants to be started again. */
    private readonly onReboot: (vmid: number) => Promise<unknown>,
  ) {}

  /** Finds the containers that run already, cleans up after those that have ended, and watches for new ones. */
  async open(): Promise<void> {
    const { paths, log } = this.services;
    this.watcher = watch(paths.lxcRun, (_event, name) => {
      const [, vmid, kind] = /^(\d+)\.(pid|ended)$/.exec(name ?? '') ?? [];
      if (vmid === undefined) return;
      if (kind === 'pid') this.attach(Number(vmid));
      else void this.ended(Number(vmid));
    });
    this.watcher.on('error', (error) =>
      log.error({ err: error }, 'containers that start are no longer noticed'),
    );
    this.timer = setInterval(() => this.lookAtAll(), lookEvery);
    for (const vmid of leftovers(paths)) {
      if (isRunning(paths, vmid)) this.attach(vmid);
      else await this.ended(vmid);
    }
  }

  get(vmid: number): RunningGuest | undefined {
    return this.guests.get(vmid);
  }

  /** As `get`, also for one whose files have not told of it yet: its start has ended, somebody asks at once. */
  settled(vmid: number): RunningGuest | undefined {
    if (!this.guests.has(vmid)) this.attach(vmid);
    return this.guests.get(vmid);
  }

  all(): IterableIterator<RunningGuest> {
    return this.guests.values();
  }

  /** How a container ended when nobody had ended it, with what to do. */
  warning(vmid: number): string | undefined {
    return this.crashes.get(vmid);
  }

  close(): void {
    this.closed = true;
    this.watcher?.close();
    clearInterval(this.timer);
  }

  private attach(vmid: number): void {
    const { paths, settings } = this.services;
    const monitor = monitorProcess(paths, vmid);
    if (!monitor || this.closed || this.guests.get(vmid)?.monitorPid === monitor.pid) return;
    const init = initProcess(paths, vmid);
    this.crashes.delete(vmid);
    const reading = containerReading(vmid, settings.node);
    const { frozen } = containerCgroup(vmid, settings.node);
    const process = init ?? monitor;
    this.guests.set(vmid, { vmid, process, monitorPid: monitor.pid, watch: undefined, reading, frozen });
    this.onChange(vmid);
  }

  private lookAtAll(): void {
    for (const { vmid, frozen } of [...this.guests.values()]) {
      if (!isRunning(this.services.paths, vmid)) void this.ended(vmid);
      else if (frozen?.() !== this.frozen.has(vmid)) this.noteFreeze(vmid);
    }
    for (const vmid of leftovers(this.services.paths)) this.attach(vmid);
  }

  /** The container has ended, and its monitor with it or a moment later. */
  private async ended(vmid: number): Promise<void> {
    const { paths, log } = this.services;
    const how = lastEnd(paths, vmid);
    const guest = this.guests.get(vmid);
    const monitor = monitorProcess(paths, vmid);
    if (monitor && how === undefined) return;
    if (monitor) await waitForExit(monitor, endPatience);
    if (this.closed || (monitor && isAlive(monitor.pid, monitor.startTime))) return;
    if (guest && this.guests.get(vmid) === guest) {
      this.guests.delete(vmid);
      if (how === undefined) this.noteCrash(vmid);
    }
    this.onChange(vmid);
    try {
      await endedOutsideTask(this.services, lxcKind, vmid, lockPatience);
      if (how === 'reboot' && guest) await this.onReboot(vmid);
    } catch (error) {
      log.warn({ vmid, reason: messageOf(error) }, 'could not clean up after a container');
    }
    this.attach(vmid);
  }

  private noteFreeze(vmid: number): void {
    if (!this.frozen.delete(vmid)) this.frozen.add(vmid);
    this.onChange(vmid);
  }

  private noteCrash(vmid: number): void {
    const text = `the process that looks after the container (lxc monitor) was killed at ${new Date().toISOString()}, and the container with it; start it again`;
    this.crashes.set(vmid, text);
    this.services.log.warn({ vmid, reason: text }, 'a container has crashed');
  }
}
