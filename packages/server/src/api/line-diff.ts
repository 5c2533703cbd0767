/** What differs between two texts, by lines: enough to show a change of a configuration document. */

/** Texts with more differing lines than this on both sides are compared as sets. */
const exactLimit = 500;

/** Lines that only `before` has, each after `-`, and lines that only `after` has, each after `+`, in order of place. */
export function changedLines(before: string, after: string): string[] {
  const [old, now] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (
    end < old.length - start &&
    end < now.length - start &&
    old[old.length - 1 - end] === now[now.length - 1 - end]
  )
    end++;
  const [gone, come] = [old.slice(start, old.length - end), now.slice(start, now.length - end)];
  return gone.length * come.length > exactLimit ** 2 ? asSets(gone, come) : exact(gone, come);
}

const linesOf = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

function asSets(gone: readonly string[], come: readonly string[]): string[] {
  const [had, has] = [new Set(gone), new Set(come)];
  return [
    ...gone.filter((line) => !has.has(line)).map((line) => `-${line}`),
    ...come.filter((line) => !had.has(line)).map((line) => `+${line}`),
  ];
}

/** By the longest common subsequence. `common[i][j]`: its length for what follows line i of `gone` and j of `come`. */
function exact(gone: readonly string[], come: readonly string[]): string[] {
  const common = Array.from({ length: gone.length + 1 }, () => new Uint32Array(come.length + 1));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = gone.length - 1; i >= 0; i--) {
    const row = common[i] as Uint32Array;
    for (let j = come.length - 1; j >= 0; j--)
      row[j] = gone[i] === come[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < gone.length || j < come.length) {
    if (i < gone.length && j < come.length && gone[i] === come[j]) {
      i++;
      j++;
    } else if (i < gone.length && at(i + 1, j) >= at(i, j + 1)) lines.push(`-${gone[i++]}`);
    else if (j < come.length) lines.push(`+${come[j++]}`);
    else lines.push(`-${gone[i++]}`);
  }
  return lines;
}
