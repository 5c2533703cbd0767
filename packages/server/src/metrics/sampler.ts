/**
 * Measures the node and its running guests every ten seconds: CPU, memory, network and disk traffic. Everything comes
 * from /proc in one pass; nothing is started for it.
 */
import { statfsSync } from 'node:fs';
import type { GuestMonitor, GuestReading, RunningGuest } from '../guests/running-guests.ts';
import {
  type CpuTimes,
  cpuTimes,
  loadAverage,
  memoryInfo,
  networkTraffic,
  processIo,
  processStat,
  ticksPerSecond,
} from '../host/procfs.ts';
import { Series } from './series.ts';

export const sampleSeconds = 10;

export interface GuestSample {
  /** CPU use in host CPUs: 1.5 is one and a half. */
  readonly cpus: number;
  /** Resident bytes of the QEMU process; what the processes of a container use. */
  readonly memory: number;
  readonly swap?: number;
  /** Bytes since the start of the guest, seen from the guest. */
  readonly netin: number;
  readonly netout: number;
  readonly diskread: number;
  readonly diskwrite: number;
}

export interface NodeSample {
  /** 0..1 of all CPUs. */
  readonly cpu: number;
  readonly wait: number;
  readonly memory: ReturnType<typeof memoryInfo>;
  readonly root: { readonly total: number; readonly free: number; readonly available: number };
}

/** What the next sample of a guest is compared with. */
interface Reading {
  readonly pid: number;
  /** CPU time in ticks. */
  readonly ticks: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly sample: GuestSample;
}

