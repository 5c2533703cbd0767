/**
 * What a call changes in a guest's configuration: which keys are set, removed or reverted, and what waits for the next
 * start. The same for every kind of guest; `ConfigKind` says what its keys mean.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import type { ConfigProperties, GuestConfigFile, PendingSection } from './config-file.ts';
import { configValueText } from './config-values.ts';

export interface ConfigChange {
  /** New values as text. */
  readonly set: ConfigProperties;
  readonly delete: readonly string[];
  readonly revert: readonly string[];
  /** With `delete`: remove volumes too. */
  readonly force: boolean;
}

/** What the keys of one kind of guest mean. */
export interface ConfigKind {
  /** Every key that a call can set. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Keys that hold at once, also while the guest runs. */
  readonly immediate: ReadonlySet<string>;
  readonly unusedKeys: readonly string[];
  isVolumeKey(key: string): boolean;
  /** The volume of a key that is kept as unusedN when nothing uses it any more. */
  volumeOf(key: string, text: string): string | undefined;
  /** Any volume that is the guest's own. */
  ownVolumeOf(key: string, text: string): string | undefined;
}

/** Collects the change from a call's parameters. */
export function readChange(
  kind: Pick<ConfigKind, 'fields'>,
  params: Readonly<Record<string, unknown>>,
): ConfigChange {
  const set: Record<string, string> = {};
  for (const key of Object.keys(kind.fields)) {
    const value = params[key];
    if (value !== undefined) set[key] = configValueText(value as string | number | boolean);
  }
  if (set.tags !== undefined) set.tags = [...new Set(splitList(set.tags.toLowerCase()))].sort().join(';');
  const keys = (name: string) => splitList(String(params[name] ?? ''));
  const change = { set, delete: keys('delete'), revert: keys('revert'), force: params.force === true };
  for (const key of [...change.delete, ...change.revert]) {
    if (!(key in kind.fields))
      throw new RyokanError('parameter', `unknown setting '${key}'`, { context: { key } });
    if (key in set) {
      throw new RyokanError('parameter', `'${key}' can be set or removed in one call, not both`, {
        context: { key },
      });
    }
  }
  return change;
}

/** Every set of properties in a document: those of now, those that wait, those of its snapshots. */
export function allProperties(file: GuestConfigFile): ConfigProperties[] {
  return [file.properties, file.pending.properties, ...Object.values(file.snapshots)];
}

