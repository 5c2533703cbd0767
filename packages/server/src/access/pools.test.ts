import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../cluster/memory-store.ts';
import { readUserConfig, userCfg } from './access-documents.ts';
import { heldOn } from './permissions.ts';
import { addToPool, changePool, createPool, type PoolChange, poolOf, removePool } from './pools.ts';

const author = 'root@pam';
const nothing: PoolChange = { vms: [], storages: [], remove: false, allowMove: false };
const everything = { guest: () => true, storage: () => true };
const free = () => undefined;
let store: MemoryStore;

beforeEach(async () => {
  store = new MemoryStore();
  const text =
    'user:ann@pve:1:0:::::\nacl:1:/pool/web:ann@pve:PVEVMUser:\nacl:1:/pool/web/a:ann@pve:NoAccess:\n';
  await store.commit([], [{ path: userCfg, text }], { author });
  await createPool(store, 'web', 'front end: 表', author);
  await createPool(store, 'db', '', author);
});

const config = () => readUserConfig(store);
const change = (pool: string, fields: Partial<PoolChange>, demandTake: (pool: string) => void = free) =>
  changePool(store, pool, { ...nothing, ...fields }, author, demandTake);

describe('pools', () => {
  it('are lines of user.cfg', async () => {
    await change('web', { vms: [201, 100], storages: ['fast'] });
    expect(store.get(userCfg)?.text).toContain('pool:web:front end%3A %E8%A1%A8:100,201:fast:\n');
  });

  it('nest three deep, each in one that is there', async () => {
    await expect(createPool(store, 'mail/in', '', author)).rejects.toThrow(
      "parent 'mail' of pool 'mail/in' does not exist",
    );
    await createPool(store, 'web/a', '', author);
    await createPool(store, 'web/a/b', '', author);
    await expect(createPool(store, 'web', '', author)).rejects.toThrow("pool 'web' already exists");
  });

  it('give rights to their members, those of nested ones included', async () => {
    await createPool(store, 'web/a', '', author);
    await createPool(store, 'web/b', '', author);
    await change('web', { vms: [100] });
    await change('web/a', { vms: [101] });
    await change('web/b', { vms: [102] });
    const sees = (vmid: number) => heldOn(config(), 'ann@pve', `/vms/${vmid}`).set.has('VM.Console');
    expect([100, 101, 102, 103].map(sees)).toEqual([true, false, true, false]);
  });

  it('have a guest in one of them only, and move it when told and allowed', async () => {
    await change('web', { vms: [100] });
    await expect(change('db', { vms: [100] })).rejects.toThrow(/Parameter verification failed/);
    const refuse = (pool: string) => {
      throw new Error(`no right on ${pool}`);
    };
    await expect(change('db', { vms: [100], allowMove: true }, refuse)).rejects.toThrow('no right on web');
    expect(poolOf(config(), 100)).toBe('web');
    await change('db', { vms: [100], allowMove: true });
    expect(poolOf(config(), 100)).toBe('db');
    expect([...(config().pools.get('web')?.vms ?? [])]).toEqual([]);
  });

  it('may share a storage', async () => {
    await change('web', { storages: ['fast'] });
    await change('db', { storages: ['fast'] });
    await expect(change('db', { storages: ['fast'] })).rejects.toThrow(/Parameter verification failed/);
  });

  it('let members go, all of the named or none', async () => {
    await addToPool(store, 'web', 100, author);
    await expect(change('web', { vms: [100, 101], remove: true })).rejects.toThrow();
    expect(poolOf(config(), 100)).toBe('web');
    await change('web', { vms: [100], remove: true });
    expect(poolOf(config(), 100)).toBeUndefined();
  });

  it('go when they are empty, with their rules; what no longer exists does not hold them', async () => {
    await createPool(store, 'web/a', '', author);
    await change('web', { vms: [100], storages: ['fast'] });
    const remove = (existing = everything) => removePool(store, 'web', existing, author);
    await expect(remove()).rejects.toThrow("pool 'web' is not empty (contains pool 'web/a')");
    await removePool(store, 'web/a', everything, author);
    await expect(remove()).rejects.toThrow("pool 'web' is not empty (contains VM 100)");
    await expect(remove({ ...everything, guest: () => false })).rejects.toThrow("(contains storage 'fast')");
    await remove({ guest: () => false, storage: () => false });
    expect([...config().pools.keys()]).toEqual(['db']);
    expect([...config().acl.keys()]).toEqual([]);
    await expect(remove()).rejects.toThrow("pool 'web' does not exist");
  });

  it('of a document that has a guest twice keep it in the first', async () => {
    await store.commit([], [{ path: userCfg, text: 'pool:a::100,101:::\npool:b::101,102:::\n' }], { author });
    expect(poolOf(config(), 101)).toBe('a');
    expect([...(config().pools.get('b')?.vms ?? [])]).toEqual([102]);
    expect(config().problems.join()).toContain("pool 'b': guests of another pool: 101");
  });
});
