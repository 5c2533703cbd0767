/** Handlers for pools. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ParamsOf } from '@ryokan/api/method.ts';
import {
  poolCreate,
  poolDelete,
  poolDeleteByPath,
  poolList,
  poolRead,
  poolUpdate,
  poolUpdateByPath,
} from '@ryokan/api/methods/pools.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { readUserConfig } from '../../access/access-documents.ts';
import { changePool, createPool, removePool, requirePool } from '../../access/pools.ts';
import type { Pool, View } from '../../access/user-config.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { guestOwner } from '../../guests/guest-store.ts';
import { demandModify } from '../authorize.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { type ResourceRow, shownTo } from '../resources.ts';

const audit: readonly Privilege[] = ['Pool.Audit'];

export function poolHandlers(table: HandlerTable, services: DaemonServices): void {
  const { store } = services;
  const members = (pool: View<Pool>, type: MemberType | undefined, call: Call) =>
    membersOf(services, pool, call).filter((row) => type === undefined || row.type === type);

  table.on(poolList, ({ poolid, type }, call) => {
    const { pools } = readUserConfig(store);
    if (poolid === undefined) {
      return [...pools]
        .filter(([id]) => call.can(`/pool/${id}`, audit))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([id, pool]) => ({ poolid: id, ...commentOf(pool) }));
    }
    call.demand(`/pool/${poolid}`, audit);
    const pool = requirePool(readUserConfig(store), poolid);
    return [{ poolid, ...commentOf(pool), members: members(pool, type, call) }];
  });
  table.on(poolRead, ({ poolid, type }, call) => {
    const pool = requirePool(readUserConfig(store), poolid);
    return { ...commentOf(pool), members: members(pool, type, call) };
  });
  table.on(poolCreate, async ({ poolid, comment = '' }, call) => {
    await createPool(store, poolid, comment, call.user);
    return null;
  });
  for (const method of [poolUpdate, poolUpdateByPath]) {
    table.on(method, (params, call) => change(services, params, call));
  }
  for (const method of [poolDelete, poolDeleteByPath]) {
    table.on(method, async ({ poolid }, call) => {
      const existing = {
        guest: (vmid: number) => guestOwner(store, vmid) !== undefined,
        storage: (storage: string) => hasStorage(services, storage),
      };
      await removePool(store, poolid, existing, call.user);
      return null;
    });
  }
}

type MemberType = NonNullable<ParamsOf<typeof poolRead>['type']>;

const commentOf = ({ comment }: View<Pool>) => (comment === '' ? {} : { comment });

const hasStorage = ({ storage }: DaemonServices, name: string): boolean =>
  storage.configs().some((config) => config.storage === name);

/** Being in a pool gives the pool's people rights: whoever moves members must be allowed to give those out. */
async function change(
  services: DaemonServices,
  params: ParamsOf<typeof poolUpdate>,
  call: Call,
): Promise<null> {
  const { store } = services;
  const { poolid, comment, delete: remove = false, 'allow-move': allowMove = false } = params;
  const vms = splitList(params.vms ?? '').map(Number);
  const storages = splitList(params.storage ?? '');
  for (const vmid of vms) {
    demandModify(`/vms/${vmid}`, call);
    if (!remove && !guestOwner(store, vmid)) {
      throw new RyokanError('not-found', `there is no guest ${vmid}: give the VMIDs of guests that exist`);
    }
  }
  for (const storage of storages) {
    demandModify(`/storage/${storage}`, call);
    if (!remove && !hasStorage(services, storage)) {
      throw new RyokanError('not-found', `storage '${storage}' does not exist`);
    }
  }
  const demandTake = (pool: string) => call.demand(`/pool/${pool}`, ['Pool.Allocate']);
  await changePool(store, poolid, { comment, vms, storages, remove, allowMove }, call.user, demandTake);
  return null;
}

type Member = ResourceRow & { readonly node: string; readonly type: 'qemu' | 'lxc' | 'storage' };

/** Who may see the pool sees what is in it; how the members do needs the rights on them. */
function membersOf({ resources }: DaemonServices, pool: View<Pool>, call: Call): Member[] {
  const isMember = (row: ResourceRow): row is Member =>
    (row.vmid !== undefined && pool.vms.has(row.vmid)) ||
    (row.type === 'storage' && pool.storages.has(row.storage ?? ''));
  return resources
    .list()
    .filter(isMember)
    .map((row) => {
      if (shownTo(call, row)) return row;
      const { id, node, type, vmid, storage, name } = row;
      return Object.fromEntries(
        Object.entries({ id, node, type, vmid, storage, name }).filter(([, value]) => value !== undefined),
      ) as Member;
    });
}
