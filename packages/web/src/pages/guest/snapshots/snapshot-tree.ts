/** Snapshots as the rows of a graph, oldest first, with the present state at the end of its line. Pure. */
import type { ResultOf } from '@ryokan/api/method.ts';
import type { qemuSnapshots } from '@ryokan/api/methods/qemu-snapshots.ts';

export type Snapshot = ResultOf<typeof qemuSnapshots>[number];

/** Name of the row that stands for the present state. */
export const currentName = 'current';

export interface SnapshotRow {
  readonly snapshot: Snapshot;
  readonly isCurrent: boolean;
  /** 0 for the line that leads to the present state; side lines stand further right. All lanes left of it go on below. */
  readonly lane: number;
  /** How it hangs on the row it came from: in the same lane, as a branch of the lane to its left, or not at all. */
  readonly link: 'none' | 'straight' | 'branch';
  readonly hasChildren: boolean;
}

/**
 * Depth first; of several children the one that leads to the present state (or the newest) comes last and stays in the
 * lane. Rows of a loop, which only a hand can write, come as roots.
 */
export function snapshotRows(list: readonly Snapshot[]): SnapshotRow[] {
  const byName = new Map(list.map((one) => [one.name, one]));
  const children = childrenOf(list, byName);
  const onWay = wayToCurrent(byName);
  const rows: SnapshotRow[] = [];
  const seen = new Set<string>();
  const visit = (snapshot: Snapshot, lane: number, link: SnapshotRow['link']): void => {
    if (seen.has(snapshot.name)) return;
    seen.add(snapshot.name);
    const below = (children.get(snapshot.name) ?? []).filter((one) => !seen.has(one.name));
    rows.push({
      ...{ snapshot, isCurrent: snapshot.name === currentName, lane, link },
      hasChildren: below.length > 0,
    });
    const main = below.find((one) => onWay.has(one.name)) ?? below.at(-1);
    for (const one of below) if (one !== main) visit(one, lane + 1, 'branch');
    if (main) visit(main, lane, 'straight');
  };
  for (const root of list.filter((one) => !byName.has(one.parent ?? '')).sort(byTime)) visit(root, 0, 'none');
  for (const one of list) visit(one, 0, 'none');
  return rows;
}

function childrenOf(
  list: readonly Snapshot[],
  byName: ReadonlyMap<string, Snapshot>,
): Map<string, Snapshot[]> {
  const children = new Map<string, Snapshot[]>();
  for (const one of [...list].sort(byTime)) {
    if (one.parent === undefined || !byName.has(one.parent)) continue;
    children.set(one.parent, [...(children.get(one.parent) ?? []), one]);
  }
  return children;
}

/** Names from the present state up to its root. */
function wayToCurrent(byName: ReadonlyMap<string, Snapshot>): Set<string> {
  const way = new Set<string>();
  let at: string | undefined = currentName;
  while (at !== undefined && byName.has(at) && !way.has(at)) {
    way.add(at);
    at = byName.get(at)?.parent;
  }
  return way;
}

function byTime(a: Snapshot, b: Snapshot): number {
  const time = (one: Snapshot) => (one.name === currentName ? Number.POSITIVE_INFINITY : (one.snaptime ?? 0));
  return time(a) === time(b) ? a.name.localeCompare(b.name) : time(a) - time(b);
}

export type NameProblem = 'missing' | 'form' | 'taken';

/** What is wrong with the name of a new snapshot. The API takes a letter first, then letters, digits, `_` and `-`; 2 to 40. */
export function nameProblem(name: string, list: readonly Snapshot[]): NameProblem | undefined {
  if (name === '') return 'missing';
  if (!/^[A-Za-z][A-Za-z0-9_-]{1,39}$/.test(name)) return 'form';
  return name === currentName || list.some((one) => one.name === name) ? 'taken' : undefined;
}

/** A name for a snapshot that is taken now: `s-20261121-1240`. */
export function proposedName(now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `s-${day}-${two(now.getHours())}${two(now.getMinutes())}`;
}
