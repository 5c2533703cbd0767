/** Creating a container: its volumes, the template unpacked into them, the first set-up, the stored configuration. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { lxcMountKeys, lxcNetKeys } from '@ryokan/api/schema/lxc-config.ts';
import { stagedFileUndo } from '../../storage/storage-undo.ts';
import type { ConfigChange } from '../config-change.ts';
import { newConfigFile } from '../config-file.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';
import { readGuest, writeGuest } from '../guest-store.ts';
import { checkHookscript } from '../hookscript.ts';
import { completeCard } from './card.ts';
import { requireLxcConfig } from './config.ts';
import { idRanges } from './ids.ts';
import { setUpInside } from './set-up-inside.ts';
import { detectSystem } from './setup/detect.ts';
import { ContainerTree } from './setup/tree.ts';
import { withMounted } from './task-mount.ts';
import type { ContainerProgram } from './template/oci-program.ts';
import { unpackTemplate } from './template/unpack.ts';
import { formatVolume, newVolumeRequest, parseVolume } from './volume-value.ts';
import { prepareVolume, type VolumeOwner } from './volumes.ts';

export interface CreateOptions {
  readonly change: ConfigChange;
  /** Volume id of the template. */
  readonly template: string;
  /** For volumes that say a size and no storage. */
  readonly storage?: string | undefined;
  readonly password?: string | undefined;
  readonly sshKeys?: string | undefined;
}

/** Fills a claimed VMID. Everything made on the way is registered for undo. */
export async function createContainer(
  services: GuestServices,
  vmid: number,
  options: CreateOptions,
  context: ChangeContext,
): Promise<void> {
  const values = withDefaults(services, options);
  if (values.hookscript !== undefined) await checkHookscript(services, values.hookscript);
  const ids = idRanges(requireLxcConfig(withoutVolumes(values), vmid));
  if (ids.length === 0) {
    context.warn(
      'the container is privileged: whoever is root in it may become root of this node; prefer unprivileged=1',
    );
  }
  const owner: VolumeOwner = { services, vmid, ids };
  for (const key of ['rootfs', ...lxcMountKeys]) {
    const text = values[key];
    if (text !== undefined) values[key] = await prepareVolume(owner, key, text, context);
    context.signal.throwIfAborted();
  }
  await fill(owner, values, options, context);
  const claimed = readGuest(services.store, 'lxc', services.settings.node, vmid);
  await writeGuest(services.store, claimed, newConfigFile(values), 'create');
}

/** What is in the template, and the first set-up, into its mounted volumes. */
async function fill(
  owner: VolumeOwner,
  values: Record<string, string>,
  options: CreateOptions,
  context: ChangeContext,
): Promise<void> {
  const { services, vmid, ids } = owner;
  const archive = await services.storage.path(options.template);
  await withMounted(owner, values, context, async (root) => {
    const { program } = await unpackTemplate({
      archive,
      root,
      ids,
      scratch: services.paths.run,
      onScratch: (path) => context.undo(stagedFileUndo, { path }),
      signal: context.signal,
      onProgress: (fraction) => context.progress?.(fraction, 'unpacking'),
      log: (line) => context.log(line),
    });
    if (program) takeProgram(values, program);
    const found = detectSystem(new ContainerTree(root, ids));
    values.ostype ??= found.ostype;
    values.arch ??= found.arch ?? 'amd64';
    const config = requireLxcConfig(values, vmid);
    const { password, sshKeys } = options;
    await setUpInside({
      ...{ vmid, root, ids, config, password, sshKeys },
      made: 'new',
      log: (line) => context.log(line),
    });
  });
}

/** An OCI image says what runs in the container; what the caller has said goes before it. */
function takeProgram(values: Record<string, string>, { entrypoint, env, lxc }: ContainerProgram): void {
  if (values.entrypoint === undefined && entrypoint !== undefined) values.entrypoint = entrypoint;
  if (values.env === undefined && env !== undefined) values.env = env;
  const lines = lxc.map(([key, value]) => `${key}: ${value}`);
  if (lines.length > 0) values.lxc = [...(values.lxc ? [values.lxc] : []), ...lines].join('\n');
}

/** The configuration as it is going to be stored, volumes still as the caller has asked for them. */
function withDefaults(services: GuestServices, { change, storage }: CreateOptions): Record<string, string> {
  const values: Record<string, string> = { memory: '512', swap: '512', unprivileged: '1', ...change.set };
  values.rootfs ??= `${storage ?? 'local'}:${defaultRootSize}`;
  values.rootfs = withStorage(values.rootfs, storage);
  for (const key of lxcNetKeys) {
    const text = values[key];
    if (text !== undefined) values[key] = completeCard(key, text, services.store);
  }
  return values;
}

/** GiB of a root file system for which nobody gave a size. */
const defaultRootSize = 4;

/** `rootfs=8` is a size alone; the storage comes from the parameter of that name. */
function withStorage(text: string, storage = 'local'): string {
  const value = parseVolume('rootfs', text);
  return /^\d+(\.\d+)?$/.test(value.volume)
    ? formatVolume('rootfs', { ...value, volume: `${storage}:${value.volume}` })
    : text;
}

const withoutVolumes = (values: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter(([key]) => key !== 'rootfs' && !/^mp\d+$/.test(key)));

/** Storages that get new volumes: for the check of rights and of room before the task. */
export function storagesOf(change: ConfigChange, storage: string | undefined): string[] {
  const asked = ['rootfs', ...lxcMountKeys].flatMap((key) => {
    const text =
      change.set[key] ?? (key === 'rootfs' ? `${storage ?? 'local'}:${defaultRootSize}` : undefined);
    if (text === undefined) return [];
    return (
      newVolumeRequest(parseVolume(key, key === 'rootfs' ? withStorage(text, storage) : text))?.storage ?? []
    );
  });
  return [...new Set(asked)];
}

/** Refuses what is no template before a task is made. */
export async function demandTemplate(services: GuestServices, volid: string): Promise<void> {
  const volume = await services.storage.info(volid);
  if (volume.content === 'vztmpl') return;
  throw new RyokanError(
    'parameter',
    volume.content === 'backup'
      ? `'${volid}' is a backup: restoring containers is not possible yet`
      : `'${volid}' is of content type '${volume.content}'; a container is made of a template (vztmpl)`,
    { context: { key: 'ostemplate' } },
  );
}
