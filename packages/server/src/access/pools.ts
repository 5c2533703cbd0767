/**
 * Pools: guests and storages under one name. A guest is in one pool at most, a storage in any number. A pool `a/b` is
 * inside of `a`; rights on `/pool/a` that propagate hold on `/pool/a/b` and so on its members.
 */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigStore } from '../cluster/store.ts';
import { editAccess, readUserConfig } from './access-documents.ts';
import type { Pool, UserConfig, UserConfigView } from './user-config.ts';

export interface PoolChange {
  readonly comment?: string | undefined;
  readonly vms: readonly number[];
  readonly storages: readonly string[];
  /** Takes the guests and storages out instead of in. */
  readonly remove: boolean;
  /** A guest of another pool leaves that one. */
  readonly allowMove: boolean;
}

/** What of a pool's members still exists; what does not is no reason to keep the pool. */
export interface Existing {
  readonly guest: (vmid: number) => boolean;
  readonly storage: (storage: string) => boolean;
}

/** Throws 'exists', or 'not-found' when the pool around it is missing. */
export async function createPool(
  store: ConfigStore,
  id: string,
  comment: string,
  author: string,
): Promise<void> {
  await editAccess(store, author, ({ config }) => {
    if (config.pools.has(id)) throw new RyokanError('exists', `pool '${id}' already exists`);
    const around = id.slice(0, Math.max(0, id.lastIndexOf('/')));
    if (around !== '' && !config.pools.has(around)) {
      throw new RyokanError('not-found', `parent '${around}' of pool '${id}' does not exist`);
    }
    config.pools.set(id, { comment, vms: new Set(), storages: new Set() });
  });
}

/**
 * Changes a pool. `demandTake` is asked before a guest is taken out of another pool, and throws when the caller may not.
 */
export async function changePool(
  store: ConfigStore,
  id: string,
  change: PoolChange,
  author: string,
  demandTake: (pool: string) => void,
): Promise<void> {
  await editAccess(store, author, ({ config }) => {
    const pool = requirePool(config, id);
    if (change.comment !== undefined) pool.comment = change.comment;
    if (change.remove) takeOut(pool, id, change);
    else putIn(config, id, change, demandTake);
  });
}

function takeOut(pool: Pool, id: string, { vms, storages }: PoolChange): void {
  for (const vmid of vms) {
    if (!pool.vms.delete(vmid)) throw new ParameterError({ vms: `VM ${vmid} is not in pool '${id}'` });
  }
  for (const storage of storages) {
    if (!pool.storages.delete(storage)) {
      throw new ParameterError({ storage: `storage '${storage}' is not in pool '${id}'` });
    }
  }
}

function putIn(
  config: UserConfig,
  id: string,
  { vms, storages, allowMove }: PoolChange,
  demandTake: (pool: string) => void,
): void {
  const pool = requirePool(config, id);
  for (const vmid of vms) {
    const before = poolOf(config, vmid);
    if (before === id) throw new ParameterError({ vms: `VM ${vmid} is in pool '${id}' already` });
    if (before !== undefined) {
      if (!allowMove) {
        const text = `VM ${vmid} belongs already to pool '${before}': set allow-move to take it out of there`;
        throw new ParameterError({ vms: text });
      }
      demandTake(before);
      config.pools.get(before)?.vms.delete(vmid);
    }
    pool.vms.add(vmid);
  }
  for (const storage of storages) {
    if (pool.storages.has(storage)) {
      throw new ParameterError({ storage: `storage '${storage}' is in pool '${id}' already` });
    }
    pool.storages.add(storage);
  }
}

/** Removes a pool with its access rules. Throws 'state' while something is in it. */
export async function removePool(
  store: ConfigStore,
  id: string,
  existing: Existing,
  author: string,
): Promise<void> {
  await editAccess(store, author, ({ config }) => {
    const content = firstInside(config, id, requirePool(config, id), existing);
    if (content !== undefined) {
      throw new RyokanError('state', `pool '${id}' is not empty (contains ${content})`);
    }
    config.pools.delete(id);
    config.acl.delete(`/pool/${id}`);
  });
}

function firstInside(config: UserConfig, id: string, pool: Pool, existing: Existing): string | undefined {
  const nested = [...config.pools.keys()].find((other) => other.startsWith(`${id}/`));
  if (nested !== undefined) return `pool '${nested}'`;
  const vmid = [...pool.vms].find(existing.guest);
  if (vmid !== undefined) return `VM ${vmid}`;
  const storage = [...pool.storages].find(existing.storage);
  return storage === undefined ? undefined : `storage '${storage}'`;
}

/** Puts a guest into a pool; whoever calls has checked that the caller may. */
export async function addToPool(
  store: ConfigStore,
  pool: string,
  vmid: number,
  author: string,
): Promise<void> {
  await editAccess(store, author, ({ config }) => {
    requirePool(config, pool).vms.add(vmid);
  });
}

/** Throws 'not-found' for a pool that does not exist. */
export function demandPool(store: ConfigStore, pool: string): void {
  requirePool(readUserConfig(store), pool);
}

/** The pool that a guest is in. */
export function poolOf(config: UserConfigView, vmid: number): string | undefined {
  for (const [id, pool] of config.pools) if (pool.vms.has(vmid)) return id;
  return undefined;
}

/** The pools that a guest or storage is in, by its ACL path. */
export function poolsAround(config: UserConfigView, path: string): string[] {
  const [, kind, id] = path.split('/');
  if (id === undefined || (kind !== 'vms' && kind !== 'storage')) return [];
  return [...config.pools]
    .filter(([, pool]) => (kind === 'vms' ? pool.vms.has(Number(id)) : pool.storages.has(id)))
    .map(([pool]) => pool);
}

/** Throws RyokanError 'not-found'. */
export function requirePool<C extends UserConfigView>(
  config: C,
  id: string,
): NonNullable<ReturnType<C['pools']['get']>> {
  const pool = config.pools.get(id);
  if (!pool) throw new RyokanError('not-found', `pool '${id}' does not exist`);
  return pool as NonNullable<ReturnType<C['pools']['get']>>;
}
