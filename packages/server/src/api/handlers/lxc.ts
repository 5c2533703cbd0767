/** Questions about containers and quick changes; tasks stand in lxc-tasks.ts. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ParamsOf } from '@ryokan/api/method.ts';
import {
  lxcConfigGet,
  lxcConfigSet,
  lxcFeature,
  lxcIndex,
  lxcInterfaces,
  lxcList,
  lxcPending,
  lxcStatusCurrent,
  lxcStatusIndex,
} from '@ryokan/api/methods/lxc.ts';
import { lxcDiskFree, lxcUnlock } from '@ryokan/api/methods/lxc-volumes.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { pendingRows, withPending } from '../../guests/config-change.ts';
import type { ConfigProperties } from '../../guests/config-file.ts';
import { readGuest } from '../../guests/guest-store.ts';
import type { Problems } from '../../guests/live-outcome.ts';
import { changeOf } from '../../guests/lxc/config-change.ts';
import { missingFeature } from '../../guests/lxc/features.ts';
import { containerInterfaces } from '../../guests/lxc/interfaces.ts';
import { unlockContainer, volumeSpaces } from '../../guests/lxc/maintenance.ts';
import { demandRunning } from '../../guests/lxc/power.ts';
import { lxcRunPaths } from '../../guests/lxc/run-paths.ts';
import { planContainerUpdate, type UpdateOptions, updateContainer } from '../../guests/lxc/update.ts';
import { waitingReasons } from '../../guests/waiting-reasons.ts';
import { mountedSpace } from '../../host/mounted-space.ts';
import { childrenOf } from '../directory.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { demandHotplugged, withUndo } from '../inline-change.ts';
import { demandLxcChange } from './lxc-permissions.ts';
import { demandSkiplock } from './qemu-permissions.ts';

export function lxcHandlers(table: HandlerTable, services: DaemonServices): void {
  configHandlers(table, services);
  statusHandlers(table, services);
}

function configHandlers(table: HandlerTable, services: DaemonServices): void {
  const { store, settings } = services;
  const read = (vmid: number) => readGuest(store, 'lxc', settings.node, vmid);
  table.on(lxcConfigGet, ({ vmid, current, snapshot }) => {
    const { file, digest } = read(vmid);
    if (snapshot !== undefined) {
      const saved = file.snapshots[snapshot];
      if (!saved) throw new RyokanError('not-found', `snapshot '${snapshot}' does not exist`);
      return { ...typedValues(saved), digest };
    }
    const values = current ? file.properties : withPending(file.properties, file.pending);
    return { ...typedValues(values), digest };
  });
  table.on(lxcPending, ({ vmid }) => {
    const guest = read(vmid);
    return pendingRows(guest, waitingReasons(lxcRunPaths(services.paths, vmid).waiting, guest.file));
  });
  table.on(lxcFeature, async ({ vmid, feature, snapname }) => {
    const { file } = read(vmid);
    const properties = snapname === undefined ? file.properties : file.snapshots[snapname];
    if (!properties) throw new RyokanError('not-found', `snapshot '${snapname}' does not exist`);
    const reason = await missingFeature(services, vmid, properties, feature, snapname);
    return reason === undefined ? { hasFeature: 1 as const } : { hasFeature: 0 as const, reason };
  });
  const demandChange = (params: ParamsOf<typeof lxcConfigSet>, call: Call): UpdateOptions => {
    read(params.vmid);
    const change = changeOf(params);
    demandLxcChange(services, call, params.vmid, change);
    return { change, digest: params.digest, author: call.user };
  };
  table.on(
    lxcConfigSet,
    async (params, call) => {
      const options = demandChange(params, call);
      let problems: Problems = {};
      await withUndo(services, call, async (context) => {
        problems = await updateContainer(services, params.vmid, options, context);
      });
      demandHotplugged(problems);
      return null;
    },
    {
      plan: async (params, call) => {
        await planContainerUpdate(services, params.vmid, demandChange(params, call));
      },
    },
  );
}

const numericKeys: ReadonlySet<string> = new Set(
  'cores cpulimit cpuunits memory swap tty onboot console protection template unprivileged debug snaptime'.split(
    ' ',
  ),
);

/** Numbers as JSON numbers, raw lines of LXC as pairs, everything else as text: what clients expect. */
export function typedValues(values: ConfigProperties): Record<string, unknown> {
  const { lxc, ...rest } = values;
  const typed: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(rest)) {
    typed[key] = numericKeys.has(key) && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  }
  if (lxc !== undefined) typed.lxc = lxc.split('\n').map(rawPair);
  return typed;
}

