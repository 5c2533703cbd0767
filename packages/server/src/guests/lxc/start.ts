/** Starting a container: mount its volumes in a namespace of their own, set it up inside, let LXC run it there. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { readTextIfPresent } from '../../host/files.ts';
import { claimPidFile } from '../../host/pidfile.ts';
import { guestEnded } from '../guest-ended.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { demandUnlocked, readGuest, writeGuest } from '../guest-store.ts';
import { oweStopHook, postStart, preStart } from '../hookscript.ts';
import { protectCards } from './card.ts';
import { featuresOf, type LxcConfig, requireLxcConfig } from './config.ts';
import { applyPending, droppedVolumes, namesAnywhere } from './config-change.ts';
import type { LxcHost } from './host-input.ts';
import { allowIds, idRanges } from './ids.ts';
import { lxcKind } from './kind.ts';
import { logSize, rotateLog } from './log.ts';
import { lxcText } from './lxc-text.ts';
import { ensureLxcfs } from './lxcfs.ts';
import { MountNamespace } from './mount-namespace.ts';
import { removeVolumes } from './owned-volumes.ts';
import { hasLeftovers, isRunning, lastWords } from './process.ts';
import { lxcRunPaths } from './run-paths.ts';
import { setUpInside } from './set-up-inside.ts';
import { type ContainerStart, gatherHost, mountRoot } from './start-host.ts';

export interface StartOptions {
  readonly skiplock?: boolean | undefined;
  readonly debug?: boolean | undefined;
}

/** The caller holds the container's lock. Rejects when it runs already. */
export async function startContainer(
  services: GuestServices,
  vmid: number,
  options: StartOptions,
  context: ChangeContext,
): Promise<void> {
  demandStartable(services, vmid, options.skiplock === true);
  const config = await configForStart(services, vmid, options, context);
  // What an earlier run left when the machine or the daemon went down.
  if (hasLeftovers(services.paths, vmid)) await guestEnded(services, lxcKind, vmid, context);
  await preStart(services, vmid, context);
  context.undo('lxc.clean-up', { vmid });
  const ids = idRanges(config);
  allowIds(ids);
  await ensureLxcfs(services);
  const run = lxcRunPaths(services.paths, vmid);
  mkdirSync(run.folder, { recursive: true, mode: 0o700 });
  const namespace = await MountNamespace.open(lxcCommand(services, vmid, config), services.paths.lxcRun);
  try {
    const start: ContainerStart = { services, vmid, config, ids, namespace };
    const root = await mountRoot(start);
    await setUpInside({ vmid, root, ids, config, log: (line) => context.log(line) });
    await protectCards(services, vmid, config);
    const host = await gatherHost(start);
    for (const note of notes(config, host)) context.log(note);
    writeFileSync(run.config, lxcText(config, host), { mode: 0o600 });
    await oweStopHook(services, vmid);
    await runLxc(services, vmid, namespace, context);
  } finally {
    namespace.close();
  }
  await postStart(services, vmid, context);
}

/** What forbids a start, said before a task is made. */
export function demandStartable(services: GuestServices, vmid: number, skiplock: boolean): void {
  const { file } = readGuest(services.store, 'lxc', services.settings.node, vmid);
  if (file.properties.template === '1') {
    throw new RyokanError(
      'state',
      `you can't start a CT if it's a template: make a clone of CT ${vmid} and start that`,
    );
  }
  if (!skiplock) demandUnlocked(file.properties, 'lxc');
  if (isRunning(services.paths, vmid) && !isBeingStopped(services, vmid))
    throw new RyokanError('state', `CT ${vmid} already running`);
}

/** A task that ends it holds its lock: a start behind that waits for it. */
function isBeingStopped(services: GuestServices, vmid: number): boolean {
  return /:vz(?:stop|shutdown):/.test(services.locks.holder(`lxc-${vmid}`) ?? '');
}

/** The configuration with pending changes carried out and stored. */
async function configForStart(
  services: GuestServices,
  vmid: number,
  options: StartOptions,
  context: ChangeContext,
): Promise<LxcConfig> {
  const { store, settings } = services;
  const stored = readGuest(store, 'lxc', settings.node, vmid);
  const guest = await writeGuest(store, stored, applyPending(stored.file), 'start');
  const dropped = droppedVolumes(stored.file.properties, guest.file.properties);
  await removeVolumes(
    services,
    vmid,
    dropped.filter((volid) => !namesAnywhere(guest.file, volid)),
    context,
  );
  const config = requireLxcConfig(guest.file.properties, vmid);
  return options.debug ? { ...config, debug: true } : config;
}

/** What the container has to do without, or what its owner should know. */
function notes(config: LxcConfig, host: LxcHost): string[] {
  return [
    ...(config.unprivileged
      ? []
      : ['the container is privileged: whoever is root in it may become root of this node']),
    ...(host.apparmor ? [] : ["this node's kernel has no AppArmor: no profile holds for the container"]),
    ...(host.lxcfs.length > 0
      ? []
      : [
          'lxcfs does not run: free and uptime in the container show the whole node (apt install lxcfs; systemctl start lxcfs)',
        ]),
    ...(featuresOf(config).mknod
      ? ['features: mknod is not possible here; pass devices by dev0 and so on']
      : []),
    ...(host.countsSwap ? [] : ["swap: this node's kernel does not count swap, so that it has no limit"]),
  ];
}

/** LXC in the background: it returns when the container's init runs, or with an error. */
function lxcCommand(services: GuestServices, vmid: number, config: LxcConfig): string[] {
  const run = lxcRunPaths(services.paths, vmid);
  return [
    ...['lxc-start', '--name', String(vmid), '--lxcpath', services.paths.lxcRun, '--rcfile', run.config],
    ...['--daemon', '--pidfile', run.monitorPid],
    ...['--logfile', run.log, '--logpriority', config.debug ? 'TRACE' : 'WARN'],
  ];
}

async function runLxc(
  services: GuestServices,
  vmid: number,
  namespace: MountNamespace,
  context: ChangeContext,
): Promise<void> {
  const run = lxcRunPaths(services.paths, vmid);
  rotateLog(run.log);
  const logStart = logSize(run.log);
  const { code, words } = await namespace.become(context.signal);
  const pid = Number(readTextIfPresent(run.monitorPid)?.trim());
  if (code !== 0 || !(pid > 0)) {
    const reason = lastWords(services.paths, vmid, logStart) || words.trim().split('\n')[0];
    throw new RyokanError('failed', `start failed: ${reason || `lxc-start ended with code ${code}`}`, {
      context: { vmid },
    });
  }
  try {
    claimPidFile(run.pid, pid);
  } catch (cause) {
    const reason = lastWords(services.paths, vmid, logStart);
    throw new RyokanError(
      'failed',
      `the container ended at once${reason ? `: ${reason}` : ''} (${messageOf(cause)})`,
      {
        cause,
        context: { vmid },
      },
    );
  }
}
