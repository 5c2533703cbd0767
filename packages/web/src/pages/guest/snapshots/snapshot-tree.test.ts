import { describe, expect, it } from 'vitest';
import { nameProblem, proposedName, type Snapshot, snapshotRows } from './snapshot-tree.ts';

const snapshot = (name: string, parent?: string, snaptime = 0): Snapshot => ({
  name,
  description: '',
  snaptime,
  ...(parent ? { parent } : {}),
});
const current = (parent?: string) => snapshot('current', parent);
const drawn = (list: readonly Snapshot[]) =>
  snapshotRows(list).map((row) => `${row.lane}${row.link[0]} ${row.snapshot.name}`);

describe('snapshotRows', () => {
  it('is one line for a chain, the present state at its end', () => {
    const list = [current('c'), snapshot('c', 'b', 3), snapshot('a', undefined, 1), snapshot('b', 'a', 2)];
    expect(drawn(list)).toEqual(['0n a', '0s b', '0s c', '0s current']);
    expect(snapshotRows(list).map((row) => row.hasChildren)).toEqual([true, true, true, false]);
  });
  it('keeps the line of the present state straight, whatever is newer beside it', () => {
    expect(
      drawn([
        snapshot('a', undefined, 1),
        snapshot('old', 'a', 2),
        snapshot('new', 'a', 9),
        snapshot('newer', 'new', 10),
        current('old'),
      ]),
    ).toEqual(['0n a', '1b new', '1s newer', '0s old', '0s current']);
  });
  it('shows snapshots of a missing parent and of a loop, each once', () => {
    const list = [snapshot('orphan', 'gone', 1), snapshot('x', 'y', 2), snapshot('y', 'x', 3), current()];
    expect(
      snapshotRows(list)
        .map((row) => row.snapshot.name)
        .sort(),
    ).toEqual(['current', 'orphan', 'x', 'y']);
  });
});

describe('names', () => {
  it('are refused before the server does', () => {
    const list = [snapshot('before-update')];
    expect(nameProblem('', list)).toBe('missing');
    expect(nameProblem('1st', list)).toBe('form');
    expect(nameProblem('a', list)).toBe('form');
    expect(nameProblem('mit Leerzeichen', list)).toBe('form');
    expect(nameProblem('before-update', list)).toBe('taken');
    expect(nameProblem('current', list)).toBe('taken');
    expect(nameProblem('before-update-2', list)).toBeUndefined();
  });
  it('are proposed by date and are good', () => {
    const name = proposedName(new Date(2026, 10, 2, 3, 4));
    expect(name).toBe('s-20261102-0304');
    expect(nameProblem(name, [])).toBeUndefined();
  });
});
