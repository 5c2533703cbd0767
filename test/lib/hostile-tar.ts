/** tar archives with entries that tar itself would not write. */

export interface TarEntry {
  readonly name: string;
  /** ustar's typeflag: 0 file, 1 hard link, 2 symbolic link, 3 and 4 devices, 5 folder, 6 FIFO, x pax header. */
  readonly type?: '0' | '1' | '2' | '3' | '4' | '5' | '6' | 'x';
  readonly content?: string;
  /** Where a link points. */
  readonly target?: string;
  readonly mode?: number;
  readonly uid?: number;
  /** Overrides the length of the content in the header. */
  readonly size?: number;
  /** Major and minor number. */
  readonly device?: readonly [number, number];
}

const block = 512;

/** A header of POSIX.1-1988 (ustar) and the content, in whole blocks. */
export function tarEntry(entry: TarEntry): Buffer {
  const { name, type = '0', content = '', target = '', mode = 0o644, uid = 0, device = [0, 0] } = entry;
  const data = Buffer.from(content);
  const header = Buffer.alloc(block);
  const octal = (value: number, at: number, length: number) =>
    header.write(value.toString(8).padStart(length - 1, '0'), at);
  header.write(name, 0, 100);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(uid, 116, 8);
  octal(entry.size ?? data.length, 124, 12);
  octal(0, 136, 12);
  header.fill(' ', 148, 156);
  header.write(type, 156);
  header.write(target, 157, 100);
  header.write('ustar\x0000', 257, 'latin1');
  octal(device[0], 329, 8);
  octal(device[1], 337, 8);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return Buffer.concat([header, data], block + Math.ceil(data.length / block) * block);
}

/** A whole archive. */
export const tarOf = (entries: readonly TarEntry[]): Buffer =>
  Buffer.concat([...entries.map(tarEntry), Buffer.alloc(2 * block)]);
