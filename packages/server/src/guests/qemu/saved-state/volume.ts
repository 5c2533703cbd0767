/** The volume that keeps the memory of a guest: where it is made, its name and its size. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { qemuVolumeKeys } from '@ryokan/api/schema/qemu-config.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { stagedFileUndo } from '../../../storage/storage-undo.ts';
import type { ConfigProperties } from '../../config-file.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { removeIfThere } from '../../volumes-of-guest.ts';
import { requireQemuConfig } from '../config.ts';
import { isCdrom, namesVolume, parseDrive } from '../drive-value.ts';
import { guestMemory } from '../guest-context.ts';
import { volumeName } from '../volume-name.ts';

const mib = 1024 * 1024;

/** Names that are tried for a volume. */
const mostNames = 20;

/** Bytes for a guest's memory: pages that change while it is saved are saved again, and devices have state too. */
export const stateBytes = (memory: number): number => (2 * memory + 500) * mib;

/**
 * The storage for saved memory: `wanted`, else the guest's key vmstatestorage, else one that holds disks of the guest,
 * a shared one first, else `local`. Rejects with 'unsupported' when the storage that was named cannot hold it.
 */
export async function stateStorage(
  services: GuestServices,
  properties: ConfigProperties,
  wanted?: string,
): Promise<string> {
  const named = wanted ?? properties.vmstatestorage;
  if (named !== undefined) {
    const problem = await unfit(services, named);
    if (problem) throw problem;
    return named;
  }
  const candidates: { storage: string; shared: boolean }[] = [];
  for (const storage of new Set([...diskStorages(properties), 'local'])) {
    if (await unfit(services, storage)) continue;
    const { capabilities } = await services.storage.driver(storage);
    candidates.push({ storage, shared: capabilities.shared });
  }
  const best = candidates.find((one) => one.shared) ?? candidates[0];
  if (best) return best.storage;
  throw new RyokanError(
    'unsupported',
    "no storage of this guest can hold its memory; set vmstatestorage to one with content 'images'",
  );
}

function diskStorages(properties: ConfigProperties): string[] {
  const drives = qemuVolumeKeys.flatMap((key) => {
    const text = properties[key];
    return text === undefined ? [] : [parseDrive(key, text)];
  });
  return drives
    .filter((drive) => namesVolume(drive) && !isCdrom(drive))
    .map((drive) => parseVolumeId(drive.file).storage);
}

/** What keeps a storage from holding saved memory: a raw volume with a local path. */
async function unfit(services: GuestServices, storage: string): Promise<Error | undefined> {
  try {
    services.storage.demandContent(storage, 'images');
    const { capabilities } = await services.storage.driver(storage);
    if (capabilities.localPath && capabilities.imageFormats.includes('raw')) return undefined;
    return new RyokanError('unsupported', `storage '${storage}' cannot hold the memory of a guest`);
  } catch (error) {
    return error as Error;
  }
}

export interface StateVolumeRequest {
  /** What the state is for, a part of its name: the snapshot's name, or `suspend-2026-01-31`. */
  readonly purpose: string;
  readonly storage: string;
  readonly onPlaced: (volid: string) => void;
}

/** Makes the volume and returns its id. */
export async function makeStateVolume(
  services: GuestServices,
  vmid: number,
  properties: ConfigProperties,
  { purpose, storage, onPlaced }: StateVolumeRequest,
  context: Pick<ChangeContext, 'log' | 'undo'>,
): Promise<string> {
  const driver = await services.storage.driver(storage);
  const size = stateBytes(guestMemory(requireQemuConfig(properties, vmid)));
  const onStaged = (path: string) => context.undo(stagedFileUndo, { path });
  const allocate = (name: string) =>
    services.storage.allocate(storage, {
      ...{ vmid, format: 'raw', size, onStaged, onPlaced },
      name: volumeName(driver, vmid, `state-${name}`, 'raw'),
    });
  const volid = await underFreeName(purpose, allocate);
  context.log(`made volume '${volid}' for the memory`);
  return volid;
}

/** Memory that could not be removed when its guest woke up keeps its name. */
async function underFreeName(name: string, allocate: (name: string) => Promise<string>): Promise<string> {
  for (let number = 1; ; number++) {
    try {
      return await allocate(number === 1 ? name : `${name}-${number}`);
    } catch (error) {
      const taken = error instanceof RyokanError && error.code === 'exists';
      if (!taken || number === mostNames) throw error;
    }
  }
}

/** Removes a volume with saved memory; no error when it is gone. */
export async function removeState(
  services: GuestServices,
  volid: string,
  context: Pick<ChangeContext, 'log'>,
): Promise<void> {
  if (await removeIfThere(services, volid)) context.log(`removed volume '${volid}' with the memory`);
}
