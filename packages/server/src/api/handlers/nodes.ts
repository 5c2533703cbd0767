/** Questions about this node. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { version as kernelVersion, release } from 'node:os';
import { join } from 'node:path';
import {
  nodeAcceleratorSet,
  nodeDns,
  nodeHosts,
  nodeIndex,
  nodeNatBridgeLeases,
  nodeNetwork,
  nodeStatus,
  nodesList,
  nodeTime,
  nodeVersion,
  nodeWarnings,
} from '@ryokan/api/methods/nodes.ts';
import { readUserConfig } from '../../access/access-documents.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { qemuVersion } from '../../guests/qemu/qemu-facts.ts';
import { readTextIfPresent } from '../../host/files.ts';
import { cpuInfo, loadAverage, uptime } from '../../host/procfs.ts';
import { apiVersion } from '../../host/version.ts';
import { interfaces, isBridge } from '../../network/bridge.ts';
import { natBridge, natLeases } from '../../network/nat-bridge.ts';
import { childrenOf } from '../directory.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { networkRows } from '../network-rows.ts';
import { nodeWarningsOf } from '../node-warnings.ts';

export function nodeHandlers(table: HandlerTable, services: DaemonServices): void {
  stateHandlers(table, services);
  networkHandlers(table, services);
}

function stateHandlers(table: HandlerTable, services: DaemonServices): void {
  const { paths, resources, sampler, settings } = services;
  table.on(nodesList, (_params, call) => {
    resources.updateNode();
    return resources.list('node').map((row) => {
      const { id, node = settings.node, level = '', uptime: up, ...measured } = row;
      const base = {
        id,
        node,
        type: 'node',
        status: 'online' as const,
        level,
        ssl_fingerprint: services.certificate.fingerprint,
      };
      if (!call.can(`/nodes/${node}`, ['Sys.Audit'])) return base;
      const { cpu, maxcpu, mem, maxmem, disk, maxdisk } = measured;
      return { ...base, uptime: up, cpu, maxcpu, mem, maxmem, disk, maxdisk };
    });
  });
  table.on(nodeIndex, () => childrenOf(nodeIndex, 'name'));
  table.on(nodeVersion, () => apiVersion);
  table.on(nodeStatus, async () => {
    const sample = sampler.node();
    const { memory, root } = sample;
    const cpu = cpuInfo();
    const { accelerator, reason } = services.accelerator();
    return {
      cpu: sample.cpu,
      wait: sample.wait,
      idle: 0,
      uptime: Math.floor(uptime()),
      loadavg: loadAverage().map((one) => one.toFixed(2)),
      memory: {
        total: memory.total,
        used: memory.total - memory.available,
        free: memory.free,
        available: memory.available,
      },
      swap: { total: memory.swapTotal, free: memory.swapFree, used: memory.swapTotal - memory.swapFree },
      rootfs: { total: root.total, free: root.free, avail: root.available, used: root.total - root.free },
      cpuinfo: {
        model: cpu.model,
        cpus: cpu.cpus,
        cores: cpu.cores,
        sockets: cpu.sockets,
        mhz: String(cpu.mhz),
        hvm: accelerator === 'kvm' ? '1' : '0',
        flags: cpu.flags.join(' '),
        user_hz: 100,
      },
      kversion: `Linux ${release()} ${kernelVersion()}`,
      'current-kernel': { sysname: 'Linux', release: release(), version: kernelVersion(), machine: 'x86_64' },
      'boot-info': { mode: existsSync('/sys/firmware/efi') ? ('efi' as const) : ('legacy-bios' as const) },
      pveversion: `pve-manager/${apiVersion.version}/${apiVersion.repoid}`,
      qemuversion: await qemuVersion(join(paths.run, 'qemu-version')),
      accelerator: { name: accelerator, reason },
    };
  });
  table.on(nodeAcceleratorSet, ({ accelerator }) => services.setAccelerator(accelerator), {
    plan: ({ accelerator }) => void rehearsed(`runs guests by '${accelerator}' from their next start on`),
  });
  table.on(nodeTime, () => {
    const time = Math.floor(Date.now() / 1000);
    const timezone =
      readTextIfPresent('/etc/timezone')?.trim() || Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
    return { time, localtime: time - new Date().getTimezoneOffset() * 60, timezone };
  });
  table.on(nodeDns, () => {
    const text = readTextIfPresent('/etc/resolv.conf') ?? '';
    const servers = [...text.matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1] as string);
    const search = /^(?:search|domain)\s+(.+)$/m.exec(text)?.[1]?.trim();
    return {
      ...(search === undefined ? {} : { search }),
      ...Object.fromEntries(servers.slice(0, 3).map((server, i) => [`dns${i + 1}`, server])),
    };
  });
  table.on(nodeHosts, () => {
    const data = readFileSync('/etc/hosts', 'utf8');
    return { data, digest: createHash('sha1').update(data).digest('hex') };
  });
  table.on(nodeWarnings, () => nodeWarningsOf(services));
}

function networkHandlers(table: HandlerTable, services: DaemonServices): void {
  table.on(nodeNetwork, async ({ type }, call) => {
    const rows = networkRows(await interfaces(), type);
    return rows.filter((row) => row.type !== 'bridge' || seesBridge(services.store, call, row.iface));
  });
  table.on(nodeNatBridgeLeases, () => {
    const bridge = natBridge(services);
    if (!bridge) return { active: 0 as const, leases: [] };
    const leases = natLeases(services).map((lease) => ({
      ip: lease.address,
      mac: lease.mac,
      expires: lease.expires,
      ...(lease.hostname === undefined ? {} : { hostname: lease.hostname }),
    }));
    return {
      iface: bridge.name,
      cidr: `${bridge.address}/${bridge.prefix}`,
      active: isBridge(bridge.name) ? (1 as const) : (0 as const),
      leases,
    };
  });
}

/** The bridges of others are none of the caller's business; being let onto one of its VLANs is enough to see a bridge. */
function seesBridge(store: ConfigStore, call: Call, bridge: string): boolean {
  const path = `/sdn/zones/localnetwork/${bridge}`;
  const sees = (one: string) => call.can(one, ['SDN.Audit', 'SDN.Use'], true);
  if (sees(path)) return true;
  return [...readUserConfig(store).acl.keys()].some((one) => one.startsWith(`${path}/`) && sees(one));
}
