/** What the import page has been told: choices over what was recognised. Pure, so that it is tested without a browser. */
import { type ImportChoices, type ImportMetadata, planImport } from '@ryokan/api/import-plan.ts';
import { qemuCreate } from '@ryokan/api/methods/qemu.ts';
import { validate } from '@ryokan/api/validate.ts';

export interface DiskChoice {
  readonly use: boolean;
  readonly storage: string;
  /** '' lets the storage choose. */
  readonly format: string;
}

export interface NetChoice {
  readonly use: boolean;
  /** '' is user networking. */
  readonly bridge: string;
  readonly model: string;
}

export interface ImportDraft {
  readonly vmid: string;
  readonly name: string;
  readonly cores: string;
  /** MiB. */
  readonly memory: string;
  readonly disks: Readonly<Record<string, DiskChoice>>;
  readonly nets: Readonly<Record<string, NetChoice>>;
  readonly newMacs: boolean;
  readonly prepareVirtio: boolean;
  readonly start: boolean;
}

/** Choices with which a look and a click do: everything is imported, to the first storage and the first bridge. */
export function draftOf(
  metadata: ImportMetadata,
  first: { readonly vmid: string; readonly storage: string; readonly bridge: string },
): ImportDraft {
  const args = metadata['create-args'] as Readonly<Record<string, unknown>>;
  const all = <T>(keys: readonly string[], make: (key: string) => T) =>
    Object.fromEntries(keys.map((key) => [key, make(key)]));
  return {
    vmid: first.vmid,
    name: String(args.name ?? ''),
    cores: String(args.cores ?? 2),
    memory: String(args.memory ?? 2048),
    disks: all(Object.keys(metadata.disks), () => ({ use: true, storage: first.storage, format: '' })),
    nets: all(Object.keys(metadata.net), (key) => ({
      use: true,
      bridge: first.bridge,
      model: metadata.net[key]?.model ?? 'virtio',
    })),
    newMacs: false,
    prepareVirtio: false,
    start: false,
  };
}

/** Parameters of the call that creates the guest. */
export function importParams(
  node: string,
  metadata: ImportMetadata,
  draft: ImportDraft,
): Record<string, string> {
  const choices: ImportChoices = {
    vmid: draft.vmid.trim(),
    storage: '',
    disks: Object.fromEntries(
      Object.entries(draft.disks).map(([key, { use, storage, format }]) => [
        key,
        { skip: !use, storage, format },
      ]),
    ),
    nets: Object.fromEntries(
      Object.entries(draft.nets).map(([key, { use, bridge, model }]) => [key, { skip: !use, bridge, model }]),
    ),
    newMacs: draft.newMacs,
    prepareVirtio: draft.prepareVirtio,
    options: {
      cores: draft.cores.trim(),
      memory: draft.memory.trim(),
      ...(draft.name.trim() === '' ? {} : { name: draft.name.trim() }),
      ...(draft.start ? { start: 1 } : {}),
    },
  };
  return { node, ...planImport(metadata, choices) };
}

/** Problems by parameter, by the API's own schema. */
export function problemsOf(
  node: string,
  metadata: ImportMetadata,
  draft: ImportDraft,
): Readonly<Record<string, string>> {
  return validate(qemuCreate.params, importParams(node, metadata, draft)).errors ?? {};
}
