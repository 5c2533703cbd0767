/**
 * Trying a change without making it: work done in a rehearsal sees its own writes to the configuration store, and nobody
 * else ever does. What it would do beside the store it only tells, see `rehearsed`.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Change, CommitOptions, Condition, ConfigStore, Doc, HistoryEntry, Write } from './store.ts';
import { ConflictError } from './store.ts';
import { checkTransaction } from './transaction.ts';

/** A document as a rehearsal left it; null: not there. */
export interface DocumentChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

export interface Rehearsed {
  readonly changes: readonly DocumentChange[];
  /** What would be done beside the store, a sentence each. */
  readonly effects: readonly string[];
}

/** Revisions of rehearsed documents: none that a store gives. */
const firstRevision = 2 ** 52;

class Stage {
  readonly docs = new Map<string, Doc | null>();
  readonly effects: string[] = [];
  #revision = firstRevision;

  commit(store: ConfigStore, conditions: readonly Condition[], writes: readonly Write[]): number {
    checkTransaction(conditions, writes);
    for (const { path, revision } of conditions) {
      if ((this.get(store, path)?.revision ?? 0) !== revision) throw new ConflictError(path);
    }
    const revision = this.#revision++;
    for (const { path, text } of writes) this.docs.set(path, text === null ? null : { path, text, revision });
    return revision;
  }

  get(store: ConfigStore, path: string): Doc | undefined {
    const staged = this.docs.get(path);
    return staged === undefined ? store.get(path) : (staged ?? undefined);
  }

  list(store: ConfigStore, prefix: string): Doc[] {
    const docs = new Map(store.list(prefix).map((doc) => [doc.path, doc]));
    for (const [path, doc] of this.docs) {
      if (!path.startsWith(prefix)) continue;
      if (doc) docs.set(path, doc);
      else docs.delete(path);
    }
    return [...docs.values()].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  }

  changes(store: ConfigStore): DocumentChange[] {
    return [...this.docs]
      .map(([path, doc]) => ({ path, before: store.get(path)?.text ?? null, after: doc?.text ?? null }))
      .filter(({ before, after }) => before !== after);
  }
}

const stages = new AsyncLocalStorage<Stage>();
/** The engines below the handles that can be rehearsed on. */
const engines = new WeakMap<ConfigStore, ConfigStore>();

/** A handle of `engine` on which changes can be rehearsed; outside of rehearsals it is the engine. */
export function rehearsable(engine: ConfigStore): ConfigStore {
  const handle: ConfigStore = {
    get(path: string): Doc | undefined {
      const stage = stages.getStore();
      return stage ? stage.get(engine, path) : engine.get(path);
    },
    list(prefix: string): Doc[] {
      const stage = stages.getStore();
      return stage ? stage.list(engine, prefix) : engine.list(prefix);
    },
    async commit(conditions: readonly Condition[], writes: readonly Write[], options?: CommitOptions) {
      const stage = stages.getStore();
      return stage ? stage.commit(engine, conditions, writes) : engine.commit(conditions, writes, options);
    },
    watch: (prefix: string, onChange: (changes: readonly Change[]) => void) => engine.watch(prefix, onChange),
    history: (path: string, limit?: number): Promise<HistoryEntry[]> => engine.history(path, limit),
    close: () => engine.close(),
  };
  engines.set(handle, engine);
  return handle;
}

/**
 * Runs `work` as a rehearsal on `store`, a handle made by `rehearsable`. Rejects with what `work` throws. Work that goes
 * on after its promise has settled stays a rehearsal for ever.
 */
export async function rehearse(store: ConfigStore, work: () => Promise<unknown>): Promise<Rehearsed> {
  const engine = engines.get(store);
  if (!engine) throw new Error('this handle of the store cannot be rehearsed on');
  const stage = new Stage();
  await stages.run(stage, work);
  return { changes: stage.changes(engine), effects: stage.effects };
}

/**
 * In a rehearsal: notes what would be done, and true, so that the caller leaves it. False otherwise. Everything that acts
 * beside the store and that a rehearsal can come to asks this first.
 */
export function rehearsed(effect: string): boolean {
  const stage = stages.getStore();
  stage?.effects.push(effect);
  return stage !== undefined;
}

/** Is this work rehearsed? For readers that keep what they have read: what stands in a stage is nobody else's. */
export const isRehearsal = (): boolean => stages.getStore() !== undefined;

/** The seat belt of what must never happen in a rehearsal, because it has no way back. */
export function demandReal(what: string): void {
  if (stages.getStore()) throw new Error(`a rehearsal came to ${what}`);
}
