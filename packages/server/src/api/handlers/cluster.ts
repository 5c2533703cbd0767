/** Version, resources, tasks of the datacenter, next free VMID, options, live events. */
import { ParameterError } from '@ryokan/api/errors.ts';
import {
  backupInfoIndex,
  clusterEvents,
  clusterIndex,
  clusterLog,
  clusterNextid,
  clusterOptionsGet,
  clusterOptionsSet,
  clusterResources,
  clusterStatus,
  clusterTasks,
  guestsNotBackedUp,
  rootIndex,
  version,
} from '@ryokan/api/methods/cluster.ts';
import { readUserConfig } from '../../access/access-documents.ts';
import { poolOf } from '../../access/pools.ts';
import { guestsInJobs } from '../../backup/job-selection.ts';
import { datacenterOption, datacenterOptionsPath } from '../../cluster/datacenter-options.ts';
import { changeOptions, type Options, readOptions } from '../../cluster/options-document.ts';
import { parseSections } from '../../cluster/section-document.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { guestOwner, usedVmids } from '../../guests/guest-store.ts';
import { nextVmid } from '../../guests/next-vmid.ts';
import { knownTags } from '../../guests/tag-rules.ts';
import { nodeAddress } from '../../host/node-settings.ts';
import { apiVersion } from '../../host/version.ts';
import { childrenOf } from '../directory.ts';
import { StreamReply } from '../dispatcher.ts';
import type { HandlerTable } from '../handler-table.ts';
import { taskRow, visibleTasks } from '../task-access.ts';

/** What every login may read, because the interface needs it. A proxy's URL, for one, can hold a password. */
const openOptions: ReadonlySet<string> = new Set([
  'console',
  'keyboard',
  'language',
  'next-id',
  'tag-style',
  'user-tag-access',
]);
/** Options are kept as text; some are numbers to clients. */
const typed = (options: Options) =>
  Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key, numeric.has(key) ? Number(value) : value]),
  );
const numeric: ReadonlySet<string> = new Set(['hsts', 'max_workers', 'migration_unsecure']);

export function clusterHandlers(table: HandlerTable, services: DaemonServices): void {
  const { events, resources, settings, store, tasks } = services;
  table.on(version, () => ({ ...apiVersion, console: 'html5' }));
  table.on(rootIndex, () => childrenOf(rootIndex, 'subdir'));
  table.on(clusterIndex, () => childrenOf(clusterIndex, 'name'));
  table.on(clusterResources, ({ type }, call) => resources.answer(call, type));
  table.on(clusterTasks, (_params, call) => {
    const { rows } = tasks.list({ source: 'all', limit: 50, ...visibleTasks(call, settings.node) });
    return rows.map(taskRow);
  });
  logHandlers(table, services);
  table.on(clusterNextid, ({ vmid }) => {
    if (vmid !== undefined) {
      const owner = guestOwner(store, vmid);
      if (owner)
        throw new ParameterError({ vmid: `${owner.type === 'qemu' ? 'VM' : 'CT'} ${vmid} already exists` });
      return String(vmid);
    }
    return String(nextVmid(usedVmids(store), datacenterOption(store, 'next-id')));
  });
  table.on(clusterStatus, () => [
    {
      id: `node/${settings.node}`,
      type: 'node' as const,
      name: settings.node,
      ip: nodeAddress(settings),
      level: '',
      local: 1,
      nodeid: 0,
      online: 1,
    },
  ]);
  table.on(clusterOptionsGet, (_params, call) => {
    const { options, digest } = readOptions(store, datacenterOptionsPath);
    const tags = { 'allowed-tags': knownTags(store) };
    if (call.can('/', ['Sys.Audit'])) return { ...typed(options), ...tags, digest };
    return {
      ...Object.fromEntries(Object.entries(options).filter(([key]) => openOptions.has(key))),
      ...tags,
    };
  });
  table.on(clusterOptionsSet, async ({ delete: removed, digest, ...set }, call) => {
    await changeOptions(store, datacenterOptionsPath, { set, delete: removed, digest }, call.user);
    return null;
  });
  table.on(clusterEvents, ({ task }, call) => new StreamReply(events.stream(call, task)) as never);
}

function logHandlers(table: HandlerTable, services: DaemonServices): void {
  const { settings, store, guests } = services;
  table.on(clusterLog, ({ max = 50 }, call) => {
    const lines = services.clusterLog.lines(max, call.can('/', ['Sys.Syslog']) ? undefined : call.user);
    return lines.map((line) => ({
      ...line,
      id: `${line.uid}:${settings.node}`,
      pid: String(line.pid),
      node: settings.node,
    }));
  });
  table.on(backupInfoIndex, () => childrenOf(backupInfoIndex, 'subdir'));
  table.on(guestsNotBackedUp, (_params, call) => {
    const config = readUserConfig(store);
    const all = [...guests.all()].filter(({ vmid }) => call.can(`/vms/${vmid}`, ['VM.Audit']));
    const candidates = all.map(({ vmid, node }) => ({ vmid, node, pool: poolOf(config, vmid) }));
    const saved = guestsInJobs(parseSections(store.get('jobs.cfg')?.text ?? ''), candidates);
    return all.filter(({ vmid }) => !saved.has(vmid)).map(({ vmid, type, name }) => ({ vmid, type, name }));
  });
}
