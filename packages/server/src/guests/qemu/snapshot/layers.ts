/**
 * Disks whose snapshots are layers: files of a chain, which a running QEMU has open as one image on top of the other.
 * The storage names and moves the files; QEMU is made to follow here. Depth 0 is the layer that the guest writes to.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { LiveLayers, QemuBlockSource } from '../../../storage/driver.ts';
import {
  type BlockNode,
  driveGraph,
  freshNodeNames,
  imageNode,
  namesFrom,
  removeNodes,
  rootNode,
} from '../block-graph.ts';
import { abandon, endJob, finalize, type Mirror, untilJobs } from '../copy/block-jobs.ts';
import { driveNodeNames } from '../hotplug/drive-nodes.ts';
import type { JsonObject, QmpClient } from '../qmp-client.ts';
import { dropGroups } from '../throttle-group.ts';

/** An image with the options of its drive, as a start would open it: qcow2 node with its file node inside. */
export type DescribeImage = (
  source: QemuBlockSource,
  names: { readonly format: string; readonly file: string },
) => JsonObject;

export interface RunningDisk {
  readonly qmp: QmpClient;
  /** Configuration key. */
  readonly key: string;
  readonly describe: DescribeImage;
  /** Where the current state is, whatever its file is called at the moment. */
  readonly volumePath: string;
  readonly signal?: AbortSignal;
}

/** The job that merges layers of a disk; known before it exists, for the undo. */
export const mergeJob = (key: string): Mirror => ({ job: `snapshot-${key}`, nodes: [] });

/** The layers of a disk in QEMU, topmost first. */
async function layersOf(qmp: QmpClient, key: string): Promise<BlockNode[]> {
  const layers: BlockNode[] = [];
  for (let node: BlockNode | undefined = await imageNode(qmp, key); node; node = node.backing) {
    layers.push(node);
  }
  return layers;
}

async function layerAt(qmp: QmpClient, key: string, depth: number): Promise<BlockNode> {
  const layer = (await layersOf(qmp, key))[depth];
  if (layer) return layer;
  throw new RyokanError('failed', `the running guest has not as many layers of '${key}' as the storage`);
}

/** Paths of the files that QEMU has open for a disk, topmost first. */
export async function openFiles(qmp: QmpClient, key: string): Promise<(string | undefined)[]> {
  const nodes = await qmp.execute<{ 'node-name': string; file: string }[]>('query-named-block-nodes', {
    flat: true,
  });
  const paths = new Map(nodes.map((node) => [node['node-name'], node.file]));
  return (await layersOf(qmp, key)).map(({ file }) => file && paths.get(file.name));
}

export function liveLayers(disk: RunningDisk): LiveLayers {
  return {
    moved: (depth, to) => follow(disk, depth, to),
    commit: (depth, backing, to, replace) => commit(disk, depth, backing, to, replace),
    stream: (depth, backing) => stream(disk, depth, backing),
  };
}

/** Opens the file of a layer under its new name. The image keeps its node, so that nothing above it notices. */
async function follow(disk: RunningDisk, depth: number, to: QemuBlockSource): Promise<void> {
  if ((await openFiles(disk.qmp, disk.key))[depth] === to.filename) return;
  // The node that is given up may have locked this same file; without it, the next one can.
  await exchangeFile(disk, depth, to, 'off');
  if (depth === 0 && to.filename === disk.volumePath) await exchangeFile(disk, depth, to, 'auto');
}

async function exchangeFile(
  { qmp, key, describe }: RunningDisk,
  depth: number,
  to: QemuBlockSource,
  locking: 'auto' | 'off',
): Promise<void> {
  const layer = await layerAt(qmp, key, depth);
  const names = await freshNodeNames(qmp, key);
  const { file, ...image } = describe(to, { format: layer.name, file: names.file });
  const access = depth === 0 ? {} : { 'read-only': true };
  await qmp.execute('blockdev-add', { ...(file as JsonObject), ...access, locking });
  try {
    const backing = layer.backing?.name ?? null;
    await qmp.execute('blockdev-reopen', { options: [{ ...image, ...access, file: names.file, backing }] });
  } catch (error) {
    await removeNodes(qmp, [names.file]);
    throw error;
  }
  // A node that was made with the image has gone with the exchange.
  if (layer.file) await removeNodes(qmp, [layer.file.name]);
}

/** Opens a new image that shall lie on top, and returns its node; the snapshot itself is then an action of a transaction. */
export async function openOverlay(disk: RunningDisk, source: QemuBlockSource): Promise<string> {
  const names = await freshNodeNames(disk.qmp, disk.key);
  await disk.qmp.execute('blockdev-add', { ...disk.describe(source, names), backing: null });
  return names.format;
}

