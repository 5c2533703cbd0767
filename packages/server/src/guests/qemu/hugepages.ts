/**
 * Huge pages for a guest's memory: mounts hugetlbfs and takes as many pages from the kernel as are missing, for the time
 * that the guest runs (Documentation/admin-guide/mm/hugetlbpage.rst).
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { qemuNumaKeys } from '@ryokan/api/schema/qemu-config.ts';
import { numaFields } from '@ryokan/api/schema/qemu-options.ts';
import { run } from '../../host/exec.ts';
import { readTextIfPresent } from '../../host/files.ts';
import type { DataPaths } from '../../host/paths.ts';
import { optionOf } from './config.ts';
import { guestMemory } from './guest-context.ts';
import type { QemuHost } from './host-input.ts';
import { qemuRunPaths } from './run-paths.ts';
import type { GuestStart } from './start-host.ts';

/** Size of a page in MiB. */
export type PageSize = 2 | 1024;

/** Pages that a guest has taken: of this size, from this NUMA node of the host (undefined: wherever there are some). */
export interface TakenPages {
  readonly size: PageSize;
  readonly node?: number;
  readonly count: number;
}

/** Two guests that take pages at the same time would count the same ones. */
const counting = 'hugepages';
const mountFolder = '/run/ryokan-hugepages';
/** What statfs(2) says of hugetlbfs. */
const hugetlbfsMagic = 0x958458f6;

/** Part of a start: the pages that the configuration asks for. */
export async function hugepages(start: GuestStart): Promise<Partial<QemuHost>> {
  const { config, services, vmid, context } = start;
  if (config.hugepages === undefined) return {};
  const needs = memoryByNode(start);
  const taken = await services.locks.with(counting, async () => {
    const pages = takeAny(wantedSizes(config.hugepages ?? 'any', needs), needs);
    const file = qemuRunPaths(services.paths, vmid).hugepages;
    if (!config.keephugepages) writeFileSync(file, JSON.stringify(pages.added), { mode: 0o600 });
    return pages;
  });
  for (const { count } of taken.added)
    context.log(`took ${count} more huge pages of ${taken.size} MiB from the node's memory`);
  return { hugepagePaths: { [taken.size]: await mounted(taken.size, start.user) } };
}

/** MiB by NUMA node of the host; undefined for memory that may come from anywhere. */
type Needs = ReadonlyMap<number | undefined, number>;

function memoryByNode({ config }: GuestStart): Needs {
  const needs = new Map<number | undefined, number>();
  const add = (node: number | undefined, size: number) => needs.set(node, (needs.get(node) ?? 0) + size);
  const nodes = config.numa ? qemuNumaKeys.map((key) => optionOf(config, key, numaFields)) : [];
  for (const node of nodes) {
    if (!node?.memory) continue;
    // Several nodes of the host: the kernel chooses among them.
    const single = /^\d+$/.test(node.hostnodes ?? '') ? Number(node.hostnodes) : undefined;
    add(single, node.memory);
  }
  if (needs.size === 0) add(undefined, guestMemory(config));
  return needs;
}

/** The sizes to try, the best one first. Throws when the memory is no multiple of a page. */
export function wantedSizes(option: 'any' | '2' | '1024', needs: Needs): PageSize[] {
  const sizes: PageSize[] = option === 'any' ? [1024, 2] : [option === '1024' ? 1024 : 2];
  const fitting = sizes.filter((size) => [...needs.values()].every((mib) => mib % size === 0));
  if (fitting.length > 0) return fitting;
  const total = [...needs.values()].reduce((sum, mib) => sum + mib, 0);
  throw new RyokanError(
    'parameter',
    `hugepages: ${total} MiB cannot be divided into pages of ${sizes.at(-1)} MiB; change memory or hugepages`,
    { context: { key: 'hugepages' } },
  );
}

