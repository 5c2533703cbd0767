/**
 * A container's tree as its own root sees it: every path begins there and every symbolic link is resolved there, as
 * openat2(2) does with RESOLVE_IN_ROOT, which Node.js does not have. The tree belongs to whoever is root in the
 * container, who may have put links, devices or pipes anywhere in it. So each step opens one name in a folder that is
 * open already (`/proc/self/fd/N/name`) and never follows a link by itself; nothing here can reach anything outside.
 * Only for containers that are not running. Reasons in docs/decisions/0012-container-trees.md.
 *
 * Calls are synchronous: a task writes a few small files on a disk that it has just mounted.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import { errorCode } from '../../../host/files.ts';
import { hostId, type IdRange } from '../../../host/user-namespace.ts';

/** Linux's O_PATH, which Node.js does not name: a file is only pointed at, so that pipes and devices do nothing. */
const pathOnly = 0o10000000;
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_DIRECTORY } = constants;

/** As many links in one path as the kernel follows. */
const mostLinks = 40;

/** Longest file that is read (bytes): what is edited here is written by people. */
const longestFile = 1024 * 1024;

export type EntryKind = 'file' | 'folder' | 'link' | 'other';

export interface WriteOptions {
  /** Permission bits of a new file; default 0644. An existing one keeps its own. */
  readonly mode?: number;
  /** A link at that place is replaced instead of followed. */
  readonly replaceLink?: boolean;
}

/** Where a path ends: an open folder and a name in it. The folder is to be closed. */
interface Place {
  readonly folder: number;
  readonly name: string;
}

export class ContainerTree {
  private readonly owner: number;

  constructor(
    private readonly root: string,
    ids: readonly IdRange[],
  ) {
    const owner = hostId(ids, 0);
    if (owner === undefined)
      throw new RyokanError('parameter', "the id map has no place for the container's root");
    this.owner = owner;
  }

  /** What stands at the path, links followed; undefined for nothing. */
  kind(path: string, follow = true): EntryKind | undefined {
    return this.at(path, { follow }, ({ folder, name }) => kindOf(statIn(folder, name)));
  }

  /** The text of a file; undefined when there is none, or it is no file. Throws when it is far too long. */
  read(path: string): string | undefined {
    return this.at(path, { follow: true }, ({ folder, name }) => {
      const pointed = openIn(folder, name);
      if (pointed === undefined) return undefined;
      try {
        const stats = fstatSync(pointed);
        if (!stats.isFile()) return undefined;
        if (stats.size > longestFile) throw problem(path, 'is too long to be edited');
        // Known to be a file now: opening it again has no effect beyond reading.
        return readFileSync(`/proc/self/fd/${pointed}`, 'utf8');
      } finally {
        closeSync(pointed);
      }
    });
  }

  /** The first `length` bytes of a file; undefined when there is none. */
  readStart(path: string, length: number): Buffer | undefined {
    return this.at(path, { follow: true }, ({ folder, name }) => {
      const pointed = openIn(folder, name);
      if (pointed === undefined) return undefined;
      try {
        return fstatSync(pointed).isFile() ? readStart(`/proc/self/fd/${pointed}`, length) : undefined;
      } finally {
        closeSync(pointed);
      }
    });
  }

  /** Names in a folder; none when it is not there. */
  list(path: string): string[] {
    return (
      this.at(path, { follow: true }, ({ folder, name }) => {
        const opened = openIn(folder, name);
        if (opened === undefined) return undefined;
        try {
          return fstatSync(opened).isDirectory() ? readdirSync(`/proc/self/fd/${opened}`) : undefined;
        } finally {
          closeSync(opened);
        }
      }) ?? []
    );
  }

  /** Where a link points; undefined for what is no link. */
  readLink(path: string): string | undefined {
    return this.at(path, { follow: false }, ({ folder, name }) =>
      kindOf(statIn(folder, name)) === 'link' ? readlinkSync(inFolder(folder, name)) : undefined,
    );
  }

