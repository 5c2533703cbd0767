/** The resource tree as a flat list of visible rows: what a virtualised list and an ARIA tree both want. */
import { isGuest, labelOf, pathOf, type Resource, tagsOf } from '../api/rows.ts';

export interface TreeRow {
  readonly key: string;
  readonly path: string;
  readonly label: string;
  /** 1 for the datacenter. */
  readonly level: number;
  readonly resource?: Resource;
  readonly expandable: boolean;
  readonly expanded: boolean;
  /** Number of siblings and place among them, from 1. */
  readonly setSize: number;
  readonly position: number;
  /** Key of the row above in the hierarchy; '' for the datacenter. */
  readonly parent: string;
}

export interface TreeOptions {
  readonly rootLabel: string;
  readonly collapsed: ReadonlySet<string>;
  /** Shows only guests, storages and nodes that contain this text, with what stands above them. */
  readonly filter: string;
}

export const rootKey = 'datacenter';
const kindOrder: Readonly<Record<string, number>> = { qemu: 0, lxc: 0, storage: 1 };

/** Nodes by name; below each its guests by VMID, then its storages by name. */
export function treeRows(resources: readonly Resource[], options: TreeOptions): TreeRow[] {
  const filter = options.filter.trim().toLowerCase();
  const children = childrenByNode(resources);
  const nodes = resources.filter((row) => row.type === 'node').sort(byLabel);
  const rows: TreeRow[] = [];
  const shownNodes = nodes
    .map((node) => {
      const below = children.get(node.node ?? '') ?? [];
      const matches = !filter || matchesFilter(node, filter);
      return { node, below: matches ? below : below.filter((row) => matchesFilter(row, filter)), matches };
    })
    .filter(({ below, matches }) => matches || below.length > 0);
  // While filtering, everything found is open to the eye.
  const isOpen = (key: string) => filter !== '' || !options.collapsed.has(key);
  rows.push({
    key: rootKey,
    path: '/datacenter',
    label: options.rootLabel,
    level: 1,
    expandable: shownNodes.length > 0,
    expanded: isOpen(rootKey),
    setSize: 1,
    position: 1,
    parent: '',
  });
  if (!isOpen(rootKey)) return rows;
  shownNodes.forEach(({ node, below }, index) => {
    const expanded = below.length > 0 && isOpen(node.id);
    rows.push({
      ...rowOf(node, 2, rootKey, shownNodes.length, index + 1),
      expandable: below.length > 0,
      expanded,
    });
    if (!expanded) return;
    below.forEach((row, at) => {
      rows.push(rowOf(row, 3, node.id, below.length, at + 1));
    });
  });
  return rows;
}

function rowOf(
  resource: Resource,
  level: number,
  parent: string,
  setSize: number,
  position: number,
): TreeRow {
  return {
    key: resource.id,
    path: pathOf(resource),
    label: labelOf(resource),
    level,
    resource,
    expandable: false,
    expanded: false,
    setSize,
    position,
    parent,
  };
}

function childrenByNode(resources: readonly Resource[]): Map<string, Resource[]> {
  const byNode = new Map<string, Resource[]>();
  for (const row of resources) {
    if (!(isGuest(row) || row.type === 'storage') || row.node === undefined) continue;
    const list = byNode.get(row.node);
    if (list) list.push(row);
    else byNode.set(row.node, [row]);
  }
  for (const list of byNode.values()) list.sort(byKindThenNumber);
  return byNode;
}

function byKindThenNumber(a: Resource, b: Resource): number {
  return (
    (kindOrder[a.type] ?? 2) - (kindOrder[b.type] ?? 2) || (a.vmid ?? 0) - (b.vmid ?? 0) || byLabel(a, b)
  );
}

function byLabel(a: Resource, b: Resource): number {
  const [left, right] = [labelOf(a), labelOf(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

export function matchesFilter(row: Resource, filter: string): boolean {
  return (
    labelOf(row).toLowerCase().includes(filter) ||
    tagsOf(row).some((tag) => tag.toLowerCase().includes(filter))
  );
}

/** Where typing a letter goes: the next row after `from` whose label (or name) starts with `text`, around the end. */
export function typeahead(rows: readonly TreeRow[], from: number, text: string): number {
  const wanted = text.toLowerCase();
  const starts = (row: TreeRow) =>
    row.label.toLowerCase().startsWith(wanted) || (row.resource?.name ?? '').toLowerCase().startsWith(wanted);
  // A growing text may still mean the row it stands on; a first letter means the next one.
  const first = text.length > 1 ? from : from + 1;
  for (let step = 0; step < rows.length; step++) {
    const index = (first + step) % rows.length;
    const row = rows[index];
    if (row && starts(row)) return index;
  }
  return from;
}
