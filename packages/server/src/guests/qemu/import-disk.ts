/** New disks filled from an image that is there already: `scsi0: local:0,import-from=local:import/debian.qcow2`. */
import { extname } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ImageFormat } from '@ryokan/api/schema/volume-id.ts';
import type { VolumeFormat } from '../../storage/driver.ts';
import { noSpace } from '../../storage/image-names.ts';
import { convertImage, imageDetails } from '../../storage/qemu-img.ts';
import { demandSelfContained } from '../../storage/untrusted-image.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';

export interface ImportRequest {
  /** Configuration key of the disk, for messages. */
  readonly key: string;
  /** Volume id, or for root a path of the host. */
  readonly source: string;
  readonly storage: string;
  readonly format: VolumeFormat;
  readonly onStaged: (path: string) => void;
  /** Called once the new volume is there. */
  readonly onPlaced: (volid: string) => void;
}

interface Origin {
  readonly path: string;
  readonly format: ImageFormat;
  /** Virtual size in bytes. */
  readonly size: number;
}

/** Makes a volume as large as the source and copies the source into it. */
export async function importVolume(
  services: GuestServices,
  vmid: number,
  request: ImportRequest,
  context: ChangeContext,
): Promise<{ volid: string; size: number }> {
  const { storage, format, onStaged, onPlaced } = request;
  const origin = await originOf(services, request);
  const { available } = await services.storage.summary(storage);
  if (origin.size > available) throw noSpace('the imported disk', storage, origin.size, available);
  const volid = await services.storage.allocate(storage, {
    vmid,
    format,
    size: origin.size,
    onStaged,
    onPlaced,
  });
  context.log(`copying '${request.source}'`);
  const path = await services.storage.path(volid);
  await convertImage({ from: origin, to: { path, format: format as ImageFormat }, signal: context.signal });
  return { volid, size: origin.size };
}

async function originOf(services: GuestServices, request: ImportRequest): Promise<Origin> {
  if (request.source.startsWith('/')) return hostFile(request);
  const { key, source } = request;
  const volume = await services.storage.info(source);
  const isImage = volume.content === 'images' || volume.content === 'import';
  const format = imageFormatOf(volume.format);
  if (!isImage || !format) {
    throw new RyokanError('parameter', `${key}: '${source}' is no disk image that can be imported`);
  }
  const path = await services.storage.path(source);
  if (volume.content === 'import') await demandSelfContained(path, format);
  return { path, format, size: (await imageDetails(path, format)).virtualSize };
}

/** Only root gets here (see qemu-permissions.ts). The name says the format, as the content could lie about it. */
async function hostFile({ key, source }: ImportRequest): Promise<Origin> {
  const ending = extname(source).slice(1);
  const format = imageFormatOf(ending === 'img' ? 'raw' : ending);
  if (!format) {
    throw new RyokanError('parameter', `${key}: '${source}' ends neither in .raw, .img, .qcow2 nor .vmdk`);
  }
  await demandSelfContained(source, format).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new RyokanError('not-found', `${key}: there is no file '${source}'`);
    throw error;
  });
  const { virtualSize } = await imageDetails(source, format);
  return { path: source, format, size: virtualSize };
}

function imageFormatOf(format: string): ImageFormat | undefined {
  return format === 'raw' || format === 'qcow2' || format === 'vmdk' ? format : undefined;
}
