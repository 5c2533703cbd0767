/** The files of the audit log: `audit-<first seq>.jsonl` in a folder of their own. Reading them, newest record first. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes that are read at a time. */
const chunk = 64 * 1024;

export const fileName = (first: number): string => `audit-${String(first).padStart(12, '0')}.jsonl`;

/** Paths in order, oldest first. */
export async function auditFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => /^audit-\d{12}\.jsonl$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** The lines of a file from its end to its beginning, without line ends. What follows the last line end is left out. */
export async function* linesBackwards(path: string): AsyncGenerator<string> {
  const file = await open(path, 'r');
  try {
    let at = (await file.stat()).size;
    let rest = Buffer.alloc(0);
    let isTail = true;
    while (at > 0) {
      const size = Math.min(chunk, at);
      at -= size;
      const { buffer } = await file.read(Buffer.alloc(size), 0, size, at);
      const bytes = Buffer.concat([buffer, rest]);
      const first = at === 0 ? -1 : bytes.indexOf(10);
      if (at > 0 && first < 0) {
        rest = bytes;
        continue;
      }
      const lines = bytes
        .subarray(first + 1)
        .toString('utf8')
        .split('\n');
      const last = lines.pop() ?? '';
      // A chunk after the first one ends with a whole line.
      if (!isTail && last !== '') lines.push(last);
      isTail = false;
      yield* lines.reverse();
      rest = Buffer.from(bytes.subarray(0, Math.max(first, 0)));
    }
  } finally {
    await file.close();
  }
}
