/** One text file a task, DATA/log/tasks/<last hex digit of the start time>/<UPID>, appended line by line. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseUpid } from '@ryokan/api/schema/upid.ts';
import { errorCode, readTextIfPresent } from '../host/files.ts';

export function taskLogPath(folder: string, upid: string): string {
  const starttime = parseUpid(upid)?.starttime ?? 0;
  // A UPID may hold a slash only in its id field; a file name cannot.
  return join(folder, (starttime & 15).toString(16).toUpperCase(), upid.replaceAll('/', '%2f'));
}

/** Writes what it can: a full disk must neither fail the task nor keep its undos from running. */
export class TaskLogWriter {
  private readonly path: string;

  constructor(folder: string, upid: string) {
    this.path = taskLogPath(folder, upid);
    this.try(() => {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o750 });
      appendFileSync(this.path, '', { mode: 0o640 });
    });
  }

  line(text: string): void {
    this.try(() => appendFileSync(this.path, `${text.trimEnd()}\n`));
  }

  private try(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!isNoSpace(error)) throw error;
    }
  }
}

const isNoSpace = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errorCode(error));

/** All lines of a log; empty when there is none. */
export function readTaskLog(folder: string, upid: string): string[] {
  const text = readTextIfPresent(taskLogPath(folder, upid));
  if (!text) return [];
  const lines = text.split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  return lines;
}
