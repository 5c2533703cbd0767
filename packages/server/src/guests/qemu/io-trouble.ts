/** Disks of a running guest whose reads or writes fail: which, why, and whether there is room again. */
import type { GuestServices } from '../guest-services.ts';
import { salvageGuest } from '../guest-store.ts';
import { namesVolume, salvageDrive } from './drive-value.ts';
import { type DiskStorage, enoughRoom, type FailingDisk } from './guest-warning.ts';
import { limited, type QmpClient, type QmpEvent } from './qmp-client.ts';

/** The last BLOCK_IO_ERROR of a disk. */
export interface BlockError {
  readonly operation: string;
  readonly reason: string;
  readonly noSpace: boolean;
  readonly paused: boolean;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** How long (ms) an error that the guest was told of, instead of being paused, is worth showing. */
const reportHolds = 10 * 60_000;

/** Keeps the last error of each disk, as QEMU tells of them. */
export class BlockErrors {
  private readonly byKey = new Map<string, BlockError>();

  hear({ data, time }: QmpEvent): void {
    const key = keyOfNode(data['node-name']) ?? keyOfDevice(data['qom-path']);
    if (key === undefined) return;
    this.byKey.set(key, {
      operation: data.operation === 'read' ? 'read' : 'write',
      reason: String(data.reason ?? 'input/output error'),
      noSpace: data.nospace === true,
      paused: data.action === 'stop',
      time,
    });
  }

  /** The guest goes on: what paused it is tried again, and told again when it fails. */
  resumed(): void {
    for (const [key, error] of this.byKey) if (error.paused) this.byKey.delete(key);
  }

  /** Those that are worth showing now. */
  current(): ReadonlyMap<string, BlockError> {
    for (const [key, { paused, time }] of this.byKey) {
      if (!paused && Date.now() - time > reportHolds) this.byKey.delete(key);
    }
    return this.byKey;
  }
}

/** `drive-scsi0` or, for a disc, `drive-ide2-2`: the key of the drive. */
const keyOfNode = (node: unknown): string | undefined =>
  /^drive-([a-z]+\d+)(?:-\d+)?$/.exec(String(node ?? ''))?.[1];

/** The key of a drive from its device's id or path: `scsi0`, `/machine/peripheral/virtio0/virtio-backend`. */
export const keyOfDevice = (device: unknown): string | undefined =>
  /^(?:\/machine\/peripheral\/)?([a-z]+\d+)(?:\/|$)/.exec(String(device ?? ''))?.[1];

/** As query-block reports a drive. */
interface BlockDevice {
  readonly qdev?: string;
  /** Only for disks that pause the guest; `ok`, `failed` or `nospace`. */
  readonly 'io-status'?: string;
}

/** The disks that fail now. Also right for a guest that was paused before this process began to listen. */
export async function failingDisks(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  errors: ReadonlyMap<string, BlockError>,
): Promise<FailingDisk[]> {
  const found = new Map<string, Pick<FailingDisk, 'operation' | 'reason' | 'noSpace' | 'paused'>>(errors);
  for (const { qdev, 'io-status': status = 'ok' } of await qmp.execute<BlockDevice[]>('query-block')) {
    const key = keyOfDevice(qdev);
    if (key === undefined || status === 'ok' || found.get(key)?.paused) continue;
    found.set(key, {
      ...{ operation: 'write', reason: 'input/output error', paused: true },
      noSpace: status === 'nospace',
    });
  }
  const { properties } = salvageGuest(services.store, 'qemu', services.settings.node, vmid).file;
  return Promise.all(
    [...found].map(async ([key, { operation, reason, noSpace, paused }]) => {
      const volid = volumeOf(key, properties[key]);
      const storage = volid === undefined ? undefined : await storageOf(services, volid);
      return { key, operation, reason, noSpace, paused, volid, storage };
    }),
  );
}

function volumeOf(key: string, text: string | undefined): string | undefined {
  const drive = text === undefined ? undefined : salvageDrive(key, text);
  return drive && namesVolume(drive) ? drive.file : undefined;
}

/** A storage that is gone may hang instead of failing (ms). */
const storagePatience = 2_000;

async function storageOf(services: GuestServices, volid: string): Promise<DiskStorage> {
  const name = volid.slice(0, volid.indexOf(':'));
  try {
    const asked = services.storage.summary(name);
    const { active, available, total } = await limited(asked, { timeout: storagePatience }, 'no answer');
    return { name, ...(active ? { space: { free: available, total } } : {}) };
  } catch {
    return { name };
  }
}

/** Whether all that keeps the guest paused is want of space, and there is some again. */
export function hasRoomAgain(disks: readonly FailingDisk[]): boolean {
  const paused = disks.filter((disk) => disk.paused);
  return (
    paused.length > 0 &&
    paused.every(({ noSpace, storage }) => noSpace && storage?.space && enoughRoom(storage.space))
  );
}
