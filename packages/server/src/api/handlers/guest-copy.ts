/** Clones and disks that move: what the daemon checks first for every kind of guest. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { demandPool } from '../../access/pools.ts';
import { bandwidthLimit, type CopyOperation, type LimitFor } from '../../guests/copy/bandwidth.ts';
import type { ClonePlan } from '../../guests/copy/clone.ts';
import type { MoveRequest } from '../../guests/copy/move.ts';
import { planReassign, type ReassignHands, type ReassignRequest } from '../../guests/copy/reassign.ts';
import { claimGuest, type GuestType } from '../../guests/guest-store.ts';
import type { Services } from '../../services.ts';
import type { UndoRecord } from '../../tasks/node-db.ts';
import type { Call } from '../handler-table.ts';

interface CloneParams {
  readonly newid: number;
  readonly pool?: string | undefined;
  readonly target?: string | undefined;
}

/** Claims the VMID of a clone, when there is nothing against it. `demandRights`: what a caller needs for this one. */
export async function checkClone(
  services: Services,
  type: GuestType,
  { newid, pool, target }: CloneParams,
  call: Call,
  demandRights: () => Promise<void>,
): Promise<UndoRecord[]> {
  const { store, settings } = services;
  if (target !== undefined && target !== settings.node) {
    throw new RyokanError(
      'unsupported',
      `a clone is made on the node of its original: leave out target, or give '${settings.node}'`,
    );
  }
  if (pool !== undefined) demandPool(store, pool);
  await demandRights();
  await claimGuest(store, type, settings.node, newid, call.user, type === 'lxc' ? 'create' : 'clone');
  return [{ name: 'guest.remove-claim', args: { vmid: newid } }];
}

/** Where a clone's volumes are. */
export function storagesOf({ full, copies, disks }: ClonePlan): string[] {
  return full ? copies.map((copy) => copy.storage) : disks.map((disk) => parseVolumeId(disk.volid).storage);
}

/** Who administers the storages may exceed their limits. */
export function limitOf(
  services: Services,
  user: string,
  operation: CopyOperation,
  wanted: number | undefined,
): LimitFor {
  return (storages) => {
    const mayExceed = storages.every((storage) =>
      services.access.privileges(user, `/storage/${storage}`).has('Datastore.Allocate'),
    );
    return bandwidthLimit(services, { operation, storages, wanted, mayExceed });
  };
}

interface MoveParams {
  readonly vmid: number;
  /** Configuration key. */
  readonly disk: string;
  readonly storage?: string | undefined;
  readonly format?: string | undefined;
  readonly delete?: boolean | undefined;
  readonly digest?: string | undefined;
  readonly 'target-vmid'?: number | undefined;
  readonly 'target-digest'?: string | undefined;
  readonly targetDisk?: string | undefined;
}

type MoveWish = ({ kind: 'move' } & MoveRequest) | ({ kind: 'reassign' } & ReassignRequest);

/** To another storage, or to another guest: one of the two. */
export function moveWish(params: MoveParams): MoveWish {
  const { vmid, disk, storage, digest, targetDisk, 'target-vmid': targetVmid } = params;
  if (targetVmid === undefined) {
    if (storage !== undefined) return { kind: 'move', ...params, storage };
    const text = "both 'storage' and 'target-vmid' missing, either needs to be set";
    throw new ParameterError({ storage: text, 'target-vmid': text });
  }
  if (storage !== undefined) {
    const text = "either set 'storage' or 'target-vmid', but not both";
    throw new ParameterError({ storage: text, 'target-vmid': text });
  }
  if (targetVmid === vmid) {
    throw new ParameterError({ 'target-vmid': 'must be different than source VMID to reassign disk' });
  }
  const targetDigest = params['target-digest'];
  return { kind: 'reassign', vmid, disk, targetVmid, targetDisk, digest, targetDigest };
}

/** `planMove` throws what forbids a move to another storage. */
export async function checkMove(
  services: Services,
  hands: ReassignHands,
  wish: MoveWish,
  call: Call,
  planMove: (request: MoveRequest) => Promise<unknown>,
): Promise<void> {
  if (wish.kind === 'reassign') {
    call.demand(`/vms/${wish.targetVmid}`, ['VM.Config.Disk']);
    const { volid } = await planReassign(services, hands, wish);
    call.demand(`/storage/${parseVolumeId(volid).storage}`, ['Datastore.AllocateSpace']);
  } else {
    call.demand(`/storage/${wish.storage}`, ['Datastore.AllocateSpace']);
    await planMove(wish);
  }
}
