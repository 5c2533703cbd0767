/**
 * The audit log of this node: records are numbered and chained when they come in, and appended to a file in the
 * background, many in one write. So a call never waits for the disk; a killed daemon loses what came in the last
 * moments before (usually nothing, as writes begin at once), and a power cut what came since the last fsync, which
 * follows within a second.
 *
 * The end of the chain is noted in the config store now and then: who cuts records off the end of a file is found out by
 * that, and in a cluster the note stands on the other nodes too.
 */
import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConfigStore, update } from '../../cluster/store.ts';
import { ensureDir } from '../../host/files.ts';
import type { Logger } from '../../host/log.ts';
import { auditFiles, fileName, linesBackwards } from './audit-files.ts';
import {
  type AuditEvent,
  appendToChain,
  type ChainEnd,
  chainBegin,
  fileHead,
  readFileHead,
  readRecord,
} from './audit-record.ts';

export interface AuditLogOptions {
  readonly folder: string;
  readonly store: ConfigStore;
  readonly node: string;
  readonly log: Logger;
  /** Bytes after which a new file begins; default 8 MiB. */
  readonly maxFile?: number;
}

/** Files that are kept; the oldest goes. With 8 MiB each that is 512 MiB, some two million calls. */
const maxFiles = 64;
/** Records that wait for a disk that takes none; more are counted, not kept. */
const maxWaiting = 10_000;
/** Milliseconds. */
const syncWithin = 1000;
const retryAfter = 5000;
const noteEvery = 10 * 60_000;

export const chainNotePath = (node: string): string => `nodes/${node}/audit`;

export class AuditLog {
  private file: FileHandle | undefined;
  private size = 0;
  private end: ChainEnd = chainBegin;
  /** Lines not yet in the file, and the chain's end before each file's first. */
  private waiting: { readonly line: string; readonly before: ChainEnd }[] = [];
  private lost = 0;
  private work: Promise<void> | undefined;
  private syncTimer: NodeJS.Timeout | undefined;
  private noted = 0;
  private closed = false;
  private readonly maxFile: number;

  private constructor(private readonly options: AuditLogOptions) {
    this.maxFile = options.maxFile ?? 8 * 1024 * 1024;
  }

