/** A sync of a directory: read everything, then change users and groups in one transaction. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigStore } from '../../../cluster/store.ts';
import { copyOfAccess, editAccess } from '../../access-documents.ts';
import { type RealmConfig, realmSecret, realms, requireRealm } from '../realm-config.ts';
import { type DirectoryContent, readDirectory } from './read.ts';
import { type DirectorySettings, directorySettings } from './settings.ts';
import { applySync, type SyncOptions, type SyncResult } from './sync-plan.ts';

export interface SyncPreview extends SyncResult {
  readonly url: string;
  readonly users: number;
  readonly groups: number;
}

/** What a sync is told; what is missing comes from the realm's sync-defaults-options. */
export interface SyncRequest {
  readonly scope?: 'users' | 'groups' | 'both' | undefined;
  readonly 'enable-new'?: boolean | undefined;
  readonly 'remove-vanished'?: string | undefined;
  readonly full?: boolean | undefined;
  readonly purge?: boolean | undefined;
}

/** The settings of a realm that exists, with its password. Throws RyokanError 'not-found', 'unsupported', 'failed'. */
export function storedDirectory(store: ConfigStore, realm: string): DirectorySettings {
  return directorySettings(requireRealm(store, realm), realmSecret(store, realm, 'password'));
}

/**
 * Reads the directory and brings users and groups in line. Throws RyokanError 'failed' when the directory cannot be read
 * to its end, or has nobody at all while users are to be removed: nothing has changed then.
 */
export async function syncRealm(
  store: ConfigStore,
  settings: DirectorySettings,
  options: SyncOptions,
  author: string,
  signal?: AbortSignal,
): Promise<SyncPreview> {
  const content = await read(settings, options, signal);
  guardAgainstNobody(settings, content, options);
  const { realm } = settings;
  const result = await editAccess(store, author, (state) => applySync(state, realm, content, options));
  return withCounts(content, result);
}

/** What syncRealm would do. */
export async function previewSync(
  store: ConfigStore,
  settings: DirectorySettings,
  options: SyncOptions,
  signal?: AbortSignal,
): Promise<SyncPreview> {
  const content = await read(settings, options, signal);
  const result = applySync(copyOfAccess(store), settings.realm, content, options);
  return withCounts(content, result);
}

const read = (settings: DirectorySettings, { scope }: SyncOptions, signal?: AbortSignal) =>
  readDirectory(settings, { groups: scope !== 'users', ...(signal ? { signal } : {}) });

const withCounts = (content: DirectoryContent, result: SyncResult): SyncPreview => ({
  ...result,
  url: content.url,
  users: content.users.length,
  groups: content.groups.length,
});

function guardAgainstNobody(
  { realm }: DirectorySettings,
  { users }: DirectoryContent,
  { removeEntries, removeAcl }: SyncOptions,
): void {
  if (users.length > 0 || !(removeEntries || removeAcl)) return;
  throw new RyokanError(
    'failed',
    `realm '${realm}': no user was found, so nothing was removed: check base_dn, filter, user_classes and the rights of bind_dn`,
  );
}

/** The options of a sync out of what was asked and the realm's defaults. */
export function syncOptions(store: ConfigStore, { options }: RealmConfig, request: SyncRequest): SyncOptions {
  const defaults = readDefaults(options.get('sync-defaults-options'));
  const full = request.full ?? defaults.full === '1';
  const purge = request.purge ?? defaults.purge === '1';
  const old = [...(full ? ['entry', 'properties'] : []), ...(purge ? ['acl'] : [])].join(';');
  const vanished = request['remove-vanished'] ?? defaults['remove-vanished'] ?? old;
  const parts = new Set(vanished.split(';'));
  const scope = request.scope ?? defaults.scope;
  return {
    scope: scope === 'users' || scope === 'groups' ? scope : 'both',
    enableNew: request['enable-new'] ?? defaults['enable-new'] !== '0',
    removeEntries: parts.has('entry'),
    removeAcl: parts.has('acl'),
    removeProperties: parts.has('properties'),
    realms: realms(store).map((one) => one.realm),
  };
}

function readDefaults(text = ''): Readonly<Record<string, string>> {
  return Object.fromEntries(text.split(',').map((part) => part.split('=').map((one) => one.trim())));
}
