/** What calls about volumes have in common: which volume is meant, what size, whether a guest still uses it. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { ParamsOf } from '@ryokan/api/method.ts';
import type { volumeAllocate } from '@ryokan/api/methods/storage.ts';
import { formatVolumeId, imageFormats, parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { rehearsed } from '../cluster/rehearsal.ts';
import type { ConfigStore } from '../cluster/store.ts';
import type { VolumeFormat } from './driver.ts';
import type { StorageManager, Volume } from './manager.ts';

/**
 * The volume of a call: `volume` is a volume id, or a volume name beside `storage`. Throws ParameterError when the two
 * contradict each other or no storage is named.
 */
export function volumeIdOf(params: { readonly storage?: string; readonly volume: string }): {
  storage: string;
  volid: string;
} {
  const { storage, volume } = params;
  // A colon after the first slash belongs to the name.
  if (/^[^/]*:/.test(volume)) {
    const id = parseVolumeId(volume);
    if (storage !== undefined && storage !== id.storage) {
      throw new ParameterError({ storage: `storage ID mismatch (${id.storage} != ${storage})` });
    }
    return { storage: id.storage, volid: volume };
  }
  if (storage === undefined) {
    throw new ParameterError({ storage: 'the volume is given without its storage' });
  }
  return { storage, volid: formatVolumeId(storage, volume) };
}

/** POST content: size in KiB unless it ends in M or G; '' for the next free name. */
export async function allocateVolume(
  storage: StorageManager,
  params: ParamsOf<typeof volumeAllocate>,
): Promise<string> {
  const { vmid, filename } = params;
  storage.demandContent(params.storage, 'images');
  const { capabilities } = await storage.driver(params.storage);
  const format = params.format ?? formatOfName(filename) ?? capabilities.imageFormats[0];
  if (!format) throw new RyokanError('unsupported', `storage '${params.storage}' holds no images`);
  const size = parseSize(params.size);
  if (rehearsed(`makes a volume of ${size} bytes on storage '${params.storage}'`)) return '';
  return storage.allocate(params.storage, { vmid, format, size, ...(filename ? { name: filename } : {}) });
}

function formatOfName(file: string): VolumeFormat | undefined {
  return imageFormats.find((format) => file.endsWith(`.${format}`));
}

/** `32G`, `512M`, `1024` (KiB) in bytes. */
function parseSize(text: string): number {
  const unit = { M: 1024 ** 2, G: 1024 ** 3 }[text.slice(-1)] ?? 1024;
  return Number.parseInt(text, 10) * unit;
}

/** Throws 'state' while the configuration of the owner still names the disk: the guest would not start any more. */
export function demandUnused(store: ConfigStore, { volid, vmid, content }: Volume): void {
  if (vmid === undefined || (content !== 'images' && content !== 'rootdir')) return;
  for (const { path, text } of store.list('nodes/')) {
    if (!path.endsWith(`/${vmid}.conf`)) continue;
    const line = text.split('\n').find((one) => one.split(/[\s,]+/).includes(volid));
    if (line === undefined) continue;
    const key = /^([^:\s]+):/.exec(line)?.[1] ?? '';
    throw new RyokanError(
      'state',
      `volume '${volid}' is used by guest ${vmid} as '${key}'; detach it there first`,
    );
  }
}