function rawPair(line: string): [string, string] {
  const [, key = '', value = ''] = /^(lxc\.[^\s:=]+)\s*[:=]\s*(.*)$/i.exec(line) ?? [];
  return [key, value];
}

function statusHandlers(table: HandlerTable, services: DaemonServices): void {
  const { containers, guests, resources, sampler, settings, store } = services;
  const demandGuest = (vmid: number) => {
    if (guests.get(vmid)?.type !== 'lxc') readGuest(store, 'lxc', settings.node, vmid);
  };
  const state = (vmid: number) => {
    resources.updateGuest(vmid);
    const row = resources.get(`lxc/${vmid}`);
    const guest = guests.get(vmid);
    const running = containers.get(vmid);
    const { name, template, mem, maxmem, maxdisk, netin, netout, diskread, diskwrite, cpu, uptime } =
      row ?? {};
    const { tags, lock, error, warning } = row ?? {};
    return {
      vmid,
      type: 'lxc' as const,
      name,
      status: running ? ('running' as const) : ('stopped' as const),
      ...{ cpus: guest?.cpus ?? 1, cpu, mem, maxmem, netin, netout, diskread, diskwrite, uptime },
      swap: running ? (sampler.guest(vmid).swap ?? 0) : 0,
      maxswap: guest?.maxswap ?? 0,
      disk: (running && mountedSpace(running.process.pid, '/')?.used) ?? 0,
      maxdisk,
      ...(template ? { template } : {}),
      ...(tags === undefined ? {} : { tags }),
      ...(lock === undefined ? {} : { lock }),
      ...(error === undefined ? {} : { error }),
      ...(warning === undefined ? {} : { warning }),
      ...(running ? { pid: running.process.pid } : {}),
      ...(running?.frozen?.() ? { frozen: 1 as const } : {}),
    };
  };
  table.on(lxcList, (_params, call) =>
    [...guests.all()]
      .filter(({ type, vmid }) => type === 'lxc' && call.can(`/vms/${vmid}`, ['VM.Audit']))
      .map(({ vmid }) => state(vmid)),
  );
  table.on(lxcStatusCurrent, ({ vmid }) => {
    demandGuest(vmid);
    containers.settled(vmid);
    return { ...state(vmid), ha: { managed: 0 as const } };
  });
  table.on(lxcDiskFree, ({ vmid }) => volumeSpaces(services, vmid));
  table.on(
    lxcUnlock,
    async ({ vmid }, call) => {
      demandSkiplock(call, true);
      await unlockContainer(services, vmid, call.user);
      return null;
    },
    {
      plan({ vmid }, call) {
        demandSkiplock(call, true);
        demandGuest(vmid);
      },
    },
  );
  table.on(lxcIndex, ({ vmid }) => {
    demandGuest(vmid);
    return childrenOf(lxcIndex, 'subdir');
  });
  table.on(lxcStatusIndex, ({ vmid }) => {
    demandGuest(vmid);
    return childrenOf(lxcStatusIndex, 'subdir');
  });
  table.on(lxcInterfaces, async ({ vmid }) => {
    demandGuest(vmid);
    demandRunning(services, vmid);
    return containerInterfaces(services.paths, vmid);
  });
}
