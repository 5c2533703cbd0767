/** The guest agent of a running QEMU guest: one caller at a time, the others wait. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { machineFields } from '@ryokan/api/schema/qemu-options.ts';
import type { GuestServices } from '../guest-services.ts';
import { readGuest } from '../guest-store.ts';
import { type AgentSession, agentNotRunning, withAgentSocket } from './agent-client.ts';
import { optionOf, readQemuConfig } from './config.ts';
import { demandRunning, hasAgent } from './power.ts';
import type { QmpClient } from './qmp-client.ts';
import { qemuRunPaths } from './run-paths.ts';

export interface AgentAccess {
  /** Milliseconds to wait until other callers are done; default 10 s. */
  readonly patience?: number;
  readonly signal?: AbortSignal;
  /** See AgentSocketOptions. */
  readonly leave?: string;
  /** To ask QEMU whether an agent has opened the channel: without one the answer comes at once, not after seconds. */
  readonly qmp?: () => Promise<QmpClient>;
}

/** Throws 'state' unless the guest runs and was given an agent's channel. */
export function demandAgent(services: GuestServices, vmid: number): void {
  demandRunning(services, vmid);
  if (hasAgent(services, vmid)) return;
  throw new RyokanError(
    'state',
    'No QEMU guest agent configured: switch the option agent on and start the VM again',
  );
}

/**
 * Throws 'state' when nothing could wake the guest from a sleep that begins inside it: without ACPI S3 Linux falls asleep
 * in a way of which QEMU knows nothing.
 */
export function demandWakeable(services: GuestServices, vmid: number): void {
  const { properties } = readGuest(services.store, 'qemu', services.settings.node, vmid).file;
  const { config } = readQemuConfig(properties);
  if (optionOf(config, 'machine', machineFields)?.['enable-s3']) return;
  throw new RyokanError(
    'state',
    `VM ${vmid} could not be woken again, as its machine has no ACPI S3: set 'enable-s3=1' in the option machine and start the VM again, or suspend it from outside`,
    { context: { vmid } },
  );
}

/**
 * Runs `work` with the agent of a guest. Commands of one session come one after the other, with those of nobody else in
 * between, whichever process asks. Rejects with 'state': the VM does not run, it has no agent configured, none runs in
 * the guest, or others keep it busy.
 */
export async function withGuestAgent<T>(
  services: GuestServices,
  vmid: number,
  work: (agent: AgentSession) => Promise<T>,
  { patience = 10_000, signal, leave, qmp }: AgentAccess = {},
): Promise<T> {
  demandAgent(services, vmid);
  const { qga } = qemuRunPaths(services.paths, vmid);
  const name = `agent-${vmid}`;
  let begun = false;
  try {
    const options = { timeout: patience, ...(signal ? { signal } : {}) };
    return await services.locks.with(
      name,
      async () => {
        begun = true;
        if (qmp) await demandOpenChannel(qmp);
        return withAgentSocket(qga, work, { signal, leave });
      },
      options,
    );
  } catch (cause) {
    if (begun || !(cause instanceof RyokanError) || cause.code !== 'locked') throw cause;
    const holder = services.locks.holder(name);
    const who = holder === undefined || holder === 'daemon' ? 'another command' : holder;
    throw new RyokanError(
      'state',
      `the guest agent of VM ${vmid} is busy with ${who}: try again when that has ended`,
      { cause, context: { vmid } },
    );
  }
}

/** Name of the agent's channel on the command line, see devices/ports.ts. */
const channelName = 'qga0';
/** How long QEMU may take to say whether the channel is open (ms). */
const questionTimeout = 2_000;

/** Throws 'state' when no program in the guest has the channel open. */
async function demandOpenChannel(connect: () => Promise<QmpClient>): Promise<void> {
  let open: boolean | undefined;
  try {
    const qmp = await connect();
    const channels = await qmp.execute<{ label: string; 'frontend-open': boolean }[]>(
      'query-chardev',
      {},
      { timeout: questionTimeout },
    );
    open = channels.find((one) => one.label === channelName)?.['frontend-open'];
  } catch {
    // QEMU itself does not answer; the agent may.
    return;
  }
  if (open === undefined) {
    throw new RyokanError('state', 'the VM was started without a channel to the guest agent: start it again');
  }
  if (!open) throw agentNotRunning();
}
