/** Memory: size, NUMA nodes, huge pages, balloon, shared memory. */
import { qemuNumaKeys, qemuVirtiofsKeys } from '@ryokan/api/schema/qemu-config.ts';
import { ivshmemFields, numaFields } from '@ryokan/api/schema/qemu-options.ts';
import { type Arguments, optionText } from '../arguments.ts';
import { optionOf } from '../config.ts';
import { cannot, type Guest, notSupported } from '../guest-context.ts';
import type { JsonObject } from '../qmp-client.ts';
import { pciPlace } from './chipset.ts';
import { cpuTopology } from './cpu.ts';
import type { MachineNeeds } from './machine.ts';

const mib = 1024 * 1024;

/** Slots for memory that is plugged in later. */
const memorySlots = 32;

/** Adds -m and what stands behind it; returns what -machine has to say about it. */
export function addMemory(guest: Guest, args: Arguments): MachineNeeds {
  const { config, host, memory } = guest;
  if (memory * mib > host.memoryTotal) {
    const total = Math.floor(host.memoryTotal / mib);
    throw cannot('memory', `${memory} MiB are more than this node has (${total} MiB)`);
  }
  const pluggable = config.numa && /\bmemory\b/.test(config.hotplug ?? '');
  const limit = pluggable ? { slots: memorySlots, maxmem: `${Math.floor(host.memoryTotal / mib)}M` } : {};
  args.add('-m', optionText('', { size: `${memory}M`, ...limit }));
  if (config.numa) {
    addNuma(guest, args);
    return {};
  }
  const backend = memoryBackend(guest, memory);
  if (backend.type === 'memory-backend-ram') return {};
  args.object(backend.type, 'ram', backend.properties);
  return { memoryBackend: 'ram' };
}

/** What the guest's memory is made of: plain memory, huge pages, or memory that virtiofsd can map. */
function memoryBackend(guest: Guest, size: number): { type: string; properties: JsonObject } {
  const { config, host } = guest;
  const shared = qemuVirtiofsKeys.some((key) => config[key] !== undefined);
  if (config.hugepages === undefined) {
    return shared
      ? { type: 'memory-backend-memfd', properties: { size: size * mib, share: true } }
      : { type: 'memory-backend-ram', properties: { size: size * mib } };
  }
  const fits = (page: 2 | 1024) => size % page === 0 && host.hugepagePaths?.[page] !== undefined;
  const wanted =
    config.hugepages === 'any' ? (fits(1024) ? 1024 : 2) : config.hugepages === '1024' ? 1024 : 2;
  if (size % wanted !== 0)
    throw cannot('hugepages', `${size} MiB cannot be divided into pages of ${wanted} MiB`);
  const path = host.hugepagePaths?.[wanted];
  if (!path) throw notSupported('hugepages', `this node has no huge pages of ${wanted} MiB`);
  return {
    type: 'memory-backend-file',
    properties: { size: size * mib, 'mem-path': path, share: true, prealloc: true },
  };
}

interface NumaNode {
  /** Ranges, `0-3`. */
  readonly cpus: readonly string[];
  /** MiB. */
  readonly memory: number;
  readonly placement: JsonObject;
}

function addNuma(guest: Guest, args: Arguments): void {
  for (const [id, node] of numaNodes(guest).entries()) {
    const backend = memoryBackend(guest, node.memory);
    const memdev = `ram-node${id}`;
    args.object(backend.type, memdev, { ...backend.properties, ...node.placement });
    const cpus = node.cpus.map((range) => `,cpus=${range}`).join('');
    args.add('-numa', `node,nodeid=${id}${cpus},memdev=${memdev}`);
  }
}

function numaNodes(guest: Guest): NumaNode[] {
  const configured = qemuNumaKeys.flatMap((key) => {
    const node = optionOf(guest.config, key, numaFields);
    return node ? [{ key, node }] : [];
  });
  if (configured.length === 0) return evenNodes(guest);
  const nodes = configured.map(({ key, node }): NumaNode => {
    if (node.memory === undefined) throw cannot(key, 'memory is missing');
    if (node.policy !== undefined && node.hostnodes === undefined)
      throw cannot(key, 'policy needs hostnodes');
    const placement = node.hostnodes
      ? { 'host-nodes': expandRanges(node.hostnodes), policy: node.policy ?? 'preferred' }
      : {};
    return { cpus: node.cpus.split(';'), memory: node.memory, placement };
  });
  const sum = nodes.reduce((total, node) => total + node.memory, 0);
  if (sum !== guest.memory) {
    throw cannot('numa', `its nodes have ${sum} MiB together, but memory is ${guest.memory} MiB`);
  }
  return nodes;
}

/** A node for each socket, with an equal part of the memory. */
function evenNodes(guest: Guest): NumaNode[] {
  const { sockets, cores } = cpuTopology(guest);
  if (guest.memory % sockets !== 0) {
    throw cannot('numa', `${guest.memory} MiB cannot be divided evenly between ${sockets} sockets`);
  }
  return Array.from({ length: sockets }, (_, socket) => ({
    cpus: [cores === 1 ? `${socket}` : `${socket * cores}-${(socket + 1) * cores - 1}`],
    memory: guest.memory / sockets,
    placement: {},
  }));
}

/** `0;2-3` as [0, 2, 3]. */
function expandRanges(text: string): number[] {
  return text.split(';').flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number);
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
  });
}

/** The balloon also tells how much memory the guest uses, so it is there unless balloon is 0. */
export function addBalloon(guest: Guest, args: Arguments): void {
  const { balloon } = guest.config;
  if (balloon === 0) return;
  if (balloon !== undefined && balloon > guest.memory) {
    throw cannot('balloon', `${balloon} MiB are more than memory (${guest.memory} MiB)`);
  }
  const place = pciPlace(guest.chipset, 'balloon0');
  args.device('virtio-balloon-pci', { id: 'balloon0', ...place, 'free-page-reporting': true });
}

export function addSharedMemory(guest: Guest, args: Arguments): void {
  const shared = optionOf(guest.config, 'ivshmem', ivshmemFields);
  if (!shared) return;
  // Host programs and other guests open it by this name, the one that they know from Proxmox VE.
  const path = `/dev/shm/pve-shm-${shared.name ?? guest.host.vmid}`;
  args.object('memory-backend-file', 'ivshmem', { size: shared.size * mib, 'mem-path': path, share: true });
  args.device('ivshmem-plain', { id: 'ivshmem', memdev: 'ivshmem', ...pciPlace(guest.chipset, 'ivshmem') });
}
