/** Defining, changing and removing storages: the rules of POST, PUT and DELETE /storage. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { storageFixedOptions, storageOptions } from '@ryokan/api/schema/storage-options.ts';
import type { TSchema } from '@ryokan/api/schema/types.ts';
import { rehearsed } from '../cluster/rehearsal.ts';
import { type ConfigStore, update } from '../cluster/store.ts';
import type { StorageConfig } from './driver.ts';
import { demandStorageType, findStorageType, type StorageType, storageTypes } from './registry.ts';
import {
  defaultStorageConfig,
  formatStorageConfig,
  isForNode,
  isOn,
  parseForChange,
  parseStorageConfig,
  storageConfigDigest,
  storageConfigPath,
} from './storage-config.ts';

const schemas: Readonly<Record<string, TSchema>> = { ...storageFixedOptions, ...storageOptions };

/** Values of properties as parameters have them. */
export type PropertyValues = Readonly<Record<string, string | number | boolean | undefined>>;

export interface DefinitionContext {
  readonly store: ConfigStore;
  readonly node: string;
  readonly paths: { readonly root: string; readonly storage: string };
  /** Who changes, for the history. */
  readonly author: string;
}

/** The document as it counts now. */
function currentText({ store, paths }: Pick<DefinitionContext, 'store' | 'paths'>): string {
  return store.get(storageConfigPath)?.text ?? defaultStorageConfig(paths);
}

/** All definitions as results show them; `digest` is that of the whole document. */
export function listDefinitions(context: Pick<DefinitionContext, 'store' | 'paths'>): {
  definitions: StorageConfig[];
  digest: string;
} {
  const text = currentText(context);
  return { definitions: [...parseStorageConfig(text).storages], digest: storageConfigDigest(text) };
}

export interface ShownDefinition {
  storage: string;
  type: string;
  digest: string;
  [property: string]: unknown;
}

/** A definition as results carry it: switches as 0 and 1, numbers as numbers, the rest as text. */
export function showDefinition(config: StorageConfig, digest: string): ShownDefinition {
  const shown: ShownDefinition = { storage: config.storage, type: config.type, digest };
  for (const [key, text] of Object.entries(config.properties)) {
    const schema = Object.hasOwn(schemas, key) ? schemas[key] : undefined;
    if (schema?.type === 'boolean') shown[key] = isOn(text) ? 1 : 0;
    else shown[key] = schema?.type === 'integer' && /^-?\d+$/.test(text) ? Number(text) : text;
  }
  const content = findStorageType(storageTypes, config.type)?.defaultContent;
  shown.content ??= content?.join(',');
  return shown;
}

/** Defines a storage once it works on this node (where it is meant for it). */
export async function createDefinition(
  context: DefinitionContext,
  typeName: string,
  storage: string,
  values: PropertyValues,
): Promise<StorageConfig> {
  const type = demandStorageType(storageTypes, typeName);
  const properties = toProperties(values);
  for (const key of type.required) {
    if (properties[key] === undefined) {
      throw new ParameterError({ [key]: 'property is missing and it is not optional' });
    }
  }
  properties.content ??= type.defaultContent.join(',');
  const config: StorageConfig = { storage, type: typeName, properties };
  demandSafePath(context, config);
  demandFree(parseForChange(currentText(context)), storage);
  await tryOut(context, type, config);
  await change(context, (configs) => {
    demandFree(configs, storage);
    return [...configs, config];
  });
  return config;
}

export interface DefinitionChange {
  readonly values: PropertyValues;
  /** Properties to remove. */
  readonly remove: readonly string[];
  readonly digest?: string;
}

export async function updateDefinition(
  context: DefinitionContext,
  storage: string,
  { values, remove, digest }: DefinitionChange,
): Promise<StorageConfig> {
  const set = toProperties(values);
  for (const key of remove) demandRemovable(key, set);
  const apply = (config: StorageConfig): StorageConfig => {
    const type = demandStorageType(storageTypes, config.type);
    for (const key of remove) {
      if (type.required.includes(key) || type.fixed.includes(key)) {
        throw new ParameterError({ delete: `unable to delete required option '${key}'` });
      }
    }
    const kept = Object.entries(config.properties).filter(([key]) => !remove.includes(key));
    return { ...config, properties: { ...Object.fromEntries(kept), ...set } };
  };
  const present = find(parseForChange(currentText(context)), storage);
  const wanted = apply(present);
  await tryOut(context, demandStorageType(storageTypes, wanted.type), wanted);
  let changed = wanted;
  await change(context, (configs, text) => {
    if (digest !== undefined && digest !== storageConfigDigest(text)) {
      throw new RyokanError(
        'conflict',
        'detected modified configuration - file changed by other user? Try again.',
      );
    }
    changed = apply(find(configs, storage));
    return configs.map((config) => (config.storage === storage ? changed : config));
  });
  return changed;
}

