/** Is something mounted here? Read from /proc/self/mountinfo, which also knows bind mounts (proc(5)). */
import { readFile, realpath } from 'node:fs/promises';

export async function isMountPoint(path: string): Promise<boolean> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return false;
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table.split('\n').some((line) => unescapeField(line.split(' ')[4] ?? '') === real);
}

/** Blanks, tabs, line ends and backslashes stand as octal escapes. */
function unescapeField(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
