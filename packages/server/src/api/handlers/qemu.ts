/** Questions about QEMU guests and quick changes; tasks stand in qemu-tasks.ts. */
import { existsSync } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ParamsOf } from '@ryokan/api/method.ts';
import {
  qemuConfigGet,
  qemuConfigSet,
  qemuIndex,
  qemuList,
  qemuMonitor,
  qemuPending,
  qemuSendkey,
  qemuStatusCurrent,
  qemuStatusIndex,
  qemuUnlink,
} from '@ryokan/api/methods/qemu.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { readGuest, salvageGuest } from '../../guests/guest-store.ts';
import type { Problems } from '../../guests/live-outcome.ts';
import { readQemuConfig, wrongValues } from '../../guests/qemu/config.ts';
import {
  type ConfigChange,
  changeOf,
  pendingRows,
  shownValue,
  withPending,
} from '../../guests/qemu/config-change.ts';
import { demandRunning } from '../../guests/qemu/power.ts';
import type { QmpClient } from '../../guests/qemu/qmp-client.ts';
import { demandRoomFor } from '../../guests/qemu/resize.ts';
import { qemuRunPaths } from '../../guests/qemu/run-paths.ts';
import { planUpdate, updateGuest } from '../../guests/qemu/update.ts';
import { waitingReasons } from '../../guests/waiting-reasons.ts';
import { balloonState } from '../balloon-state.ts';
import { childrenOf } from '../directory.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { demandHotplugged, withUndo } from '../inline-change.ts';
import { demandConfigChange, demandSkiplock } from './qemu-permissions.ts';

export function qemuHandlers(table: HandlerTable, services: DaemonServices): void {
  configHandlers(table, services);
  statusHandlers(table, services);
}

function configHandlers(table: HandlerTable, services: DaemonServices): void {
  const { store, settings } = services;
  const read = (vmid: number) => readGuest(store, 'qemu', settings.node, vmid);
  table.on(qemuConfigGet, ({ vmid, current, snapshot }) => {
    const { file, digest } = read(vmid);
    if (snapshot !== undefined) {
      const saved = file.snapshots[snapshot];
      if (!saved) throw new RyokanError('not-found', `snapshot '${snapshot}' does not exist`);
      return { ...typedValues(saved), digest };
    }
    const values = current ? file.properties : withPending(file.properties, file.pending);
    return { ...typedValues(values), digest };
  });
  table.on(qemuPending, ({ vmid }) => {
    const guest = read(vmid);
    return pendingRows(guest, waitingReasons(qemuRunPaths(services.paths, vmid).waiting, guest.file));
  });
  const check = async (params: ParamsOfSet, wanted: ConfigChange, call: Call) => {
    read(params.vmid);
    demandConfigChange(services, call, params.vmid, wanted);
    demandSkiplock(call, params.skiplock);
    await demandRoomFor(services, wanted.set);
  };
  const change = async (params: ParamsOfSet, wanted: ConfigChange, call: Call) => {
    await check(params, wanted, call);
    const { digest, skiplock } = params;
    let problems: Problems = {};
    await withUndo(services, call, async (context) => {
      const options = { change: wanted, digest, skiplock, author: call.user };
      problems = await updateGuest(services, params.vmid, options, context);
    });
    demandHotplugged(problems);
    return null;
  };
  const plan = async (params: ParamsOfSet, wanted: ConfigChange, call: Call) => {
    await check(params, wanted, call);
    const { vmid, digest, skiplock } = params;
    await planUpdate(services, vmid, { change: wanted, digest, skiplock, author: call.user });
  };
  table.on(qemuConfigSet, (params, call) => change(params, changeOf(params), call), {
    plan: (params, call) => plan(params, changeOf(params), call),
  });
  const unlinking = ({ idlist, force }: { idlist: string; force?: boolean }) => ({
    set: {},
    delete: splitList(idlist),
    revert: [],
    force: force === true,
  });
  table.on(qemuUnlink, (params, call) => change(params, unlinking(params), call), {
    plan: (params, call) => plan(params, unlinking(params), call),
  });
}

interface ParamsOfSet {
  readonly vmid: number;
  readonly digest?: string | undefined;
  readonly skiplock?: boolean | undefined;
}

/** Numbers as JSON numbers, everything else as text: what clients expect of a configuration. */
function typedValues(values: Readonly<Record<string, string>>): Record<string, string | number> {
  const typed: Record<string, string | number> = {};
  for (const [key, text] of Object.entries(values)) {
    typed[key] = numericKeys.has(key) && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : shownValue(key, text);
  }
  return typed;
}

const numericKeys: ReadonlySet<string> = new Set(
  (
    'acpi autostart balloon cores cpulimit cpuunits freeze kvm localtime migrate_downtime migrate_speed numa onboot ' +
    'protection reboot shares smp sockets tablet tdf template vcpus ciupgrade keephugepages snaptime allow-ksm'
  ).split(' '),
);