/** Closes images of a disk, and filters above them, that never came into use or are not in use any more. */
export async function closeUnused(qmp: QmpClient, key: string): Promise<void> {
  const graph = await driveGraph(qmp, key);
  const used = new Set(graph ? namesFrom(graph) : []);
  const stray = (await driveNodeNames(qmp, key)).filter((name) => !used.has(name));
  // Each before what it rests on: filters, then images, which hold their files.
  const [filters, others] = [true, false].map((wanted) =>
    stray.filter((name) => name.startsWith('drive-') === wanted),
  );
  await removeNodes(qmp, [...(filters ?? []), ...(others ?? []).sort().reverse()]);
  if (graph) await dropGroups(qmp, key, graph.name);
}

/** The name of the job is always the same: one that stayed in QEMU's list gives it back first. */
async function freeMergeJob({ qmp, key }: RunningDisk): Promise<Mirror> {
  const merge = mergeJob(key);
  await endJob(qmp, merge.job);
  return merge;
}

async function commit(
  disk: RunningDisk,
  depth: number,
  backing: string,
  to: QemuBlockSource,
  replace: () => Promise<void>,
): Promise<void> {
  const { qmp, key, signal } = disk;
  const upper = await layerAt(qmp, key, depth);
  const lower = await layerAt(qmp, key, depth + 1);
  const merge = await freeMergeJob(disk);
  await qmp.execute('block-commit', {
    'job-id': merge.job,
    device: await rootNode(qmp, key),
    'top-node': upper.name,
    'base-node': lower.name,
    // The topmost layer has nothing above it whose header would name it.
    'backing-file': depth === 0 ? undefined : backing,
    'auto-finalize': false,
    'auto-dismiss': false,
  });
  if (depth === 0) {
    await untilJobs(qmp, [merge], ['ready'], { signal });
    await qmp.execute('job-complete', { id: merge.job });
  }
  // Held here, both layers are the same and the guest's writes wait.
  await untilJobs(qmp, [merge], ['pending'], { signal });
  await replace();
  await finalize(qmp, merge);
  await removeNodes(qmp, ownNames(upper));
  await follow(disk, depth, to);
}

async function stream(disk: RunningDisk, depth: number, backing: string | undefined): Promise<void> {
  const { qmp, key, signal } = disk;
  const upper = await layerAt(qmp, key, depth);
  const doomed = await layerAt(qmp, key, depth + 1);
  await demandStreamable(qmp, upper.name, key);
  const merge = await freeMergeJob(disk);
  await qmp.execute('block-stream', {
    'job-id': merge.job,
    device: upper.name,
    ...(doomed.backing ? { 'base-node': doomed.backing.name, 'backing-file': backing } : {}),
    'auto-dismiss': false,
  });
  await untilJobs(qmp, [merge], ['concluded'], { signal });
  await qmp.execute('job-dismiss', { id: merge.job });
  await removeNodes(qmp, ownNames(doomed));
}

/** The first QEMU that copies into an image with subclusters, as linked clones have them, without an abort. */
const safeSubclusters = [8, 2] as const;

async function demandStreamable(qmp: QmpClient, node: string, key: string): Promise<void> {
  const { major, minor } = qmp.greeting.version.qemu;
  const [safeMajor, safeMinor] = safeSubclusters;
  if (major > safeMajor || (major === safeMajor && minor >= safeMinor)) return;
  const nodes = await qmp.execute<NodeWithFormat[]>('query-named-block-nodes', { flat: true });
  const found = nodes.find((one) => one['node-name'] === node);
  if (!found?.image?.['format-specific']?.data?.['extended-l2']) return;
  throw new RyokanError(
    'unsupported',
    `'${key}' is a linked clone, whose layers QEMU ${major}.${minor} cannot merge while the guest runs ` +
      `(from ${safeSubclusters.join('.')} on it can): stop the guest for this`,
  );
}

interface NodeWithFormat {
  readonly 'node-name': string;
  readonly image?: { readonly 'format-specific'?: { readonly data?: { readonly 'extended-l2'?: boolean } } };
}

/** The nodes of a layer without those that it rests on. */
const ownNames = ({ name, file }: BlockNode): string[] => namesFrom({ name, ...(file ? { file } : {}) });

/**
 * Ends a merge whose task died, and brings QEMU's names in line with the files. `replaced`: the storage has given the
 * lower layer its new name already, so QEMU moves over to it; else everything stays as it was.
 */
export async function settleMerge(
  disk: RunningDisk,
  replaced: boolean,
  chain: readonly QemuBlockSource[],
): Promise<void> {
  const { qmp, key } = disk;
  const merge = mergeJob(key);
  const jobs = await qmp.execute<{ id: string; status: string }[]>('query-jobs');
  const job = jobs.find((one) => one.id === merge.job);
  if (job?.status === 'pending' && replaced) await finalize(qmp, merge);
  else if (job) await abandon(qmp, merge);
  await closeUnused(qmp, key);
  for (const [depth, source] of chain.entries()) await follow(disk, depth, source);
}
