/** Directories of the API: what stands below a path, taken from the method records, so that none is forgotten. */
import { allMethods, type Method } from '@ryokan/api/method.ts';

/** Rows for each fixed word that follows the method's own path in a record; `key` is the column that holds it. */
export function childrenOf<K extends string>({ path }: Method, key: K): Record<K, string>[] {
  const own = segments(path);
  const names = new Set<string>();
  for (const other of allMethods()) {
    const parts = segments(other.path);
    const next = parts[own.length];
    if (next === undefined || next.startsWith('{')) continue;
    if (own.every((part, i) => parts[i] === part)) names.add(next);
  }
  return [...names].sort().map((name) => ({ [key]: name }) as Record<K, string>);
}

const segments = (path: string): string[] => path.split('/').filter(Boolean);
