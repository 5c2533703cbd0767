/**
 * How processes that have the same SQLite database open learn of each other's commits: inotify on the write-ahead
 * log, whose times every committer touches when its commit can be read.
 */
import { type FSWatcher, utimesSync, watch } from 'node:fs';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';

/**
 * Milliseconds after which to look again when the log was written and nothing new could be read: the log is written
 * before the commit shows, and its writer may have died, or been stopped, before it touched the file.
 */
const laterLooks = [5, 25, 100, 500, 2000];

export class WalSignal {
  readonly #file: string;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `database`: the database's file. Its log exists as long as any connection to it is open. */
  constructor(database: string) {
    this.#file = `${database}-wal`;
  }

  /** Tells other processes that there is something new to read. */
  send(): void {
    const now = new Date();
    try {
      utimesSync(this.#file, now, now);
    } catch {
      // The commit stands, whatever the file's times; watching processes look again a little later by themselves.
    }
  }

  /**
   * Calls `look` whenever there may be something new; it returns whether there was. Keeps no process alive. Throws
   * RyokanError when the system has no inotify watch left.
   */
  start(look: () => boolean): void {
    if (this.#watcher) return;
    try {
      this.#watcher = watch(this.#file, { persistent: false }, () => this.#look(look, 0));
    } catch (cause) {
      throw new RyokanError(
        'failed',
        `Cannot watch '${this.#file}' (${messageOf(cause)}). If the limit of inotify watches is reached, raise fs.inotify.max_user_watches or max_user_instances`,
        { context: { file: this.#file }, cause },
      );
    }
  }

  stop(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    clearTimeout(this.#timer);
  }

  #look(look: () => boolean, attempt: number): void {
    if (!this.#watcher) return;
    clearTimeout(this.#timer);
    const found = look();
    const delay = laterLooks[attempt];
    if (found || delay === undefined || !this.#watcher) return;
    this.#timer = setTimeout(() => this.#look(look, attempt + 1), delay).unref();
  }
}