export class Sampler {
  readonly nodeSeries = new Series();
  private readonly guestSeries = new Map<number, Series>();
  private readonly guests = new Map<number, GuestSample>();
  private readonly last = new Map<number, Reading>();
  private lastCpu: CpuTimes;
  private lastTraffic = { received: 0, sent: 0 };
  private lastTime = Date.now();
  private current: NodeSample;
  private timer: NodeJS.Timeout | undefined;
  private firstTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly monitor: GuestMonitor,
    private readonly cpuCount: number,
    /** Bytes that a guest says it uses; undefined when it says nothing. */
    private readonly usedMemory: (vmid: number) => number | undefined,
  ) {
    this.lastCpu = cpuTimes();
    this.current = { cpu: 0, wait: 0, memory: memoryInfo(), root: rootSpace() };
  }

  start(onSample: () => void, onError: (error: unknown) => void): void {
    const measure = () => {
      try {
        this.sample();
        onSample();
      } catch (error) {
        onError(error);
      }
    };
    this.timer = setInterval(measure, sampleSeconds * 1000);
    // Plots and meters have something to show soon after the start.
    this.firstTimer = setTimeout(measure, 1000);
  }

  stop(): void {
    clearInterval(this.timer);
    clearTimeout(this.firstTimer);
  }

  node(): NodeSample {
    return this.current;
  }

  /** Measures a guest that has just been found, so that its memory shows before the next round. */
  measureNew(vmid: number): void {
    const guest = this.monitor.get(vmid);
    if (!guest || this.last.get(vmid)?.pid === guest.process.pid) return;
    this.sampleGuest(guest, Date.now(), networkTraffic());
  }

  /** CPU of a guest as a share of `cpus` virtual CPUs. Zeroes before the first measurement. */
  guest(vmid: number): GuestSample {
    return this.guests.get(vmid) ?? { cpus: 0, memory: 0, netin: 0, netout: 0, diskread: 0, diskwrite: 0 };
  }

  series(vmid: number): Series {
    const series = this.guestSeries.get(vmid) ?? new Series();
    this.guestSeries.set(vmid, series);
    return series;
  }

  /** Forgets a guest that was removed. */
  forget(vmid: number): void {
    this.guestSeries.delete(vmid);
    this.guests.delete(vmid);
    this.last.delete(vmid);
  }

  private sample(): void {
    const now = Date.now();
    const seconds = Math.max(0.001, (now - this.lastTime) / 1000);
    this.lastTime = now;
    const time = Math.floor(now / 1000);
    const traffic = networkTraffic();
    this.sampleNode(time, seconds, traffic);
    for (const guest of this.monitor.all()) this.sampleGuest(guest, now, traffic);
    for (const vmid of this.guests.keys()) {
      if (this.monitor.get(vmid)) continue;
      this.guests.delete(vmid);
      this.last.delete(vmid);
    }
  }

  private sampleNode(time: number, seconds: number, traffic: ReturnType<typeof networkTraffic>): void {
    const cpu = cpuTimes();
    const total = Math.max(1, cpu.total - this.lastCpu.total);
    const wait = (cpu.ioWait - this.lastCpu.ioWait) / total;
    const busy = 1 - (cpu.idle - this.lastCpu.idle) / total - wait;
    this.lastCpu = cpu;
    this.current = {
      cpu: Math.min(1, Math.max(0, busy)),
      wait: Math.max(0, wait),
      memory: memoryInfo(),
      root: rootSpace(),
    };
    const sum = { received: 0, sent: 0 };
    for (const [name, one] of traffic) {
      if (name === 'lo' || /^(?:tap|veth)\d/.test(name)) continue;
      sum.received += one.received;
      sum.sent += one.sent;
    }
    const { memory, root } = this.current;
    this.nodeSeries.add(time, {
      cpu: this.current.cpu,
      iowait: this.current.wait,
      maxcpu: this.cpuCount,
      loadavg: loadAverage()[0],
      memtotal: memory.total,
      memused: memory.total - memory.available,
      swaptotal: memory.swapTotal,
      swapused: memory.swapTotal - memory.swapFree,
      roottotal: root.total,
      rootused: root.total - root.free,
      netin: Math.max(0, sum.received - this.lastTraffic.received) / seconds,
      netout: Math.max(0, sum.sent - this.lastTraffic.sent) / seconds,
    });
    this.lastTraffic = sum;
  }

  private sampleGuest(guest: RunningGuest, time: number, traffic: ReturnType<typeof networkTraffic>): void {
    const { vmid } = guest;
    const { pid } = guest.process;
    const reading = guest.reading ? guest.reading() : processReading(pid);
    if (!reading) return;
    const { ticks } = reading;
    const known = this.last.get(vmid);
    // A new process counts from zero.
    const before = known?.pid === pid ? known : undefined;
    const seconds = before ? Math.max(0.001, (time - before.time) / 1000) : sampleSeconds;
    const network = guestTraffic(vmid, traffic);
    const sample: GuestSample = {
      cpus: before ? Math.max(0, ticks - before.ticks) / ticksPerSecond / seconds : 0,
      memory: reading.memory,
      ...(reading.swap === undefined ? {} : { swap: reading.swap }),
      netin: network.in,
      netout: network.out,
      diskread: reading.read,
      diskwrite: reading.written,
    };
    this.guests.set(vmid, sample);
    this.last.set(vmid, { pid, ticks, time, sample });
    const rate = (key: 'netin' | 'netout' | 'diskread' | 'diskwrite') =>
      before ? Math.max(0, sample[key] - before.sample[key]) / seconds : 0;
    this.series(vmid).add(Math.floor(time / 1000), {
      cpu: sample.cpus,
      mem: this.usedMemory(vmid) ?? sample.memory,
      memhost: sample.memory,
      netin: rate('netin'),
      netout: rate('netout'),
      diskread: rate('diskread'),
      diskwrite: rate('diskwrite'),
    });
  }
}

/** What a tap received from QEMU the guest has sent. */
/** What one process has used; undefined when it has ended. */
function processReading(pid: number): GuestReading | undefined {
  const stat = processStat(pid);
  if (!stat) return undefined;
  const io = processIo(pid);
  return { ticks: stat.utime + stat.stime, memory: stat.rss, read: io?.read ?? 0, written: io?.written ?? 0 };
}

function guestTraffic(vmid: number, traffic: ReturnType<typeof networkTraffic>): { in: number; out: number } {
  const sum = { in: 0, out: 0 };
  for (let index = 0; ; index++) {
    const tap = traffic.get(`tap${vmid}i${index}`) ?? traffic.get(`veth${vmid}i${index}`);
    if (!tap) return sum;
    sum.in += tap.sent;
    sum.out += tap.received;
  }
}

function rootSpace(): NodeSample['root'] {
  const { blocks, bsize, bfree, bavail } = statfsSync('/');
  return { total: blocks * bsize, free: bfree * bsize, available: bavail * bsize };
}