export async function removeDefinition(context: DefinitionContext, storage: string): Promise<void> {
  await change(context, (configs) => {
    find(configs, storage);
    return configs.filter((config) => config.storage !== storage);
  });
}

async function change(
  { store, paths, author }: DefinitionContext,
  edit: (configs: StorageConfig[], text: string) => StorageConfig[],
): Promise<void> {
  const empty = defaultStorageConfig(paths);
  await update(
    store,
    storageConfigPath,
    (text = empty) => formatStorageConfig(edit(parseForChange(text), text)),
    { author },
  );
}

function find(configs: readonly StorageConfig[], storage: string): StorageConfig {
  const config = configs.find((one) => one.storage === storage);
  if (!config) throw new RyokanError('not-found', `storage '${storage}' does not exist`);
  return config;
}

function demandFree(configs: readonly StorageConfig[], storage: string): void {
  if (configs.some((config) => config.storage === storage)) {
    throw new RyokanError('exists', `storage ID '${storage}' already defined`);
  }
}

function demandRemovable(key: string, set: Readonly<Record<string, string>>): void {
  if (Object.hasOwn(set, key)) {
    throw new ParameterError({ delete: `cannot set and delete '${key}' at the same time` });
  }
  if (!Object.hasOwn(schemas, key)) throw new ParameterError({ delete: `unknown option '${key}'` });
}

/** Values as the document holds them: one line each, lists with commas. */
function toProperties(values: PropertyValues): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const list = String(schemas[key]?.format ?? '').endsWith('-list');
    const text = typeof value === 'boolean' ? String(Number(value)) : String(value);
    properties[key] = list ? splitList(text).join(',') : text;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a line break would start another property
    if (/[\x00-\x1f]/.test(properties[key]))
      throw new ParameterError({ [key]: 'value has control characters' });
  }
  return properties;
}

/** Makes the storage usable here before the definition is saved: what cannot work is refused at once. */
async function tryOut(context: DefinitionContext, type: StorageType, config: StorageConfig): Promise<void> {
  if (isOn(config.properties.disable) || !isForNode(config, context.node)) return;
  if (
    rehearsed(
      `tries out whether '${config.storage}' works on this node, and makes folders of it that are missing`,
    )
  )
    return;
  const driver = type.create(config);
  await driver.activate();
  await driver.status();
}

/** Folders of the system, which a storage would fill with files, and give into the hands of its administrators. */
const systemFolders = [
  '/bin',
  '/boot',
  '/dev',
  '/etc',
  '/lib',
  '/lib64',
  '/proc',
  '/run',
  '/sbin',
  '/sys',
  '/usr',
];

function demandSafePath(
  { paths }: DefinitionContext,
  { properties: { path, is_mountpoint: mount } }: StorageConfig,
): void {
  if (path === undefined) return;
  const clean = normalize(path);
  const isBelow = (folder: string) => clean === folder || clean.startsWith(`${folder}/`);
  if (clean === '' || systemFolders.some(isBelow)) {
    throw new ParameterError({ path: `'${path}' belongs to the system` });
  }
  const state = normalize(paths.root);
  if (isBelow(state) && !isBelow(normalize(paths.storage))) {
    throw new ParameterError({ path: `'${path}' holds the state of this node` });
  }
  if (mount?.startsWith('/') && !isBelow(normalize(mount))) {
    throw new ParameterError({ is_mountpoint: `the storage path does not lie below '${mount}'` });
  }
}

/** Without doubled and trailing slashes; '' for the root. Steps up are refused by the parameter's format. */
const normalize = (path: string): string => path.replace(/\/(\.?\/)+/g, '/').replace(/\/\.?$/, '');
