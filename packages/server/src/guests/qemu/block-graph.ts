/**
 * The block nodes of a running guest's drives. A drive's filter is `drive-<key>` when QEMU starts and gets a number when
 * the disk moves; the image below gets another node when a snapshot puts a layer on top: so both names are asked.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { QmpClient } from './qmp-client.ts';

/** A node and what it rests on. */
export interface BlockNode {
  readonly name: string;
  /** The node below: the image below a filter, the file below an image. */
  readonly file?: BlockNode;
  /** The image that holds what this one has not written itself. */
  readonly backing?: BlockNode;
}

/** As query-blockstats reports it; `parent` is its word for the node below. */
interface BlockStats {
  readonly 'node-name'?: string;
  readonly parent?: BlockStats;
  readonly backing?: BlockStats;
}

/** The nodes of a drive from `drive-<key>` down; undefined when the guest has no such drive, or no disc in it. */
export async function driveGraph(qmp: QmpClient, key: string): Promise<BlockNode | undefined> {
  const drives = await qmp.execute<BlockStats[]>('query-blockstats');
  const found = drives.find((drive) => isDriveNode(drive['node-name'], key));
  return found && graphOf(found);
}

/**
 * Removes the block nodes of a drive whose device is gone. What a move or a snapshot has put below the filter is a node
 * of its own, which would stay when the filter goes, and keep its image open.
 */
export async function removeDriveNodes(qmp: QmpClient, key: string): Promise<void> {
  const nodes = await qmp.execute<BlockStats[]>('query-blockstats', { 'query-nodes': true });
  const root = nodes.find((node) => isDriveNode(node['node-name'], key));
  if (root) await removeNodes(qmp, namesFrom(graphOf(root)));
}

/** Removes those of the nodes that are still there, each before what it rests on. */
export async function removeNodes(qmp: QmpClient, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if ((await nodeNames(qmp)).has(name)) await qmp.execute('blockdev-del', { 'node-name': name });
  }
}

/** A node and all below it, from the top down. */
export function namesFrom(node: BlockNode): string[] {
  const below = [node.file, node.backing].filter((one) => one !== undefined);
  // Names that QEMU made up begin with '#': such nodes go with the one above.
  return [node.name, ...below.flatMap(namesFrom)].filter((name) => /^[^#]/.test(name));
}

async function nodeNames(qmp: QmpClient): Promise<Set<string>> {
  const nodes = await qmp.execute<{ 'node-name': string }[]>('query-named-block-nodes', { flat: true });
  return new Set(nodes.map((node) => node['node-name']));
}

/** A disc that was exchanged has a number behind the name: drive-ide2-2. */
const isDriveNode = (name: string | undefined, key: string): boolean =>
  name !== undefined && (name === `drive-${key}` || name.startsWith(`drive-${key}-`));

function graphOf(stats: BlockStats): BlockNode {
  return {
    name: stats['node-name'] ?? '',
    ...(stats.parent ? { file: graphOf(stats.parent) } : {}),
    ...(stats.backing ? { backing: graphOf(stats.backing) } : {}),
  };
}

/** The image of a disk: what block jobs and snapshots work on. Rejects with 'state' when QEMU has no such disk. */
export async function imageNode(qmp: QmpClient, key: string): Promise<BlockNode> {
  const image = (await driveGraph(qmp, key))?.file;
  if (!image) throw noSuchDisk(key);
  return image;
}

/** The filter that the device of a disk rests on. Rejects with 'state' when QEMU has no such disk. */
export async function rootNode(qmp: QmpClient, key: string): Promise<string> {
  const root = await driveGraph(qmp, key);
  if (root) return root.name;
  throw noSuchDisk(key);
}

const noSuchDisk = (key: string) =>
  new RyokanError(
    'state',
    `the running guest has no disk '${key}'; was it added while it ran and waits for the next start?`,
  );

/** The group of limits that a filter names: `throttle-scsi0-2` of `drive-scsi0-2`. See throttle-group.ts. */
export const throttleGroupOf = (root: string): string => root.replace(/^drive-/, 'throttle-');

/** Names of the nodes of a drive, from the top down. */
export interface NodeNames {
  readonly root: string;
  readonly format: string;
  readonly file: string;
}

/** Names for another image of a drive that no node has yet: `drive-scsi0-2`, `format-scsi0-2`, `file-scsi0-2`. */
export async function freshNodeNames(qmp: QmpClient, key: string): Promise<NodeNames> {
  const taken = await nodeNames(qmp);
  for (let number = 2; ; number++) {
    const names = {
      root: `drive-${key}-${number}`,
      format: `format-${key}-${number}`,
      file: `file-${key}-${number}`,
    };
    if (!Object.values(names).some((name) => taken.has(name))) return names;
  }
}
