/** From what an import recognised, and what the caller chose, to the parameters of the call that creates the guest. */
import type { ResultOf } from './method.ts';
import type { importMetadata } from './methods/storage-import.ts';

export type ImportMetadata = ResultOf<typeof importMetadata>;

export interface ImportChoices {
  readonly vmid: number | string;
  /** Storage of the disks that have none of their own. */
  readonly storage: string;
  /** Format of the disks that have none of their own; the storage's default when absent. */
  readonly format?: string;
  /** By configuration key; `skip` leaves the disk out. */
  readonly disks?: Readonly<Record<string, { storage?: string; format?: string; skip?: boolean }>>;
  /** Bridge of the cards that have none of their own; without one they are on QEMU's user network. */
  readonly bridge?: string;
  readonly nets?: Readonly<Record<string, { bridge?: string; model?: string; skip?: boolean }>>;
  /** Give the cards new MAC addresses. */
  readonly newMacs?: boolean;
  /**
   * Put SCSI disks on SATA, where every system finds them, and make the SCSI controller virtio: once the guest has the
   * drivers, its disks move there.
   */
  readonly prepareVirtio?: boolean;
  /** Options that are set whatever was recognised. */
  readonly options?: Readonly<Record<string, string | number>>;
}

/** Processor where nothing is said: what a new guest gets too. */
const defaultCpu = 'x86-64-v2-AES';
const gibibyte = 1024 ** 3;

/** Parameters for POST /nodes/{node}/qemu, without the node. */
export function planImport(metadata: ImportMetadata, choices: ImportChoices): Record<string, string> {
  const renamed = choices.prepareVirtio ? sataKeys(metadata) : new Map<string, string>();
  const keyOf = (key: string) => renamed.get(key) ?? key;
  const params: Record<string, string> = { vmid: String(choices.vmid), cpu: defaultCpu };
  const skipped = new Set(
    Object.keys(metadata.disks)
      .filter((key) => choices.disks?.[key]?.skip)
      .map(keyOf),
  );
  for (const [key, value] of Object.entries(metadata['create-args'])) params[keyOf(key)] = String(value);
  if (choices.prepareVirtio) params.scsihw = 'virtio-scsi-single';
  if (params.boot !== undefined) params.boot = bootText(params.boot, keyOf, skipped);
  for (const key of Object.keys(metadata.disks)) {
    if (!skipped.has(keyOf(key))) params[keyOf(key)] = diskText(key, metadata, choices);
  }
  for (const key of Object.keys(metadata.net)) {
    if (!choices.nets?.[key]?.skip) params[key] = netText(key, metadata, choices);
  }
  for (const [key, value] of Object.entries(choices.options ?? {})) params[key] = String(value);
  return params;
}

/** New places for disks and CD drives on SCSI, as far as SATA has any. */
function sataKeys(metadata: ImportMetadata): Map<string, string> {
  const present = [...Object.keys(metadata.disks), ...Object.keys(metadata['create-args'])];
  const free = Array.from({ length: 6 }, (_, index) => `sata${index}`).filter(
    (key) => !present.includes(key),
  );
  const renamed = new Map<string, string>();
  for (const key of present.filter((one) => /^scsi\d+$/.test(one))) {
    const place = free.shift();
    if (place !== undefined) renamed.set(key, place);
  }
  return renamed;
}

function bootText(boot: string, keyOf: (key: string) => string, skipped: ReadonlySet<string>): string {
  const keys = boot
    .replace(/^order=/, '')
    .split(';')
    .map(keyOf);
  return `order=${keys.filter((key) => !skipped.has(key)).join(';')}`;
}

function diskText(key: string, metadata: ImportMetadata, choices: ImportChoices): string {
  const disk = metadata.disks[key];
  const chosen = choices.disks?.[key];
  const storage = chosen?.storage || choices.storage;
  const wanted = chosen?.format || choices.format;
  const format = wanted ? `,format=${wanted}` : '';
  if (disk === undefined || disk === 1) {
    if (key === 'tpmstate0') return `${storage}:1,version=v2.0`;
    return `${storage}:1,efitype=4m${metadata['secure-boot'] ? ',pre-enrolled-keys=1' : ''}${format}`;
  }
  if (disk.volid !== undefined) return `${storage}:0,import-from=${disk.volid}${format}`;
  return `${storage}:${Math.max(1, Math.ceil((disk.size ?? 0) / gibibyte))}${format}`;
}

function netText(key: string, metadata: ImportMetadata, choices: ImportChoices): string {
  const card = metadata.net[key];
  const chosen = choices.nets?.[key];
  const model = chosen?.model || card?.model || 'virtio';
  const mac = card?.macaddr === undefined || choices.newMacs ? '' : `=${card.macaddr}`;
  const bridge = chosen?.bridge ?? choices.bridge;
  return `${model}${mac}${bridge ? `,bridge=${bridge}` : ''}`;
}
