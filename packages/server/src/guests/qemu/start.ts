/** Starting a QEMU guest: gather what its command line needs, run QEMU without rights, wait until it answers. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { formatPropertyString } from '@ryokan/api/schema/property-string.ts';
import type { QemuConfig } from '@ryokan/api/schema/qemu-config.ts';
import { machineFields } from '@ryokan/api/schema/qemu-options.ts';
import { guestCgroup } from '../../host/cgroup.ts';
import { claimPidFile } from '../../host/pidfile.ts';
import { processStat } from '../../host/procfs.ts';
import { guestEnded } from '../guest-ended.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { demandUnlocked, readGuest, writeGuest } from '../guest-store.ts';
import { oweStopHook, postStart, preStart } from '../hookscript.ts';
import { qemuCommandLine } from './command-line.ts';
import { optionOf, requireQemuConfig } from './config.ts';
import { applyPending, droppedVolumes, namesAnywhere } from './config-change.ts';
import { removeVolumes } from './disks.ts';
import { demandFirmware } from './efi-disk.ts';
import { guestAccount } from './guest-account.ts';
import { guestMemory } from './guest-context.ts';
import type { QemuHost } from './host-input.ts';
import { qemuKind } from './kind.ts';
import { isRunning, logSize, rotateLog } from './process.ts';
import { qemuProgram } from './qemu-facts.ts';
import { connectQmp, type QmpClient } from './qmp-client.ts';
import { qemuRunPaths } from './run-paths.ts';
import { loadState, type StateToLoad } from './saved-state/load.ts';
import { isSuspended, suspendedState, wakeUp } from './saved-state/wake.ts';
import { startCommands } from './start-commands.ts';
import { startFailure } from './start-failure.ts';
import { gatherHost } from './start-host.ts';

export interface StartOptions {
  readonly skiplock?: boolean | undefined;
  /** Milliseconds until QEMU must answer. */
  readonly timeout?: number | undefined;
  readonly machine?: string | undefined;
  /** Memory to go on from, instead of booting; that of a suspended guest is taken without asking. */
  readonly state?: StateToLoad | undefined;
}

const defaultStartTimeout = 30_000;

/** The caller holds the guest's lock. Rejects when it runs already. */
export async function startGuest(
  services: GuestServices,
  vmid: number,
  options: StartOptions,
  context: ChangeContext,
): Promise<void> {
  demandStartable(services, vmid, options.skiplock === true);
  const state = options.state ?? suspendedState(services, vmid);
  const config = state
    ? configForState(services, vmid, state)
    : await configForStart(services, vmid, options, context);
  demandMemory(config, vmid);
  demandFirmware(config);
  const user = guestAccount();
  // What an earlier QEMU of this guest left when the machine or the daemon went down.
  await guestEnded(services, qemuKind, vmid, context);
  await preStart(services, vmid, context);
  context.undo('guest.clean-up', { vmid });
  const gathered = await gatherHost({ services, vmid, config, user, context });
  const host = state ? { ...gathered, incoming: true, savedCpu: state.cpu } : gathered;
  const { args, notes } = commandLine(config, host);
  for (const note of notes) context.log(note);
  const cgroup = guestCgroup(vmid, services.settings.node);
  for (const warning of cgroup.apply(config)) context.warn(warning);
  rotateLog(services.paths, vmid);
  const logStart = logSize(services.paths, vmid);
  const qemu = launch(services, vmid, args, user, host.locksMemory === true);
  const pid = await startedPid(qemu);
  const startTime = processStat(pid)?.startTime;
  if (startTime !== undefined) context.undo('process.kill', { pid, startTime });
  claimPidFile(qemuRunPaths(services.paths, vmid).pid, pid);
  await oweStopHook(services, vmid);
  for (const warning of cgroup.addProcess(pid)) context.warn(warning);
  const timeout = options.timeout ?? defaultStartTimeout;
  const qmp = await untilReady(services, vmid, qemu, timeout, logStart, context);
  try {
    if (state) await loadState(services, vmid, qmp, state, context);
    for (const { execute, arguments: args } of startCommands(config)) await qmp.execute(execute, args);
    if (state && !options.state) await wakeUp(services, vmid, qmp, state, context);
    else if (state || config.freeze !== true) await qmp.execute('cont');
  } finally {
    qmp.close();
  }
  await postStart(services, vmid, context);
}

/** What forbids a start, said before a task is made. */
export function demandStartable(services: GuestServices, vmid: number, skiplock: boolean): void {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  if (file.properties.template === '1') {
    throw new RyokanError(
      'state',
      `you can't start a vm if it's a template: make a clone of VM ${vmid} and start that`,
    );
  }
  if (!skiplock && !isSuspended(file.properties)) demandUnlocked(file.properties);
  if (isRunning(services.paths, vmid) && !isBeingStopped(services, vmid))
    throw new RyokanError('state', `VM ${vmid} already running`);
}

