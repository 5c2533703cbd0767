/** What the guest layer needs of the rest; `Services` has it all. */
import type { ConfigStore } from '../cluster/store.ts';
import type { Logger } from '../host/log.ts';
import type { DataPaths } from '../host/paths.ts';
import type { StorageManager } from '../storage/manager.ts';
import type { Locks } from '../tasks/locks.ts';

export interface GuestServices {
  readonly settings: { readonly node: string; readonly port: number };
  readonly paths: DataPaths;
  readonly store: ConfigStore;
  readonly storage: StorageManager;
  readonly locks: Locks;
  readonly log: Logger;
}

/** How a change is logged and can be taken back; a task's context is one. */
export interface ChangeContext {
  log(line: string): void;
  warn(line: string): void;
  undo(name: string, args: Readonly<Record<string, string | number>>): void;
  /** How far it is, 0..1. */
  progress?(fraction: number, note?: string): void;
  /** What was changed so far stands: the undos registered until now are forgotten. */
  keep?(): void;
  readonly signal: AbortSignal;
}
