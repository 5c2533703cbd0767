/** Why QEMU did not start, in the terms of the configuration, and what to do. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { DataPaths } from '../../host/paths.ts';
import { commandLine } from '../../host/procfs.ts';
import { findUser, guestUser } from '../../host/users.ts';
import { lastWords } from './process.ts';
import { qemuRunPaths } from './run-paths.ts';

/** The drive that a line of QEMU's is about. */
interface Subject {
  /** `scsi0: `, or nothing when the line does not say. */
  readonly key: string;
  /** The image, as QEMU opens it. */
  readonly path: string;
}

interface Explanation {
  readonly sign: RegExp;
  readonly text: (subject: Subject, match: RegExpExecArray) => string;
}

const explanations: readonly Explanation[] = [
  {
    sign: /Failed to get (?:shared )?"[\w ]+" lock/,
    text: ({ key, path }) =>
      `${key}the image '${path}' is in use by ${users(path)}: wait until that has ended, or end it`,
  },
  {
    sign: /Could not open '(.+?)': Permission denied/,
    text: ({ key }, [, path = '']) =>
      `${key}QEMU may not open '${path}'${ownerOf(path)}: give it to the user of the guests (chown ${guestUser} '${path}')`,
  },
  {
    sign: /Could not open '(.+?)': No such file or directory/,
    text: ({ key }, [, path = '']) =>
      `${key}'${path}' is missing: put it back, or take the drive out of the configuration`,
  },
  {
    sign: /Could not open '(.+?)': Read-only file system/,
    text: ({ key }, [, path = '']) =>
      `${key}'${path}' lies on a file system that is read-only: look at the node's kernel log why, and mend it`,
  },
  {
    sign: /Image is not in (\w+) format/,
    text: ({ key, path }, [, format]) =>
      `${key}'${path}' is no ${format} image: it is damaged, or its name is wrong about its format. 'qemu-img info' tells; restore it from a backup`,
  },
  {
    sign: /Image is corrupt|is marked corrupt/,
    text: ({ key, path }) =>
      `${key}the image '${path}' is damaged: make a copy of it, then 'qemu-img check -r all' may repair it; or restore it from a backup`,
  },
];

/** What QEMU's log says behind byte `from`: known problems with their remedy, else its last lines; '' for nothing. */
export function startFailure(paths: DataPaths, vmid: number, from: number): string {
  const words = lastWords(paths, vmid, from);
  for (const line of linesOf(paths, vmid, from)) {
    for (const { sign, text } of explanations) {
      const match = sign.exec(line);
      if (match) return `${text(subjectOf(line), match)} (${words})`;
    }
  }
  return words;
}

function linesOf(paths: DataPaths, vmid: number, from: number): string[] {
  try {
    return readFileSync(qemuRunPaths(paths, vmid).log).toString('utf8', from).split('\n');
  } catch {
    return [];
  }
}

/** `-blockdev {"node-name":"drive-scsi0",…,"filename":"/…"}: …` */
export function subjectOf(line: string): Subject {
  const key = /"node-name":"(?:drive|format|file)-([a-z]+\d+)/.exec(line)?.[1];
  const path = /"filename":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  return {
    key: key === undefined ? '' : `${key}: `,
    path: path === undefined ? '' : JSON.parse(`"${path}"`),
  };
}

/** The processes that have a file open. */
function users(path: string): string {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && hasOpen(name, path))
    .map((pid) => `process ${pid} (${commandLine(Number(pid)).join(' ').slice(0, 80)})`);
  return found.length > 0 ? found.join(', ') : 'another process, perhaps on another node';
}

function hasOpen(pid: string, path: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === path);
  } catch {
    // It ended in between, or closed a file.
    return false;
  }
}

function ownerOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats || stats.uid === findUser(guestUser)?.uid) return ' or the folders above it';
  return `, which belongs to uid ${stats.uid} (mode ${(stats.mode & 0o777).toString(8)})`;
}