function takeAny(sizes: readonly PageSize[], needs: Needs): { size: PageSize; added: TakenPages[] } {
  let last: unknown;
  for (const size of sizes) {
    try {
      return { size, added: takePages(size, needs) };
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

/** Takes what is missing; all or nothing. `sys` is another root of /sys for tests. */
export function takePages(size: PageSize, needs: Needs, sys = '/sys'): TakenPages[] {
  const added: TakenPages[] = [];
  try {
    for (const [node, mib] of needs) {
      const count = takeFrom(size, node, mib / size, sys);
      if (count > 0) added.push({ size, count, ...(node === undefined ? {} : { node }) });
    }
    return added;
  } catch (error) {
    releasePages(added, sys);
    throw error;
  }
}

function takeFrom(size: PageSize, node: number | undefined, wanted: number, sys: string): number {
  const folder = poolFolder(size, node, sys);
  if (!existsSync(folder)) {
    throw new RyokanError(
      'unsupported',
      `hugepages: this node has no huge pages of ${size} MiB; its CPU or kernel lacks them`,
      {
        context: { key: 'hugepages' },
      },
    );
  }
  const free = read(folder, 'free_hugepages') - read(folder, 'resv_hugepages');
  const missing = wanted - free;
  if (missing <= 0) return 0;
  const before = read(folder, 'nr_hugepages');
  writeFileSync(join(folder, 'nr_hugepages'), String(before + missing));
  const got = read(folder, 'nr_hugepages') - before;
  if (got >= missing) return missing;
  writeFileSync(join(folder, 'nr_hugepages'), String(before));
  throw new RyokanError(
    'failed',
    `hugepages: the guest needs ${wanted} pages of ${size} MiB, ${free + got} can be had: the node's memory is in use or in ` +
      'pieces. Stop other guests, use smaller pages, or reserve pages at boot (kernel option hugepages=)',
    { context: { key: 'hugepages' } },
  );
}

/** Gives pages back, as far as nobody else has begun to use them. */
export function releasePages(pages: readonly TakenPages[], sys = '/sys'): void {
  for (const { size, node, count } of pages) {
    const folder = poolFolder(size, node, sys);
    if (!existsSync(folder)) continue;
    const free = read(folder, 'free_hugepages') - read(folder, 'resv_hugepages');
    const gone = Math.min(count, Math.max(0, free));
    if (gone > 0) writeFileSync(join(folder, 'nr_hugepages'), String(read(folder, 'nr_hugepages') - gone));
  }
}

/** Gives back what the guest has taken, unless it is to keep it for its next start. Safe to repeat. */
export function releaseHugepages(paths: DataPaths, vmid: number): void {
  const file = qemuRunPaths(paths, vmid).hugepages;
  const text = readTextIfPresent(file);
  if (text === undefined) return;
  rmSync(file, { force: true });
  releasePages(JSON.parse(text) as TakenPages[]);
}

/** Files of the node's or of one NUMA node's pool; only the first has `resv_hugepages`. */
function poolFolder(size: PageSize, node: number | undefined, sys: string): string {
  const name = `hugepages-${size * 1024}kB`;
  return node === undefined
    ? join(sys, 'kernel/mm/hugepages', name)
    : join(sys, 'devices/system/node', `node${node}`, 'hugepages', name);
}

function read(folder: string, file: string): number {
  const path = join(folder, file);
  return existsSync(path) ? Number(readFileSync(path, 'utf8').trim()) : 0;
}

/** The folder where pages of a size are mounted, for the guests' user. */
async function mounted(size: PageSize, user: GuestStart['user']): Promise<string> {
  const folder = join(mountFolder, `${size * 1024}kB`);
  mkdirSync(folder, { recursive: true });
  // The node's umask keeps others out of what it makes; QEMU has to pass through here.
  chmodSync(mountFolder, 0o755);
  if (statfsSync(folder).type !== hugetlbfsMagic)
    await run('mount', ['-t', 'hugetlbfs', '-o', `pagesize=${size}M`, 'ryokan', folder]);
  chownSync(folder, user.uid, user.gid);
  chmodSync(folder, 0o700);
  return folder;
}
