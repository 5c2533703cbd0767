/** The tree for the steps of the set-up: leaves alone what the container's owner wants to keep. */
import { posix } from 'node:path';
import { withSection } from './marked-section.ts';
import type { ContainerTree, WriteOptions } from './tree.ts';

export class SetupFiles {
  constructor(
    readonly tree: ContainerTree,
    private readonly log: (line: string) => void,
  ) {}

  /** `/etc/.pve-ignore.hosts` keeps /etc/hosts. */
  isIgnored(path: string): boolean {
    return (
      this.tree.kind(posix.join(posix.dirname(path), `.pve-ignore.${posix.basename(path)}`), false) !==
      undefined
    );
  }

  /** Makes the file have this text. */
  write(path: string, text: string, options: WriteOptions = {}): void {
    if (this.isIgnored(path)) this.log(`'${path}' is left as it is ('.pve-ignore.${posix.basename(path)}')`);
    else this.tree.write(path, text, options);
  }

  /** Changes the text of a file; that of a missing one is empty. */
  edit(path: string, change: (text: string) => string, options: WriteOptions = {}): void {
    if (this.isIgnored(path)) return;
    const before = this.tree.read(path);
    const after = change(before ?? '');
    if (after !== (before ?? '')) this.tree.write(path, after, options);
  }

  /** Sets the section of the product in a file. */
  setSection(path: string, content: string, place: 'top' | 'bottom', options: WriteOptions = {}): void {
    this.edit(path, (text) => withSection(text, content, place), options);
  }

  remove(path: string): void {
    if (!this.isIgnored(path)) this.tree.remove(path);
  }

  has(path: string): boolean {
    return this.tree.kind(path) !== undefined;
  }
}
