/**
 * The document `storage.cfg`: which storages there are. Sections of the text format of Proxmox VE:
 *
 *     dir: local
 *     	path /var/lib/vz
 *     	content iso,vztmpl,backup
 *     	shared
 *
 * A property without a value is a boolean that is on. Properties that nobody here knows are kept.
 */
import { createHash } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import type { ContentType, StorageConfig } from './driver.ts';

export const storageConfigPath = 'storage.cfg';

export interface StorageDocument {
  /** In order of the document. */
  readonly storages: readonly StorageConfig[];
  /** What could not be read, with line numbers; the rest of the document holds nevertheless. */
  readonly problems: readonly string[];
}

/** Reads a document. Never throws: one bad section must not take the other storages away. */
export function parseStorageConfig(text: string): StorageDocument {
  const storages = new Map<string, StorageConfig>();
  const problems: string[] = [];
  let section: Record<string, string> | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const problem = (what: string) => problems.push(`storage.cfg line ${index + 1}: ${what}`);
    if (/^\s*(#.*)?$/.test(line)) {
      if (line.trim() === '') section = undefined;
      continue;
    }
    const head = /^([a-z][a-z0-9]*):\s+([a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9])\s*$/.exec(line);
    if (head) {
      const [, type, storage] = head as unknown as [string, string, string];
      section = Object.create(null) as Record<string, string>;
      if (storages.has(storage)) problem(`storage '${storage}' is defined twice; the first one counts`);
      else storages.set(storage, { storage, type, properties: section });
      continue;
    }
    const property = /^\s+([a-zA-Z][a-zA-Z0-9_-]*)(?:\s(.*))?$/.exec(line.trimEnd());
    if (!property || !section) {
      problem('neither `type: storage` nor an indented property');
      if (!property) section = undefined;
    } else section[property[1] as string] = property[2]?.trimStart() ?? '1';
  }
  return { storages: [...storages.values()], problems };
}

/** Writes a document; the opposite of parseStorageConfig. */
export function formatStorageConfig(storages: readonly StorageConfig[]): string {
  return storages
    .map(({ storage, type, properties }) => {
      const lines = Object.entries(properties).map(([key, value]) => `\t${key} ${value}\n`);
      return `${type}: ${storage}\n${lines.join('')}`;
    })
    .join('\n');
}

/** Reads a document that is about to be changed. Throws when parts are unreadable: writing would lose them. */
export function parseForChange(text: string): StorageConfig[] {
  const { storages, problems } = parseStorageConfig(text);
  if (problems.length > 0) {
    throw new RyokanError('state', `cannot change storage.cfg before it is repaired: ${problems.join('; ')}`);
  }
  return [...storages];
}

/** SHA-1 of the document: what clients send back as `digest`. */
export function storageConfigDigest(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

/** The document of a new node: one storage `local` in the node's own data folder. */
export function defaultStorageConfig(paths: { readonly storage: string }): string {
  return formatStorageConfig([
    {
      storage: 'local',
      type: 'dir',
      properties: {
        path: paths.storage,
        content: 'images,rootdir,iso,vztmpl,backup,snippets,import',
        // Snapshots are expected of a first disk; a raw file in a folder has none.
        format: 'qcow2',
      },
    },
  ]);
}

/** Booleans of storage.cfg. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(1|on|yes|true)$/i.test(value);
}

const contentTypes: readonly string[] = [
  'images',
  'rootdir',
  'iso',
  'vztmpl',
  'backup',
  'snippets',
  'import',
] satisfies ContentType[];

/** The content types that a storage's configuration allows; `fallback` when it does not say. */
export function contentOf(
  config: StorageConfig,
  fallback: readonly ContentType[] = [],
): readonly ContentType[] {
  const text = config.properties.content;
  if (text === undefined) return fallback;
  return splitList(text).filter((type): type is ContentType => contentTypes.includes(type));
}

/** Is the storage meant for this node? Without `nodes` it is for all. */
export function isForNode(config: StorageConfig, node: string): boolean {
  const nodes = config.properties.nodes;
  return nodes === undefined || splitList(nodes).includes(node);
}
