/** Which types of storage there are. The only place that names drivers. */
import { ParameterError } from '@ryokan/api/errors.ts';
import type { ContentType, DriverFactory } from './driver.ts';
import { createBtrfsDriver } from './drivers/btrfs.ts';
import { createDirDriver } from './drivers/dir.ts';

export interface StorageType {
  readonly create: DriverFactory;
  /** Properties without which a storage of this type cannot be defined. */
  readonly required: readonly string[];
  /** Properties that cannot be changed later. */
  readonly fixed: readonly string[];
  /** Content types of a new storage that does not say. */
  readonly defaultContent: readonly ContentType[];
}

export type StorageTypes = Readonly<Record<string, StorageType>>;

export const storageTypes: StorageTypes = {
  btrfs: {
    create: (config) => createBtrfsDriver(config),
    required: ['path'],
    fixed: ['path'],
    defaultContent: ['images', 'rootdir'],
  },
  dir: {
    create: (config) => createDirDriver(config),
    required: ['path'],
    fixed: ['path'],
    defaultContent: ['images', 'rootdir', 'vztmpl', 'iso', 'snippets'],
  },
};

/** The type of this name; undefined when there is none. */
export function findStorageType(types: StorageTypes, type: string): StorageType | undefined {
  return Object.hasOwn(types, type) ? types[type] : undefined;
}

/** The type, or a ParameterError that says which there are. */
export function demandStorageType(types: StorageTypes, type: string): StorageType {
  const known = findStorageType(types, type);
  if (!known) {
    const names = Object.keys(types).join(', ');
    throw new ParameterError({ type: `storage type '${type}' is not supported; supported: ${names}` });
  }
  return known;
}
