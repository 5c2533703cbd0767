/** Moving a container's volume to another storage. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { TaskContext } from '../../../tasks/task.ts';
import type { LimitFor } from '../../copy/bandwidth.ts';
import {
  type MoveRequest,
  type MoveWork,
  moveStopped,
  moveVolume,
  planVolumeMove,
  readForMove,
} from '../../copy/move.ts';
import type { CopyPlan } from '../../copy/volume-copy.ts';
import type { GuestServices } from '../../guest-services.ts';
import { lxcKind } from '../kind.ts';
import { isRunning } from '../process.ts';

/** Throws what forbids the move. */
export async function planContainerMove(services: GuestServices, request: MoveRequest): Promise<CopyPlan> {
  const { vmid, disk } = request;
  const guest = readForMove(services, lxcKind, request);
  const text = guest.file.properties[disk];
  if (text === undefined) throw new RyokanError('not-found', `CT ${vmid} has no volume '${disk}'`);
  const volid = lxcKind.volumeOf(disk, text);
  if (volid === undefined) {
    throw new RyokanError(
      'unsupported',
      `cannot move '${disk}': it is a directory or device of the node, not a volume of a storage`,
    );
  }
  if (isRunning(services.paths, vmid) && !disk.startsWith('unused')) {
    throw new RyokanError('state', `cannot move volumes of a running container: stop CT ${vmid} first`);
  }
  return planVolumeMove(services, lxcKind, guest, { key: disk, volid }, request);
}

export async function moveContainerVolume(
  services: GuestServices,
  request: MoveRequest,
  limitFor: LimitFor,
  task: TaskContext,
): Promise<void> {
  const plan = () => planContainerMove(services, request);
  const move: MoveWork = (copy, rateLimit) =>
    moveStopped(services, lxcKind, request.vmid, copy, rateLimit, task);
  await moveVolume(services, lxcKind, request, { plan, move, limitFor }, task);
}