/** A task that ends it holds its lock: a start behind that waits for it. */
function isBeingStopped(services: GuestServices, vmid: number): boolean {
  return /:qm(?:stop|shutdown):/.test(services.locks.holder(`qemu-${vmid}`) ?? '');
}

/** The configuration with pending changes carried out and stored. */
async function configForStart(
  services: GuestServices,
  vmid: number,
  options: StartOptions,
  context: ChangeContext,
): Promise<QemuConfig> {
  const { store, settings } = services;
  const stored = readGuest(store, 'qemu', settings.node, vmid);
  const guest = await writeGuest(store, stored, applyPending(stored.file), 'start');
  // Disks whose removal together with their volumes waited for this start.
  const dropped = droppedVolumes(stored.file.properties, guest.file.properties);
  const gone = dropped.filter((volid) => !namesAnywhere(guest.file, volid));
  await removeVolumes(services, vmid, gone, context);
  const machine: Record<string, string> = options.machine === undefined ? {} : { machine: options.machine };
  return requireQemuConfig({ ...guest.file.properties, ...machine }, vmid);
}

/**
 * The configuration for a state that was saved: exactly the hardware of then. What is pending waits for a start without
 * a state.
 */
function configForState(services: GuestServices, vmid: number, state: StateToLoad): QemuConfig {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  const config = requireQemuConfig(file.properties, vmid);
  if (state.machine === undefined) return config;
  const machine = { ...optionOf(config, 'machine', machineFields), type: state.machine };
  return { ...config, machine: formatPropertyString(machineFields, machine) };
}

function demandMemory(config: QemuConfig, vmid: number): void {
  const wanted = guestMemory(config);
  const present = Math.floor(totalmem() / 1024 ** 2);
  if (wanted > present) {
    throw new RyokanError(
      'state',
      `VM ${vmid} wants ${wanted} MiB of memory, but the node has ${present} MiB in all: give it less (option memory)`,
      { context: { vmid } },
    );
  }
}

function commandLine(config: QemuConfig, host: QemuHost): { args: string[]; notes: string[] } {
  const notes: string[] = [];
  return { args: qemuCommandLine(config, host, (line) => notes.push(line)), notes };
}

/** QEMU in a session of its own, as the guests' user, with its output in the guest's log. */
function launch(
  services: GuestServices,
  vmid: number,
  args: readonly string[],
  user: { uid: number; gid: number },
  locksMemory: boolean,
): ChildProcess {
  const { log } = qemuRunPaths(services.paths, vmid);
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, 'a', 0o640);
  const options = {
    detached: true,
    cwd: '/',
    stdio: ['ignore', output, output],
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
  } satisfies SpawnOptions;
  try {
    if (!locksMemory) return spawn(qemuProgram, args, { ...options, uid: user.uid, gid: user.gid });
    // Only root can lift the limit, so the user is changed behind that. Each program becomes the next: one process.
    const become = ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
    return spawn('prlimit', ['--memlock=unlimited:unlimited', ...become, qemuProgram, ...args], options);
  } finally {
    closeSync(output);
  }
}

function startedPid(qemu: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    if (qemu.pid !== undefined) resolve(qemu.pid);
    else
      qemu.once('error', (cause) =>
        reject(new RyokanError('failed', `could not run ${qemuProgram}: ${cause.message}`, { cause })),
      );
  });
}

async function untilReady(
  services: GuestServices,
  vmid: number,
  qemu: ChildProcess,
  timeout: number,
  logStart: number,
  context: ChangeContext,
): Promise<QmpClient> {
  const ended = new AbortController();
  const onExit = () => ended.abort();
  qemu.once('exit', onExit);
  try {
    const signal = AbortSignal.any([ended.signal, context.signal]);
    const qmp = await connectQmp(qemuRunPaths(services.paths, vmid).qmp, {
      timeout,
      signal,
      waitForSocket: true,
    });
    qemu.unref();
    return qmp;
  } catch (cause) {
    // Its socket may close a moment before its end is known.
    for (let waited = 0; waited < 300 && !ended.signal.aborted; waited += 20) await sleep(20);
    const words = startFailure(services.paths, vmid, logStart);
    const reason = ended.signal.aborted
      ? 'QEMU ended at once'
      : `QEMU did not answer within ${timeout / 1000} s`;
    throw new RyokanError('failed', `start failed: ${reason}${words ? `: ${words}` : ''}`, {
      cause,
      context: { vmid },
    });
  } finally {
    qemu.off('exit', onExit);
  }
}
