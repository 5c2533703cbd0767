/** Starting and stopping many guests in their startup order. */

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@ryokan/api/errors.ts';
import { datacenterOption } from '../cluster/datacenter-options.ts';
import type { TaskContext } from '../tasks/task.ts';
import { parseConfigFile } from './config-file.ts';
import type { GuestServices } from './guest-services.ts';
import { type GuestType, guestPrefix, parseGuestPath } from './guest-store.ts';
import { containerLock, shutdownContainer } from './lxc/power.ts';
import { isRunning as isContainerRunning } from './lxc/process.ts';
import { startContainer } from './lxc/start.ts';
import { guestLock } from './qemu/power.ts';
import { isRunning as isVmRunning } from './qemu/process.ts';
import { shutdownGuest } from './qemu/shutdown.ts';
import { startGuest } from './qemu/start.ts';

/** What differs between kinds of guests. */
interface Kind {
  readonly noun: string;
  isRunning(services: GuestServices, vmid: number): boolean;
  start(services: GuestServices, vmid: number, task: TaskContext): Promise<void>;
  shutDown(
    services: GuestServices,
    vmid: number,
    limits: { readonly timeout: number; readonly forceStop: boolean },
    task: TaskContext,
  ): Promise<void>;
}

const kinds: Readonly<Record<GuestType, Kind>> = {
  qemu: {
    noun: 'VM',
    isRunning: ({ paths }, vmid) => isVmRunning(paths, vmid),
    start: (services, vmid, task) =>
      guestLock(services, vmid, task, () => startGuest(services, vmid, {}, task)),
    shutDown: shutdownGuest,
  },
  lxc: {
    noun: 'CT',
    isRunning: ({ paths }, vmid) => isContainerRunning(paths, vmid),
    start: (services, vmid, task) =>
      containerLock(services, vmid, task, () => startContainer(services, vmid, {}, task)),
    shutDown: shutdownContainer,
  },
};

interface Ordered {
  readonly vmid: number;
  readonly type: GuestType;
  /** Guests without an order come last. */
  readonly order: number;
  /** Seconds to wait after its start, and for its shutdown. */
  readonly up: number;
  readonly down: number | undefined;
}

/** `order=1,up=30,down=60`, or `1` for the order alone. */
export function parseStartup(text: string | undefined): {
  order: number;
  up: number;
  down: number | undefined;
} {
  const values = new Map<string, number>();
  for (const part of (text ?? '').split(',')) {
    const match = /^(?:(order|up|down)=)?(\d+)$/.exec(part);
    if (match) values.set(match[1] ?? 'order', Number(match[2]));
  }
  return {
    order: values.get('order') ?? Number.MAX_SAFE_INTEGER,
    up: values.get('up') ?? 0,
    down: values.get('down'),
  };
}

export interface BulkStart {
  readonly only: ReadonlySet<number> | undefined;
  /** Also guests without onboot. */
  readonly force: boolean;
}

export async function startInOrder(
  services: GuestServices,
  options: BulkStart,
  task: TaskContext,
): Promise<void> {
  const wanted = guestsInOrder(
    services,
    options.only,
    task,
    (properties) => options.force || properties.onboot === '1',
  );
  for (const [done, guest] of wanted.entries()) {
    task.signal.throwIfAborted();
    const { noun, isRunning, start } = kinds[guest.type];
    task.progress(done / wanted.length, `${noun} ${guest.vmid}`);
    if (isRunning(services, guest.vmid)) continue;
    try {
      await start(services, guest.vmid, task);
      task.keep();
      task.log(`started ${noun} ${guest.vmid}`);
      if (guest.up > 0 && done < wanted.length - 1)
        await sleep(guest.up * 1000, undefined, { signal: task.signal });
    } catch (error) {
      task.warn(`${noun} ${guest.vmid} did not start: ${messageOf(error)}`);
      await task.takeBack();
    }
  }
}

export interface BulkStop {
  readonly only: ReadonlySet<number> | undefined;
  /** Seconds for each guest that has no time of its own. */
  readonly timeout: number;
  readonly forceStop: boolean;
}

/** Guests of the same order are shut down together, the last started first. */
export async function stopInOrder(
  services: GuestServices,
  options: BulkStop,
  task: TaskContext,
): Promise<void> {
  const guests = guestsInOrder(services, options.only, task, () => true).filter((one) =>
    kinds[one.type].isRunning(services, one.vmid),
  );
  const groups = new Map<number, Ordered[]>();
  for (const guest of guests.reverse()) groups.set(guest.order, [...(groups.get(guest.order) ?? []), guest]);
  let done = 0;
  for (const group of groups.values()) {
    const stop = async ({ vmid, type, down }: Ordered): Promise<void> => {
      const { noun, shutDown } = kinds[type];
      try {
        const limits = { timeout: down ?? options.timeout, forceStop: options.forceStop };
        await shutDown(services, vmid, limits, task);
        task.log(`${noun} ${vmid} is down`);
      } catch (error) {
        task.warn(`${noun} ${vmid} did not shut down: ${messageOf(error)}`);
      }
      task.progress(++done / guests.length, `${noun} ${vmid}`);
    };
    const waiting = group.values();
    const workers = Number(datacenterOption(services.store, 'max_workers') ?? group.length);
    await Promise.all(
      Array.from({ length: workers }, async () => {
        for (const guest of waiting) await stop(guest);
      }),
    );
  }
}

function guestsInOrder(
  services: GuestServices,
  only: ReadonlySet<number> | undefined,
  task: TaskContext,
  wanted: (properties: Readonly<Record<string, string>>) => boolean,
): Ordered[] {
  const found: Ordered[] = [];
  const types = Object.keys(kinds) as GuestType[];
  for (const doc of types.flatMap((type) => services.store.list(guestPrefix(type, services.settings.node)))) {
    const { vmid, type } = parseGuestPath(doc.path) ?? {};
    if (vmid === undefined || type === undefined || (only && !only.has(vmid))) continue;
    try {
      const { properties } = parseConfigFile(doc.text, doc.path);
      if (properties.template !== '1' && wanted(properties))
        found.push({ vmid, type, ...parseStartup(properties.startup) });
    } catch (error) {
      task.warn(messageOf(error));
    }
  }
  return found.sort((a, b) => a.order - b.order || a.vmid - b.vmid);
}
