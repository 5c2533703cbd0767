/** What is mounted where, from mountinfo (proc(5)), which also knows bind mounts. */
import { readFile } from 'node:fs/promises';

export interface Mount {
  /** The part of the file system that shows here: `/`, or a folder or subvolume of it. */
  readonly root: string;
  /** Where it is mounted. */
  readonly point: string;
}

/** Mounts as a process sees them, in the order in which they were made. */
export async function readMounts(process: number | 'self' = 'self'): Promise<Mount[]> {
  const table = await readFile(`/proc/${process}/mountinfo`, 'utf8');
  return table.split('\n').flatMap((line) => {
    const [, , , root, point] = line.split(' ');
    return root === undefined || point === undefined
      ? []
      : [{ root: unescapeField(root), point: unescapeField(point) }];
  });
}

/** Blanks, tabs, line ends and backslashes stand as octal escapes. */
function unescapeField(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
