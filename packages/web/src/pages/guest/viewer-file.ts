/** Files by which a browser starts a SPICE viewer. Pure. */

/** The text of a file that remote-viewer opens: a section of `key=value` lines (virt-viewer, remote-viewer(1)). */
export function viewerFile(values: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(values).map(
    ([key, value]) => `${key}=${String(value).replaceAll('\n', '\\n')}`,
  );
  return ['[virt-viewer]', ...lines, ''].join('\n');
}

/** Whether the configuration's `vga` has a SPICE display: `qxl`, `qxl2,memory=64`, `type=qxl`. */
export function hasSpice(vga: unknown): boolean {
  return /^(?:type=)?qxl/.test(String(vga ?? ''));
}