  /**
   * Makes the file have this text; true when it had another. Folders on the way are made. The old or the new text is
   * there at any time, and a changed file keeps its owner and mode.
   */
  write(path: string, text: string, { mode = 0o644, replaceLink = false }: WriteOptions = {}): boolean {
    if (!(replaceLink && this.kind(path, false) === 'link') && this.read(path) === text) return false;
    this.at(path, { follow: !replaceLink, make: true }, ({ folder, name }) => {
      const found = statIn(folder, name);
      if (found?.isDirectory()) throw problem(path, 'is a folder');
      const before = found?.isFile() ? found : undefined;
      const temporary = `.ryokan-${randomBytes(8).toString('hex')}`;
      try {
        const file = openSync(inFolder(folder, temporary), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
        try {
          writeFileSync(file, text);
          fchownSync(file, before?.uid ?? this.owner, before?.gid ?? this.owner);
          fchmodSync(file, before ? before.mode & 0o777 : mode);
        } finally {
          closeSync(file);
        }
        renameSync(inFolder(folder, temporary), inFolder(folder, name));
      } catch (error) {
        rmSync(inFolder(folder, temporary), { force: true });
        throw error;
      }
    });
    return true;
  }

  /** Makes the folder and those on the way, `mode` for the last one if it is new. */
  makeFolder(path: string, mode = 0o755): void {
    if (this.kind(path) === 'folder') return;
    this.at(path, { follow: true, make: true }, ({ folder, name }) => this.addFolder(folder, name, mode));
  }

  /**
   * Makes the folder unless it is there; its path on the node, without links. That holds as long as nobody works in the
   * tree.
   */
  folderOnNode(path: string): string {
    const kind = this.kind(path);
    if (kind !== undefined && kind !== 'folder') throw problem(path, 'is no folder');
    this.makeFolder(path);
    const found = this.at(path, { follow: true }, ({ folder, name }) => {
      const opened = openIn(folder, name);
      if (opened === undefined) return undefined;
      try {
        return readlinkSync(`/proc/self/fd/${opened}`);
      } finally {
        closeSync(opened);
      }
    });
    if (found === undefined) throw problem(path, 'is gone');
    return found;
  }

  /** Makes a link at this place, whatever other link or file stands there. `target` is kept as it is. */
  link(path: string, target: string): void {
    if (this.readLink(path) === target) return;
    this.at(path, { follow: false, make: true }, ({ folder, name }) => {
      if (statIn(folder, name)?.isDirectory()) throw problem(path, 'is a folder');
      rmSync(inFolder(folder, name), { force: true });
      symlinkSync(target, inFolder(folder, name));
      lchownSync(inFolder(folder, name), this.owner, this.owner);
    });
  }

  /** Removes a file or a link (not what it points to). Nothing happens when there is none. */
  remove(path: string): void {
    this.at(path, { follow: false }, ({ folder, name }) => {
      const found = statIn(folder, name);
      if (found && !found.isDirectory()) unlinkSync(inFolder(folder, name));
    });
  }

  /**
   * Walks to the path and does `work` at its place; undefined when a folder on the way is missing. With `make` they
   * are made; with `follow` a link at the end is followed as well.
   */
  private at<T>(
    path: string,
    { follow, make = false }: { follow: boolean; make?: boolean },
    work: (place: Place) => T,
  ): T | undefined {
    const walk = new Walk(path, this.root);
    try {
      while (true) {
        const name = walk.next();
        if (name === undefined) return work({ folder: walk.folder, name: '.' });
        const found = statIn(walk.folder, name);
        if (found?.isSymbolicLink() && (follow || !walk.atEnd))
          walk.follow(readlinkSync(inFolder(walk.folder, name)));
        else if (walk.atEnd) return work({ folder: walk.folder, name });
        else if (found?.isDirectory()) walk.enter(name);
        else if (found) throw problem(path, 'stands in something that is no folder');
        else if (make) {
          this.addFolder(walk.folder, name, 0o755);
          walk.enter(name);
        } else return undefined;
      }
    } finally {
      walk.close();
    }
  }

  private addFolder(folder: number, name: string, mode: number): void {
    mkdirSync(inFolder(folder, name), { mode });
    const made = openSync(inFolder(folder, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      fchmodSync(made, mode);
      fchownSync(made, this.owner, this.owner);
    } finally {
      closeSync(made);
    }
  }
}

/** The way through a path: the folders gone through, all open, and what is left of the path. */
class Walk {
  private readonly folders: number[];
  private rest: string[];
  private links = 0;

  constructor(
    private readonly path: string,
    root: string,
  ) {
    this.rest = parts(path);
    this.folders = [openSync(root, O_RDONLY | O_DIRECTORY)];
  }

  get folder(): number {
    return this.folders.at(-1) ?? -1;
  }

  /** Is the name that `next` gave the last one? */
  get atEnd(): boolean {
    return this.rest.length === 0;
  }

  /** The next name to look at; `..` goes back by our own list of folders and never past the root. */
  next(): string | undefined {
    for (let name = this.rest.shift(); name !== undefined; name = this.rest.shift()) {
      if (name !== '..') return name;
      if (this.folders.length > 1) closeSync(this.folders.pop() ?? -1);
    }
    return undefined;
  }

  enter(name: string): void {
    this.folders.push(openSync(inFolder(this.folder, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  }

  follow(target: string): void {
    if (++this.links > mostLinks) throw problem(this.path, 'goes through too many links');
    if (target.startsWith('/')) for (const one of this.folders.splice(1)) closeSync(one);
    this.rest = [...parts(target), ...this.rest];
  }

  close(): void {
    for (const one of this.folders) closeSync(one);
  }
}

const parts = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

const inFolder = (folder: number, name: string): string => `/proc/self/fd/${folder}/${name}`;

/** Points at a name without following or opening it; undefined when there is none. */
function openIn(folder: number, name: string): number | undefined {
  try {
    return openSync(inFolder(folder, name), pathOnly | O_NOFOLLOW);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function statIn(folder: number, name: string): Stats | undefined {
  const pointed = openIn(folder, name);
  if (pointed === undefined) return undefined;
  try {
    return fstatSync(pointed);
  } finally {
    closeSync(pointed);
  }
}

function kindOf(stats: Stats | undefined): EntryKind | undefined {
  if (!stats) return undefined;
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

function readStart(path: string, length: number): Buffer {
  const file = openSync(path, O_RDONLY);
  try {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(file, buffer, 0, length, 0));
  } finally {
    closeSync(file);
  }
}

function problem(path: string, what: string): RyokanError {
  return new RyokanError('failed', `'${path}' in the container ${what}`);
}
