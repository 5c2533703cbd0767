/** Names of new images: `vm-<vmid>-disk-<n>`, the same on every kind of storage. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { VolumeFormat } from './driver.ts';

/** Smallest free disk number of a guest, given the last parts of all names in use. */
export function freeDiskNumber(vmid: number, taken: Iterable<string>): number {
  const pattern = new RegExp(`^(?:vm|base|subvol|basevol)-${vmid}-disk-(\\d+)(?:\\.|$)`);
  const numbers = new Set<number>();
  for (const name of taken) {
    const match = pattern.exec(name);
    if (match) numbers.add(Number(match[1]));
  }
  let number = 0;
  while (numbers.has(number)) number++;
  return number;
}

/** How names of images begin: those of subvolumes `subvol`, all others `vm`. */
export function imagePrefix(format: VolumeFormat): 'vm' | 'subvol' {
  return format === 'subvol' ? 'subvol' : 'vm';
}

/**
 * Checks a name that a caller wants for a new image: `vm-<vmid>-<anything>`, with `extension` (`.qcow2`, or '' on
 * storages with flat names). Throws 'parameter'.
 */
export function demandImageName(
  name: string,
  vmid: number,
  extension: string,
  prefix: ReturnType<typeof imagePrefix> = 'vm',
): void {
  const stem = name.endsWith(extension) ? name.slice(0, name.length - extension.length) : '';
  if (
    !new RegExp(`^${prefix}-${vmid}-[A-Za-z0-9_](?:[A-Za-z0-9_.+-]*[A-Za-z0-9_])?$`).test(stem) ||
    name.length > 200
  ) {
    throw new RyokanError(
      'parameter',
      `illegal name '${name.slice(0, 200)}' - should be '${prefix}-${vmid}-*${extension}'`,
    );
  }
}

/** Sizes of images: whole KiB, so that every format holds them exactly. Throws 'parameter' for what is no size. */
export function imageSize(size: number): number {
  if (!Number.isInteger(size) || size <= 0) {
    throw new RyokanError('parameter', `an image needs a size of at least one byte, not ${size}`);
  }
  if (size > Number.MAX_SAFE_INTEGER - 1024) {
    throw new RyokanError('parameter', `no image can have ${readableSize(size)}`);
  }
  return Math.ceil(size / 1024) * 1024;
}

/** Names of snapshots: `pve-configid` of the public API, at most 40 characters. Throws 'parameter'. */
export function demandSnapshotName(snapshot: string): void {
  if (!/^[a-zA-Z][a-zA-Z0-9_-]{0,39}$/.test(snapshot)) {
    throw new RyokanError('parameter', `'${snapshot.slice(0, 60)}' is no name for a snapshot`);
  }
}

/** Bytes as people write them: `1.50 GiB`. */
export function readableSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(2)} ${units[unit]}`;
}

/** The error for something that does not fit. */
export function noSpace(what: string, storage: string, needed: number, available: number): RyokanError {
  return new RyokanError(
    'no-space',
    `${what} needs ${readableSize(needed)}, but storage '${storage}' has only ${readableSize(available)} free`,
    { context: { storage, needed, available } },
  );
}
