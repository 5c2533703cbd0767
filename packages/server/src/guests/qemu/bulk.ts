/** Starting and stopping many guests in their startup order. */

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@ryokan/api/errors.ts';
import { datacenterOption } from '../../cluster/datacenter-options.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { parseConfigFile } from '../config-file.ts';
import type { GuestServices } from '../guest-services.ts';
import { guestPrefix, parseGuestPath } from '../guest-store.ts';
import { guestLock } from './power.ts';
import { isRunning } from './process.ts';
import { shutdownGuest } from './shutdown.ts';
import { startGuest } from './start.ts';

interface Ordered {
  readonly vmid: number;
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
    task.progress(done / wanted.length, `VM ${guest.vmid}`);
    if (isRunning(services.paths, guest.vmid)) continue;
    try {
      await guestLock(services, guest.vmid, task, () => startGuest(services, guest.vmid, {}, task));
      task.keep();
      task.log(`started VM ${guest.vmid}`);
      if (guest.up > 0 && done < wanted.length - 1)
        await sleep(guest.up * 1000, undefined, { signal: task.signal });
    } catch (error) {
      task.warn(`VM ${guest.vmid} did not start: ${messageOf(error)}`);
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
    isRunning(services.paths, one.vmid),
  );
  const groups = new Map<number, Ordered[]>();
  for (const guest of guests.reverse()) groups.set(guest.order, [...(groups.get(guest.order) ?? []), guest]);
  let done = 0;
  for (const group of groups.values()) {
    const stop = async ({ vmid, down }: Ordered): Promise<void> => {
      try {
        const limits = { timeout: down ?? options.timeout, forceStop: options.forceStop };
        await shutdownGuest(services, vmid, limits, task);
        task.log(`VM ${vmid} is down`);
      } catch (error) {
        task.warn(`VM ${vmid} did not shut down: ${messageOf(error)}`);
      }
      task.progress(++done / guests.length, `VM ${vmid}`);
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
  for (const doc of services.store.list(guestPrefix('qemu', services.settings.node))) {
    const vmid = parseGuestPath(doc.path)?.vmid;
    if (vmid === undefined || (only && !only.has(vmid))) continue;
    try {
      const { properties } = parseConfigFile(doc.text, doc.path);
      if (properties.template !== '1' && wanted(properties))
        found.push({ vmid, ...parseStartup(properties.startup) });
    } catch (error) {
      task.warn(messageOf(error));
    }
  }
  return found.sort((a, b) => a.order - b.order || a.vmid - b.vmid);
}
