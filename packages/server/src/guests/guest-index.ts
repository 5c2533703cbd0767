/**
 * What lists need to know of every guest, kept in memory: read once from the store, then kept up by its watch.
 * A damaged document gives an entry with the error, and all others work on.
 */
import { availableParallelism } from 'node:os';
import { messageOf } from '@ryokan/api/errors.ts';
import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { memoryFields } from '@ryokan/api/schema/qemu-options.ts';
import type { ConfigStore } from '../cluster/store.ts';
import { parseConfigFile } from './config-file.ts';
import { parseSize } from './disk-size.ts';
import { type GuestType, parseGuestPath } from './guest-store.ts';
import { defaultHostname } from './lxc/config.ts';
import { isCdrom, salvageDrive } from './qemu/drive-value.ts';

export interface GuestSummary {
  readonly vmid: number;
  readonly type: GuestType;
  readonly node: string;
  readonly name: string;
  readonly cpus: number;
  /** Bytes. */
  readonly maxmem: number;
  /** Of a container, bytes. */
  readonly maxswap?: number;
  /** Size of the boot disk or root file system in bytes. */
  readonly maxdisk: number;
  readonly template: boolean;
  readonly serial: boolean;
  readonly agent: boolean;
  readonly tags?: string | undefined;
  readonly lock?: string | undefined;
  readonly protection: boolean;
  /** The least memory in bytes that automatic ballooning leaves it; 0: no balloon; undefined: not to be touched. */
  readonly balloon?: number;
  /** Its weight in that. */
  readonly shares: number;
  readonly error?: string;
}

const defaultShares = 1000;

export class GuestIndex {
  private readonly guests = new Map<number, GuestSummary>();

  constructor(
    store: ConfigStore,
    /** Called after the entry has changed; `summary` is undefined when the guest is gone. */
    onChange: (vmid: number, summary: GuestSummary | undefined, path: string) => void,
  ) {
    for (const doc of store.list('nodes/')) this.put(doc.path, doc.text);
    store.watch('nodes/', (changes) => {
      for (const { path, doc } of changes) {
        const at = parseGuestPath(path);
        if (!at) continue;
        if (doc) this.put(path, doc.text);
        else if (this.guests.get(at.vmid)?.node === at.node) this.guests.delete(at.vmid);
        onChange(at.vmid, this.guests.get(at.vmid), path);
      }
    });
  }

  get(vmid: number): GuestSummary | undefined {
    return this.guests.get(vmid);
  }

  all(): IterableIterator<GuestSummary> {
    return this.guests.values();
  }

  get size(): number {
    return this.guests.size;
  }

  private put(path: string, text: string): void {
    const at = parseGuestPath(path);
    if (at) this.guests.set(at.vmid, summarize(path, text, at));
  }
}

export function summarize(
  path: string,
  text: string,
  at: { type: GuestType; node: string; vmid: number },
): GuestSummary {
  const empty = {
    ...at,
    cpus: 1,
    maxmem: 0,
    maxdisk: 0,
    template: false,
    serial: false,
    agent: false,
    protection: false,
    shares: defaultShares,
  };
  try {
    const { properties } = parseConfigFile(text, path);
    if (at.type === 'lxc') return { ...empty, ...containerSummary(at.vmid, properties) };
    return {
      ...at,
      name: properties.name ?? `VM ${at.vmid}`,
      cpus: cpuCount(properties),
      maxmem: parsePropertyString(memoryFields, properties.memory ?? '512').current * 1024 ** 2,
      maxdisk: bootDiskSize(properties),
      template: properties.template === '1',
      serial: ['serial0', 'serial1', 'serial2', 'serial3'].some((key) => key in properties),
      agent: /^(enabled=)?1/.test(properties.agent ?? ''),
      tags: properties.tags,
      lock: properties.lock,
      protection: properties.protection === '1',
      ...(properties.balloon === undefined ? {} : { balloon: Number(properties.balloon) * 1024 ** 2 }),
      shares: Number(properties.shares ?? defaultShares),
    };
  } catch (error) {
    return { ...empty, name: `${at.type === 'lxc' ? 'CT' : 'VM '}${at.vmid}`, error: messageOf(error) };
  }
}

/** What a container's document says; the defaults are those of its schema. */
function containerSummary(vmid: number, properties: Readonly<Record<string, string>>) {
  return {
    name: properties.hostname ?? defaultHostname(vmid),
    cpus: Number(properties.cores ?? availableParallelism()),
    maxmem: Number(properties.memory ?? 512) * 1024 ** 2,
    maxswap: Number(properties.swap ?? 512) * 1024 ** 2,
    maxdisk: parseSize(/(?:^|,)size=([^,]+)/.exec(properties.rootfs ?? '')?.[1] ?? '') ?? 0,
    template: properties.template === '1',
    tags: properties.tags,
    lock: properties.lock,
    protection: properties.protection === '1',
  };
}

function cpuCount(properties: Readonly<Record<string, string>>): number {
  const number = (key: string) => Number(properties[key] ?? 0);
  return number('vcpus') || (number('sockets') || 1) * (number('cores') || 1);
}

function bootDiskSize(properties: Readonly<Record<string, string>>): number {
  const order = /order=([\w;]+)/.exec(properties.boot ?? '')?.[1]?.split(';') ?? [];
  const disks = [...order, properties.bootdisk ?? '', 'scsi0', 'virtio0', 'sata0', 'ide0'];
  for (const key of disks) {
    const text = properties[key];
    if (text === undefined || !/^(ide|sata|scsi|virtio)\d+$/.test(key)) continue;
    const drive = salvageDrive(key, text);
    if (drive && !isCdrom(drive) && drive.size !== undefined) return parseSize(drive.size) ?? 0;
  }
  return 0;
}