  /** Opens the log where it ended. What a power cut left of a last line is cut off, and said so in the log itself. */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const log = new AuditLog(options);
    await ensureDir(options.folder, { mode: 0o700 });
    await log.find();
    await log.compareWithNote();
    return log;
  }

  get folder(): string {
    return this.options.folder;
  }

  add(event: AuditEvent): void {
    if (this.closed) return;
    if (this.waiting.length >= maxWaiting) {
      this.lost++;
      return;
    }
    const before = this.end;
    const { line, end } = appendToChain(before, event, Date.now());
    this.end = end;
    this.waiting.push({ line, before });
    this.work ??= this.write();
  }

  /** Resolves when all that came in stands in the file, on disk. */
  async flush(): Promise<void> {
    while (this.work) await this.work;
    await this.file?.datasync();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.syncTimer);
    await this.flush().catch(() => {});
    await this.note().catch(() => {});
    await this.file?.close();
    this.file = undefined;
  }

  private async write(): Promise<void> {
    try {
      while (this.waiting.length > 0) {
        const batch = this.waiting.slice(0, 500);
        await this.append(batch);
        this.waiting.splice(0, batch.length);
        this.syncSoon();
        this.sayLost();
      }
    } catch (error) {
      this.options.log.error({ err: error }, 'the audit log could not be written; trying again');
      setTimeout(() => {
        this.work ??= this.write();
      }, retryAfter).unref();
    } finally {
      this.work = undefined;
    }
  }

  private async append(batch: readonly { line: string; before: ChainEnd }[]): Promise<void> {
    const [first] = batch;
    if (!first) return;
    if (!this.file || this.size >= this.maxFile) await this.beginFile(first.before);
    const bytes = Buffer.from(batch.map(({ line }) => line).join(''));
    try {
      await this.file?.appendFile(bytes);
      this.size += bytes.length;
    } catch (error) {
      // A disk that was full may have taken a part.
      await this.file?.truncate(this.size).catch(() => {});
      throw error;
    }
  }

  private async beginFile(before: ChainEnd): Promise<void> {
    await this.file?.datasync();
    await this.file?.close();
    this.file = undefined;
    const path = join(this.options.folder, fileName(before.seq + 1));
    const head = Buffer.from(fileHead(before));
    const file = await open(path, 'wx', 0o600);
    try {
      await file.appendFile(head);
    } catch (error) {
      await file.close();
      await unlink(path).catch(() => {});
      throw error;
    }
    this.file = file;
    this.size = head.length;
    const old = (await auditFiles(this.options.folder)).slice(0, -maxFiles);
    for (const one of old) await unlink(one);
    await this.note().catch(() => {});
  }

  private syncSoon(): void {
    this.syncTimer ??= setTimeout(() => {
      this.syncTimer = undefined;
      this.file
        ?.datasync()
        .catch((error: unknown) => this.options.log.error({ err: error }, 'audit log: fsync'));
      if (Date.now() - this.noted > noteEvery) this.note().catch(() => {});
    }, syncWithin);
  }

  private sayLost(): void {
    if (this.lost === 0 || this.waiting.length >= maxWaiting / 2) return;
    const reason = `${this.lost} records were lost: the disk could not take them`;
    this.lost = 0;
    this.add({ ...ownEvent, result: 'failed', reason });
  }

  private async note(): Promise<void> {
    const { store, node } = this.options;
    const { seq, hash } = this.end;
    if (seq === 0) return;
    this.noted = Date.now();
    await update(store, chainNotePath(node), () => `${JSON.stringify({ seq, hash })}\n`, {
      author: 'audit log',
    });
  }

  /** A log that ends before the note of its end was cut off: numbers go on behind what is missing, and the log says so. */
  private async compareWithNote(): Promise<void> {
    const noted = readChainNote(this.options.store, this.options.node);
    const { seq } = this.end;
    if (!noted || noted.seq <= seq) return;
    this.options.log.error({ ends: seq, noted: noted.seq }, 'the end of the audit log was cut off');
    await this.file?.close();
    this.file = undefined;
    this.end = noted;
    const reason = `the log ended with record ${seq}, and record ${noted.seq} was there once: its end was cut off`;
    this.add({ ...ownEvent, operation: gapOperation, result: 'failed', reason });
  }

  private async find(): Promise<void> {
    const path = (await auditFiles(this.options.folder)).at(-1);
    if (path === undefined) return;
    const torn = await this.cutTornLine(path);
    for await (const line of linesBackwards(path)) {
      const record = readRecord(line);
      const end = record ? { seq: record.seq, hash: record.hash } : readFileHead(line);
      if (!end) break;
      this.end = end;
      this.file = await open(path, 'a', 0o600);
      this.size = (await this.file.stat()).size;
      if (torn > 0)
        this.add({
          ...ownEvent,
          result: 'failed',
          reason: `a record of ${torn} bytes was broken off, by a power cut for one`,
        });
      return;
    }
    // The end cannot be read: the file stays as it is for whoever looks into it, and a new chain begins.
    await rename(path, `${path}.damaged`);
    this.options.log.error(
      { path: `${path}.damaged` },
      'the audit log is damaged at its end; a new chain begins',
    );
    // Numbers go on well behind all that the file can have held.
    this.end = { seq: Number(/(\d{12})/.exec(path)?.[1] ?? 0) - 1 + 1_000_000, hash: chainBegin.hash };
    this.add({
      ...ownEvent,
      result: 'failed',
      reason: 'the file before was damaged at its end; a new chain begins',
    });
  }

  /** Bytes that were cut off. */
  private async cutTornLine(path: string): Promise<number> {
    const { size } = await stat(path);
    const file = await open(path, 'r+');
    try {
      const length = Math.min(size, 1024 * 1024);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      const torn = length - 1 - buffer.lastIndexOf(10);
      if (torn > 0) await file.truncate(size - torn);
      return torn;
    } finally {
      await file.close();
    }
  }
}

/** Where the chain ended when it was last noted. */
export function readChainNote(store: ConfigStore, node: string): ChainEnd | undefined {
  try {
    const { seq, hash } = JSON.parse(store.get(chainNotePath(node))?.text ?? '') as Partial<ChainEnd>;
    return typeof seq === 'number' && typeof hash === 'string' ? { seq, hash } : undefined;
  } catch {
    return undefined;
  }
}

/** Marks the records by which the log says that others are missing. */
export const gapOperation = 'audit.gap';

/** What the log says of itself. */
const ownEvent = { user: '', from: 'local', method: 'LOG', path: '/cluster/audit' } as const;
