/** Network files of which each belongs to one card and is ours as a whole. */
import type { SetupFiles } from '../setup-files.ts';
import type { WriteOptions } from '../tree.ts';

/** First line of each: by it we know those of cards that are gone. */
const heading =
  "# Written from the container's configuration at each start. To keep your own: .pve-ignore.<this file>\n";

/** Makes the folder hold these files (name to text) of ours and no others of ours. */
export function writeCardFiles(
  files: SetupFiles,
  folder: string,
  wanted: Readonly<Record<string, string>>,
  options: WriteOptions = {},
): void {
  for (const name of files.tree.list(folder)) {
    const path = `${folder}/${name}`;
    if (!(name in wanted) && files.tree.read(path)?.startsWith(heading)) files.remove(path);
  }
  for (const [name, text] of Object.entries(wanted))
    files.write(`${folder}/${name}`, heading + text, options);
}
