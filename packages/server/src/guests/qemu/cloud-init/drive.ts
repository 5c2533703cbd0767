/** The drive that carries the cloud-init image: `ide2: local:cloudinit` asks for one. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { qemuDriveKeys } from '@ryokan/api/schema/qemu-config.ts';
import type { ImageFormat } from '@ryokan/api/schema/volume-id.ts';
import type { StorageDriver } from '../../../storage/driver.ts';
import { stagedFileUndo } from '../../../storage/storage-undo.ts';
import type { ConfigProperties } from '../../config-file.ts';
import { formatSize } from '../../disk-size.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { type DriveValue, isCloudInit, salvageDrive } from '../drive-value.ts';
import { volumeName } from '../volume-name.ts';

/** Bytes of every image, whatever is in it. */
export const imageBytes = 4 * 1024 * 1024;

/** The key of the guest's cloud-init drive; of drives other than `except`, where that is given. */
export function cloudInitKey(properties: ConfigProperties, except?: string): string | undefined {
  return qemuDriveKeys.find((key) => {
    const text = key === except ? undefined : properties[key];
    const drive = text === undefined ? undefined : salvageDrive(key, text);
    return drive !== undefined && isCloudInit(drive);
  });
}

/** `local:cloudinit`: the storage on which a new image is to be made. */
export function newCloudInitStorage(drive: DriveValue): string | undefined {
  return /^([a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]):cloudinit$/.exec(drive.file)?.[1];
}

/** Refuses a second cloud-init drive: the guest would read one of the two. */
export function demandOneCloudInit(properties: ConfigProperties): void {
  const key = cloudInitKey(properties);
  const other = key === undefined ? undefined : cloudInitKey(properties, key);
  if (other === undefined) return;
  throw new RyokanError(
    'parameter',
    `${other} - cloud-init drive is already attached at '${key}'; a guest has one of them`,
  );
}

/**
 * Makes the volume of a cloud-init drive; the image goes into it when the guest starts. One that the guest still has
 * from earlier is taken again.
 */
export async function makeCloudInitDrive(
  services: GuestServices,
  vmid: number,
  drive: DriveValue,
  storage: string,
  context: Pick<ChangeContext, 'log' | 'undo'>,
): Promise<DriveValue> {
  services.storage.demandContent(storage, 'images');
  const driver = await services.storage.driver(storage);
  const format = formatFor(driver, drive);
  const { format: _format, ...rest } = drive;
  const made = { ...rest, media: 'cdrom', size: formatSize(imageBytes) } as const;
  const name = volumeName(driver, vmid, 'cloudinit', format);
  try {
    const file = await services.storage.allocate(storage, {
      ...{ vmid, format, size: imageBytes, name },
      onStaged: (path) => context.undo(stagedFileUndo, { path }),
      onPlaced: (volid) => {
        context.undo('volume.remove', { volid });
        context.log(`made volume '${volid}'`);
      },
    });
    return { ...made, file };
  } catch (error) {
    if (!(error instanceof RyokanError) || error.code !== 'exists') throw error;
    const volumes = await services.storage.list(storage, { content: 'images', vmid });
    const present = volumes.find((volume) => volume.name.split('/').at(-1) === name);
    if (!present) throw error;
    return { ...made, file: present.volid };
  }
}

/** qcow2 where the storage has it: then snapshots of the guest include the image. */
function formatFor({ capabilities }: StorageDriver, drive: DriveValue): ImageFormat {
  if (drive.format !== undefined) return drive.format as ImageFormat;
  const formats = capabilities.imageFormats as readonly ImageFormat[];
  return formats.includes('qcow2') ? 'qcow2' : (formats[0] ?? 'raw');
}
