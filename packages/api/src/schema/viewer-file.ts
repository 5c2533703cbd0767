/**
 * The file that opens remote-viewer on a guest's screen (virt-viewer's man page remote-viewer, "CONNECTION FILE"): what
 * `POST …/spiceproxy` answers, a line for each value. Browsers save it as .vv.
 */
export function viewerFile(fields: unknown): string {
  const lines = Object.entries((fields ?? {}) as Record<string, unknown>)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
    .map(([key, value]) => `${key}=${String(value).replaceAll('\n', '\\n')}\n`);
  return `[virt-viewer]\n${lines.join('')}`;
}