function statusHandlers(table: HandlerTable, services: DaemonServices): void {
  const { balancer, guests, monitor, resources, settings, store } = services;
  const demandGuest = (vmid: number) => {
    if (guests.get(vmid)?.type !== 'qemu') readGuest(store, 'qemu', settings.node, vmid);
  };
  const state = (vmid: number) => {
    const row = resources.get(`qemu/${vmid}`);
    const guest = guests.get(vmid);
    const running = monitor.get(vmid);
    const {
      name,
      template,
      mem,
      maxmem,
      memhost,
      disk,
      maxdisk,
      netin,
      netout,
      diskread,
      diskwrite,
      cpu,
      uptime,
      tags,
      lock,
      error,
      warning,
    } = row ?? {};
    return {
      vmid,
      name,
      status: running ? ('running' as const) : ('stopped' as const),
      qmpstatus: running ? (running.watch?.qmpstatus ?? 'running') : 'stopped',
      cpus: guest?.cpus ?? 1,
      cpu,
      mem,
      maxmem,
      memhost,
      ...balloonState(guest, balancer.figures(vmid)),
      disk,
      maxdisk,
      netin,
      netout,
      diskread,
      diskwrite,
      uptime,
      ...(template ? { template } : {}),
      ...(tags === undefined ? {} : { tags }),
      ...(lock === undefined ? {} : { lock }),
      ...(error === undefined ? {} : { error }),
      ...(warning === undefined ? {} : { warning }),
      ...(guest?.serial ? { serial: 1 as const } : {}),
      ...(running ? { pid: running.process.pid } : {}),
      ...(running?.watch
        ? { 'running-qemu': running.watch.qemuVersion, 'running-machine': running.watch.machine }
        : {}),
    };
  };
  /** The lists tell of documents that cannot be read only: looking at every value of every guest would take its time. */
  const wrongConfig = (vmid: number) => {
    const { file, problems } = salvageGuest(store, 'qemu', settings.node, vmid);
    const error = problems.length > 0 ? undefined : wrongValues(readQemuConfig(file.properties), vmid);
    return error === undefined ? {} : { error };
  };
  table.on(qemuList, (_params, call) =>
    [...guests.all()]
      .filter((guest) => guest.type === 'qemu' && call.can(`/vms/${guest.vmid}`, ['VM.Audit']))
      .map((guest) => {
        resources.updateGuest(guest.vmid);
        return state(guest.vmid);
      }),
  );
  table.on(qemuStatusCurrent, async ({ vmid }) => {
    demandGuest(vmid);
    await monitor.settled(vmid);
    resources.updateGuest(vmid);
    return {
      ...state(vmid),
      ...wrongConfig(vmid),
      ha: { managed: 0 as const },
      ...(guests.get(vmid)?.agent ? { agent: 1 as const } : {}),
      ...(monitor.get(vmid) && existsSync(qemuRunPaths(services.paths, vmid).spice)
        ? { spice: 1 as const }
        : {}),
    };
  });
  table.on(qemuIndex, ({ vmid }) => {
    demandGuest(vmid);
    return childrenOf(qemuIndex, 'subdir');
  });
  table.on(qemuStatusIndex, ({ vmid }) => {
    demandGuest(vmid);
    return childrenOf(qemuStatusIndex, 'subdir');
  });
  monitorHandlers(table, services);
}

function monitorHandlers(table: HandlerTable, services: DaemonServices): void {
  const tell = async (vmid: number, line: string) =>
    humanCommand(await services.monitor.connection(vmid), line);
  const demandKey = ({ vmid, key, skiplock }: ParamsOf<typeof qemuSendkey>, call: Call): string => {
    demandSkiplock(call, skiplock);
    demandRunning(services, vmid);
    return keyName(key);
  };
  table.on(
    qemuSendkey,
    async (params, call) => {
      await tell(params.vmid, `sendkey ${demandKey(params, call)}`);
      return null;
    },
    { plan: (params, call) => void demandKey(params, call) },
  );
  const demandCommand = ({ vmid, command }: ParamsOf<typeof qemuMonitor>, call: Call) => {
    const harmless = /^(info( |$)|help( |$)|\?)/.test(command);
    if (!harmless) call.demand(`/vms/${vmid}`, ['Sys.Modify']);
    demandRunning(services, vmid);
  };
  table.on(
    qemuMonitor,
    (params, call) => {
      demandCommand(params, call);
      return tell(params.vmid, params.command);
    },
    { plan: demandCommand },
  );
}

async function humanCommand(qmp: QmpClient, line: string): Promise<string> {
  return String(await qmp.execute('human-monitor-command', { 'command-line': line }));
}

/** Only what a key combination can consist of: the text goes to QEMU's monitor. */
function keyName(text: string): string {
  if (/^[a-zA-Z0-9_]+(-[a-zA-Z0-9_]+)*$/.test(text)) return text;
  throw new RyokanError('parameter', `'${text}' is not a key combination such as ctrl-alt-delete`);
}
