/**
 * How changes to the host are taken back. The names stand in node.db beside plain arguments, so that the daemon can
 * undo what a dead worker had begun. Each undo must be safe to run twice and when there is nothing to undo.
 */
import { messageOf } from '@ryokan/api/errors.ts';
import type { NodeDb, UndoRecord } from './node-db.ts';

export type UndoArgs = UndoRecord['args'];
export type Undo = (args: UndoArgs) => Promise<void>;

export class UndoTable {
  private readonly undos = new Map<string, Undo>();

  on(name: string, undo: Undo): void {
    if (this.undos.has(name)) throw new Error(`undo '${name}' is defined twice`);
    this.undos.set(name, undo);
  }

  has(name: string): boolean {
    return this.undos.has(name);
  }

  /** Runs the undos of a task, newest first; one that fails is reported and the others still run. */
  async runAll(db: NodeDb, upid: string, report: (line: string) => void): Promise<void> {
    for (let undo = db.popUndo(upid); undo; undo = db.popUndo(upid)) {
      const what = `${undo.name} ${Object.values(undo.args).join(' ')}`;
      try {
        await this.run(undo);
        report(`taken back: ${what}`);
      } catch (error) {
        report(`could not take back: ${what}: ${messageOf(error)}`);
      }
    }
  }

  /** Runs one undo; rejects when it is unknown or fails. */
  async run(undo: UndoRecord): Promise<void> {
    const act = this.undos.get(undo.name);
    if (!act) throw new Error(`no undo named '${undo.name}'`);
    await act(undo.args);
  }
}

/** The text argument `key` of an undo. */
export function textArg(args: UndoArgs, key: string): string {
  return String(args[key] ?? '');
}