/** What a change does to the documents of one kind of guest. */
export function configChanges(kind: ConfigKind) {
  /** Puts the change into the document: at once, or for a running guest into [PENDING]. Volumes are not touched here. */
  function mergeChange(file: GuestConfigFile, change: ConfigChange, running: boolean): GuestConfigFile {
    const properties: Record<string, string> = { ...file.properties };
    const pending: Record<string, string> = { ...file.pending.properties };
    const removed: Record<string, { force: boolean }> = { ...file.pending.delete };
    for (const key of [...change.revert, ...change.delete, ...Object.keys(change.set)]) {
      delete pending[key];
      delete removed[key];
    }
    for (const key of change.delete) {
      if (!(key in properties)) continue;
      if (running && !kind.immediate.has(key) && !key.startsWith('unused'))
        removed[key] = { force: change.force };
      else detach(properties, key, change.force);
    }
    for (const [key, value] of Object.entries(change.set)) {
      if (!running || kind.immediate.has(key) || key.startsWith('unused')) assign(properties, key, value);
      else if (properties[key] !== value) pending[key] = value;
    }
    // A new disk that waited for the next start and is not wanted any more: its volume is there already.
    for (const [key, value] of Object.entries(file.pending.properties)) {
      if (pending[key] === value || !kind.isVolumeKey(key)) continue;
      const volid = kind.volumeOf(key, value);
      if (volid !== undefined && !namedIn(pending, volid)) keepUnused(properties, key, value);
    }
    return { ...file, properties, pending: { properties: pending, delete: removed } };
  }

  /** A document with its pending changes carried out: what a start does first. `only`: that key's, while it runs. */
  function applyPending(file: GuestConfigFile, only?: string): GuestConfigFile {
    const properties: Record<string, string> = { ...file.properties };
    const pending = { properties: { ...file.pending.properties }, delete: { ...file.pending.delete } };
    const due = (key: string) => only === undefined || key === only;
    for (const [key, { force }] of Object.entries(file.pending.delete).filter(([key]) => due(key))) {
      detach(properties, key, force);
      delete pending.delete[key];
    }
    for (const [key, value] of Object.entries(file.pending.properties).filter(([key]) => due(key))) {
      assign(properties, key, value);
      delete pending.properties[key];
    }
    return { ...file, properties, pending };
  }

  /** Sets a key. A disk that another one replaces stays as unusedN; one that comes into use is unused no more. */
  function assign(properties: Record<string, string>, key: string, value: string): void {
    const before = properties[key];
    properties[key] = value;
    if (!kind.isVolumeKey(key) || key.startsWith('unused')) return;
    const volid = kind.volumeOf(key, value);
    for (const unused of kind.unusedKeys) {
      if (properties[unused] !== undefined && kind.volumeOf(unused, properties[unused]) === volid)
        delete properties[unused];
    }
    if (before !== undefined && kind.volumeOf(key, before) !== volid) keepUnused(properties, key, before);
  }

  /** Removes a key. Its disk stays as unusedN, unless its volume is to go too. */
  function detach(properties: Record<string, string>, key: string, force: boolean): void {
    const before = properties[key];
    delete properties[key];
    if (before !== undefined && kind.isVolumeKey(key) && !key.startsWith('unused') && !force) {
      keepUnused(properties, key, before);
    }
  }

  function keepUnused(properties: Record<string, string>, key: string, text: string): void {
    const volid = kind.volumeOf(key, text);
    if (volid === undefined || namedIn(properties, volid)) return;
    const free = kind.unusedKeys.find((unused) => !(unused in properties));
    if (!free) throw new RyokanError('failed', 'all unusedN keys are taken; remove unused disks first');
    properties[free] = volid;
  }

  const namedIn = (properties: ConfigProperties, volid: string): boolean =>
    Object.entries(properties).some(
      ([key, text]) => kind.isVolumeKey(key) && kind.ownVolumeOf(key, text) === volid,
    );

  /** Does anything in the document name this volume? */
  function namesAnywhere(file: GuestConfigFile, volid: string): boolean {
    return allProperties(file).some((properties) => namedIn(properties, volid));
  }

  /** Does a snapshot name this volume? */
  function inSnapshot(file: GuestConfigFile, volid: string): boolean {
    return Object.values(file.snapshots).some((properties) => namedIn(properties, volid));
  }

  /** Volumes that `before` names and `after` no longer does: they go when the change was a forced removal. */
  function droppedVolumes(before: ConfigProperties, after: ConfigProperties): string[] {
    const volumes = (properties: ConfigProperties) =>
      new Set(
        Object.entries(properties)
          .filter(([key]) => kind.isVolumeKey(key))
          .map(([key, text]) => kind.ownVolumeOf(key, text))
          .filter((volid) => volid !== undefined),
      );
    const kept = volumes(after);
    return [...volumes(before)].filter((volid) => !kept.has(volid));
  }

  return { mergeChange, applyPending, namesAnywhere, inSnapshot, droppedVolumes };
}

/** A value as callers see it: nobody reads the password of cloud-init back. */
export function shownValue(key: string, text: string): string {
  return key === 'cipassword' ? '**********' : text;
}

/**
 * One row of the `pending` view for each key, and the digest of what they are made of, so that a form can send it back.
 * `reasons`: why changes of the running guest wait, where that is known.
 */
export function pendingRows(
  { file, digest }: { readonly file: GuestConfigFile; readonly digest: string },
  reasons: Readonly<Record<string, string>> = {},
): { key: string; value?: string; pending?: string; delete?: number; reason?: string }[] {
  const { properties, pending } = file;
  const keys = new Set([...Object.keys(properties), ...Object.keys(pending.properties)]);
  const rows = [...keys].sort().map((key) => {
    const removal = pending.delete[key];
    return {
      key,
      ...(properties[key] === undefined ? {} : { value: shownValue(key, properties[key]) }),
      ...(pending.properties[key] === undefined ? {} : { pending: shownValue(key, pending.properties[key]) }),
      ...(removal ? { delete: removal.force ? 2 : 1 } : {}),
      ...(reasons[key] === undefined ? {} : { reason: reasons[key] }),
    };
  });
  return [...rows, { key: 'digest', value: digest }];
}

/** Values with pending changes applied, the view that editors show. */
export function withPending(properties: ConfigProperties, pending: PendingSection): ConfigProperties {
  const merged: Record<string, string> = { ...properties, ...pending.properties };
  for (const key of Object.keys(pending.delete)) delete merged[key];
  return merged;
}
