/** Operations of each kind of guest on states and copies of it: snapshots, clones, templates, volumes that move. */

import type { ParamsOf } from '@ryokan/api/method.ts';
import { lxcFeature } from '@ryokan/api/methods/lxc.ts';
import { lxcClone, lxcMoveVolume, lxcTemplate } from '@ryokan/api/methods/lxc-copy.ts';
import {
  lxcSnapshotDescribe,
  lxcSnapshotRemove,
  lxcSnapshotRollback,
  lxcSnapshots,
  lxcSnapshotTake,
} from '@ryokan/api/methods/lxc-snapshots.ts';
import { qemuClone, qemuMoveDisk, qemuTemplate } from '@ryokan/api/methods/qemu-copy.ts';
import {
  qemuSnapshotDescribe,
  qemuSnapshotRemove,
  qemuSnapshotRollback,
  qemuSnapshots,
  qemuSnapshotTake,
} from '@ryokan/api/methods/qemu-snapshots.ts';
import type { GuestRef } from '../../api/guest-kinds.ts';
import { useCall } from '../../api/query.ts';
import { api } from '../../api/session.ts';
import type { DialogTarget } from './apply-change.ts';

const calls = {
  qemu: {
    snapshots: qemuSnapshots,
    take: qemuSnapshotTake,
    describe: qemuSnapshotDescribe,
    rollback: qemuSnapshotRollback,
    remove: qemuSnapshotRemove,
    template: qemuTemplate,
  },
  lxc: {
    snapshots: lxcSnapshots,
    take: lxcSnapshotTake,
    describe: lxcSnapshotDescribe,
    rollback: lxcSnapshotRollback,
    remove: lxcSnapshotRemove,
    template: lxcTemplate,
  },
} as const;

export function copyCalls(guest: Pick<GuestRef, 'type'>): (typeof calls)[GuestRef['type']] {
  return calls[guest.type];
}

/** What changes when a snapshot does. */
export const snapshotReads = [qemuSnapshots, lxcSnapshots] as const;

/** What a clone is given beside what belongs to one kind. */
export type CloneRequest = Pick<
  ParamsOf<typeof lxcClone>,
  'newid' | 'full' | 'snapname' | 'storage' | 'target'
> & {
  /** Host name of a container, name of a VM. */
  readonly name?: string;
  /** Of VMs only. */
  readonly format?: ParamsOf<typeof qemuClone>['format'];
};

/** Starts the task that makes a clone; its UPID. */
export function startClone({ type, node, vmid }: GuestRef, request: CloneRequest): Promise<string> {
  const { name, format, ...common } = request;
  if (type === 'lxc') {
    return api.call(lxcClone, { node, vmid, ...common, ...(name ? { hostname: name } : {}) });
  }
  return api.call(qemuClone, {
    node,
    vmid,
    ...common,
    ...(name ? { name } : {}),
    ...(format ? { format } : {}),
  });
}

type MoveQemu = ParamsOf<typeof qemuMoveDisk>;
type MoveLxc = ParamsOf<typeof lxcMoveVolume>;

/** A volume goes to another storage or, with `target-vmid`, to another guest. `to` is its key there. */
export type MoveRequest = Pick<
  MoveQemu,
  'storage' | 'delete' | 'bwlimit' | 'target-vmid' | 'target-digest'
> & {
  readonly to?: string;
  readonly format?: MoveQemu['format'];
};

/** Starts the task that moves the volume of `key`; its UPID. The keys come from the guest's own configuration. */
export function startMove(target: DialogTarget, key: string, request: MoveRequest): Promise<string> {
  const { node, vmid, digest } = target;
  const { to, format, ...rest } = request;
  const common = { node, vmid, ...rest, ...(digest ? { digest } : {}) };
  if (target.type === 'lxc') {
    const there = to === undefined ? {} : { 'target-volume': to as MoveLxc['volume'] };
    return api.call(lxcMoveVolume, { ...common, volume: key as MoveLxc['volume'], ...there });
  }
  const there = to === undefined ? {} : { 'target-disk': to as MoveQemu['disk'] };
  return api.call(qemuMoveDisk, {
    ...common,
    disk: key as MoveQemu['disk'],
    ...there,
    ...(format ? { format } : {}),
  });
}

/**
 * Why a container cannot do something with its volumes, in the words of the node: which one and what would help. Undefined
 * when it can, when it is not known yet, and for VMs.
 */
export function useHindrance(
  guest: GuestRef,
  feature: ParamsOf<typeof lxcFeature>['feature'],
  snapname?: string,
): string | undefined {
  const { node, vmid } = guest;
  const { data } = useCall(
    lxcFeature,
    { node, vmid, feature, ...(snapname ? { snapname } : {}) },
    { enabled: guest.type === 'lxc' },
  );
  return data && !data.hasFeature ? (data.reason ?? '–') : undefined;
}
