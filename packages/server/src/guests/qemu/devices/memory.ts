/** Memory: size, NUMA nodes, huge pages, balloon, shared memory. */
import { qemuNumaKeys, qemuVirtiofsKeys } from '@ryokan/api/schema/qemu-config.ts';
import { ivshmemFields, numaFields } from '@ryokan/api/schema/qemu-options.ts';
import { type Arguments, type DeviceSink, optionText } from '../arguments.ts';
import { optionOf } from '../config.ts';
import { cannot, type Guest, notSupported } from '../guest-context.ts';
import { hotplugFeatures } from '../hotplug-features.ts';
import type { JsonObject } from '../qmp-client.ts';
import { pciPlace } from './chipset.ts';
import { cpuTopology } from './cpu.ts';
import type { MachineNeeds } from './machine.ts';

const mib = 1024 * 1024;

/** Slots for memory that is plugged in later: as many as guests from Proxmox VE have. */
const memorySlots = 255;

/** The memory that is always soldered in and the size of the first modules in MiB, as guests from Proxmox VE have them. */
const solderedMemory = 1024;
const firstModule = 512;
/** After so many modules the next ones are twice as large. */
const modulesOfOneSize = 32;

/** One memory module of a guest whose memory can be plugged. */
export interface MemoryModule {
  /** `dimm0`, … */
  readonly id: string;
  /** MiB. */
  readonly size: number;
  /** NUMA node of the guest. */
  readonly node: number;
}

/** How a guest's memory is made up. Sizes in MiB. */
export interface MemoryLayout {
  /** What is there from the first instruction and stays. */
  readonly soldered: number;
  /** What can be plugged and unplugged; each is full. A smaller memory has the first of those of a larger one. */
  readonly modules: readonly MemoryModule[];
}

/** Adds -m and what stands behind it; returns what -machine has to say about it. */
export function addMemory(guest: Guest, args: Arguments): MachineNeeds {
  const { config, host, memory } = guest;
  if (memory * mib > host.memoryTotal) {
    const total = Math.floor(host.memoryTotal / mib);
    throw cannot('memory', `${memory} MiB are more than this node has (${total} MiB)`);
  }
  const pluggable = hasPluggableMemory(guest);
  const { soldered, modules } = memoryLayout(guest);
  const limit = pluggable ? { slots: memorySlots, maxmem: `${Math.floor(host.memoryTotal / mib)}M` } : {};
  args.add('-m', optionText('', { size: `${soldered}M`, ...limit }));
  if (config.numa) {
    addNuma(guest, soldered, args);
    for (const module of modules) addMemoryModule(guest, module, args);
    return {};
  }
  const backend = memoryBackend(guest, memory);
  if (backend.type === 'memory-backend-ram') return {};
  args.object(backend.type, 'ram', backend.properties);
  return { memoryBackend: 'ram' };
}

/** Whether modules can be plugged: asked for, and in nodes that Ryokan lays out itself. */
export function hasPluggableMemory({ config }: Guest): boolean {
  const ownNodes = qemuNumaKeys.some((key) => config[key] !== undefined);
  return Boolean(config.numa) && !ownNodes && hotplugFeatures(config.hotplug).has('memory');
}

/**
 * Soldered memory and modules, the same for a guest that starts with this size as for one that has grown to it.
 * What does not fill a module is soldered in.
 */
export function memoryLayout(guest: Guest): MemoryLayout {
  const { memory } = guest;
  const { sockets } = cpuTopology(guest);
  // Everything, in each node too, must consist of whole pages.
  const largePages = guest.config.hugepages === '1024';
  const base = largePages ? solderedMemory * sockets : solderedMemory;
  if (!hasPluggableMemory(guest) || memory <= base) return { soldered: memory, modules: [] };
  const modules: MemoryModule[] = [];
  let left = memory - base;
  for (let number = 0; number < memorySlots; number++) {
    const [group, position] = [Math.floor(number / modulesOfOneSize), number % modulesOfOneSize];
    const size = (largePages ? 1024 : firstModule) * 2 ** group;
    if (size > left) break;
    modules.push({ id: `dimm${number}`, size, node: position % sockets });
    left -= size;
  }
  return { soldered: base + left, modules };
}

/** A module with what it is made of, whether the guest starts or runs. */
export function addMemoryModule(guest: Guest, { id, size, node }: MemoryModule, args: DeviceSink): void {
  const backend = memoryBackend(guest, size);
  args.object(backend.type, `mem-${id}`, backend.properties);
  args.device('pc-dimm', { id, memdev: `mem-${id}`, node });
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

function addNuma(guest: Guest, memory: number, args: Arguments): void {
  for (const [id, node] of numaNodes(guest, memory).entries()) {
    const backend = memoryBackend(guest, node.memory);
    const memdev = `ram-node${id}`;
    args.object(backend.type, memdev, { ...backend.properties, ...node.placement });
    const cpus = node.cpus.map((range) => `,cpus=${range}`).join('');
    args.add('-numa', `node,nodeid=${id}${cpus},memdev=${memdev}`);
  }
}

function numaNodes(guest: Guest, memory: number): NumaNode[] {
  const configured = qemuNumaKeys.flatMap((key) => {
    const node = optionOf(guest.config, key, numaFields);
    return node ? [{ key, node }] : [];
  });
  if (configured.length === 0) return evenNodes(guest, memory);
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
  if (sum !== memory) {
    throw cannot('numa', `its nodes have ${sum} MiB together, but memory is ${memory} MiB`);
  }
  return nodes;
}

/** A node for each socket, with an equal part of the memory. */
function evenNodes(guest: Guest, memory: number): NumaNode[] {
  const { sockets, cores } = cpuTopology(guest);
  if (memory % sockets !== 0) {
    throw cannot('numa', `${memory} MiB cannot be divided evenly between ${sockets} sockets`);
  }
  return Array.from({ length: sockets }, (_, socket) => ({
    cpus: [cores === 1 ? `${socket}` : `${socket * cores}-${(socket + 1) * cores - 1}`],
    memory: memory / sockets,
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
