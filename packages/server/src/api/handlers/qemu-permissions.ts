/** Which privilege each option of a QEMU guest needs: the rule behind methods whose record says only "any login". */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { parsePropertyString, readPropertyString } from '@ryokan/api/schema/property-string.ts';
import { qemuNetFields } from '@ryokan/api/schema/qemu-net.ts';
import { cpuFields, hostpciFields, usbFields, virtiofsFields } from '@ryokan/api/schema/qemu-options.ts';
import { parseVolumeId, parseVolumeName, tryParseArchiveMember } from '@ryokan/api/schema/volume-id.ts';
import { salvageGuest } from '../../guests/guest-store.ts';
import { newCloudInitStorage } from '../../guests/qemu/cloud-init/drive.ts';
import { customVolumes } from '../../guests/qemu/cloud-init/snippets.ts';
import { type ConfigChange, isVolumeKey } from '../../guests/qemu/config-change.ts';
import {
  isCdrom,
  isCloudInit,
  namesVolume,
  newVolumeRequest,
  parseDrive,
  salvageDrive,
} from '../../guests/qemu/drive-value.ts';
import { forbiddenTags, tagRules } from '../../guests/tag-rules.ts';
import type { Services } from '../../services.ts';
import { demandReadVolume } from '../../storage/volume-access.ts';
import type { Call } from '../handler-table.ts';

const keysOf = (text: string): string[] => text.split(' ');

const byKey = new Map<string, Privilege>();
const assign = (privilege: Privilege, keys: string) => {
  for (const key of keysOf(keys)) byKey.set(key, privilege);
};
assign('VM.Config.CPU', 'cores sockets cpu cpulimit cpuunits numa smp vcpus affinity');
assign('VM.Config.Memory', 'memory balloon shares allow-ksm');
assign('VM.Config.Disk', 'boot bootdisk vmstatestorage');
assign('VM.Config.Cloudinit', 'cicustom cipassword citype ciuser ciupgrade nameserver searchdomain sshkeys');
assign(
  'VM.Config.HWType',
  'acpi hotplug kvm machine scsihw smbios1 tablet vga watchdog audio0 vmgenid freeze spice_enhancements',
);
assign(
  'VM.Config.Options',
  'agent autostart bios description keyboard localtime migrate_downtime migrate_speed name onboot ostype protection ' +
    'reboot startdate startup tags tdf template',
);

/** What each option needs. Those of no list reach the host, or are new: only root@pam itself sets them. */
function privilegeFor(key: string, text: string | undefined): Privilege | 'root' {
  if (/^serial\d+$/.test(key)) return text === undefined || text === 'socket' ? 'VM.Config.HWType' : 'root';
  if (/^usb\d+$/.test(key))
    return text !== undefined && isSpiceUsb(text) ? 'VM.Config.HWType' : mapped(key, text);
  if (/^hostpci\d+$/.test(key)) return mapped(key, text);
  // The node's hardware generator is slow, and one guest could use it up.
  if (key === 'rng0') return text?.includes('/dev/hwrng') ? 'root' : 'VM.Config.HWType';
  if (/^virtiofs\d+$/.test(key)) return 'VM.Config.Disk';
  if (/^net\d+$/.test(key)) return 'VM.Config.Network';
  if (/^numa\d+$/.test(key)) return 'VM.Config.CPU';
  if (isVolumeKey(key)) return isCdromValue(key, text) ? 'VM.Config.CDROM' : 'VM.Config.Disk';
  return byKey.get(key) ?? 'root';
}

/** A device of the node is root's to give away; one that an administrator has named needs that name's permission. */
function mapped(key: string, text: string | undefined): Privilege | 'root' {
  return text !== undefined && mappingOf(key, text) !== undefined ? 'VM.Config.HWType' : 'root';
}

/** ACL path of the mapping or custom model that a value uses. */
function mappingOf(key: string, text: string): string | undefined {
  if (key.startsWith('virtiofs')) return `/mapping/dir/${parsePropertyString(virtiofsFields, text).dirid}`;
  if (key === 'cpu') {
    const type = readPropertyString(cpuFields, text).value?.cputype;
    return type?.startsWith('custom-') ? `/mapping/cpu/${type.slice('custom-'.length)}` : undefined;
  }
  const kind = key.startsWith('usb') ? 'usb' : 'pci';
  const fields = kind === 'usb' ? usbFields : hostpciFields;
  const { host, mapping } = readPropertyString(fields, text).value ?? {};
  return mapping === undefined || host !== undefined ? undefined : `/mapping/${kind}/${mapping}`;
}

function isSpiceUsb(text: string): boolean {
  const { host, mapping } = readPropertyString(usbFields, text).value ?? {};
  return host?.toLowerCase() === 'spice' && mapping === undefined;
}

function isCdromValue(key: string, text: string | undefined): boolean {
  const drive = text === undefined ? undefined : salvageDrive(key, text);
  return drive !== undefined && isCdrom(drive);
}

function isCloudInitValue(key: string, text: string | undefined): boolean {
  const drive = text === undefined || !isVolumeKey(key) ? undefined : salvageDrive(key, text);
  return drive !== undefined && isCloudInit(drive);
}

/** New guests: VM.Allocate, and for each option what changing it would need. */
export function demandCreate(
  call: Call,
  params: { vmid: number; pool?: string },
  change: ConfigChange,
): void {
  const { vmid, pool } = params;
  const guest: Guest = { path: `/vms/${vmid}`, pool: pool === undefined ? undefined : `/pool/${pool}` };
  demandOn(call, guest, ['VM.Allocate']);
  demandOptions(call, guest, change, {});
}

/** Where the rights on a guest stand: its own path or, while it is being made, that of the pool it will be in. */
interface Guest {
  readonly path: string;
  readonly pool?: string | undefined;
}

function demandOn(call: Call, { path, pool }: Guest, privileges: readonly Privilege[], any = false): void {
  if (pool === undefined || !call.can(pool, privileges, any)) call.demand(path, privileges, any);
}

/** The record has asked for any of the configuration privileges; here each key is looked at. */
export function demandConfigChange(services: Services, call: Call, vmid: number, change: ConfigChange): void {
  if (call.isRoot) return;
  const { properties } = salvageGuest(services.store, 'qemu', services.settings.node, vmid).file;
  demandOptions(call, { path: `/vms/${vmid}` }, change, properties);
  const { tags } = change.set;
  if (tags !== undefined || change.delete.includes('tags')) demandTags(services, call, properties.tags, tags);
}

/** The datacenter may keep some tags to its administrators, and leave others to a list. */
export function demandTags(
  { store }: Pick<Services, 'store'>,
  call: Call,
  before: string | undefined,
  after: string | undefined,
): void {
  if (call.can('/', ['Sys.Modify'])) return;
  const forbidden = forbiddenTags(tagRules(store), before, after);
  if (forbidden.length === 0) return;
  throw new RyokanError(
    'forbidden',
    `tags ${forbidden.map((tag) => `'${tag}'`).join(', ')} may be set and removed by administrators of the datacenter only`,
  );
}

function demandOptions(
  call: Call,
  guest: Guest,
  change: ConfigChange,
  present: Readonly<Record<string, string>>,
): void {
  if (call.isRoot) return;
  // What stands there now counts too: a new value takes it away, and so does removing it.
  for (const key of [...change.delete, ...change.revert]) demandKey(call, guest, key, present[key]);
  for (const [key, text] of Object.entries(change.set)) {
    if (present[key] !== undefined) demandKey(call, guest, key, present[key]);
    demandKey(call, guest, key, text);
    if (isMappable(key)) demandMapping(call, key, text);
    if (isVolumeKey(key)) demandVolume(call, key, text);
    else if (/^net\d+$/.test(key)) demandBridge(call, text);
    // What a guest is given, its owner can read.
    else if (key === 'cicustom') for (const [, volid] of customVolumes(text)) demandSource(call, volid);
  }
}

function demandKey(call: Call, guest: Guest, key: string, text: string | undefined): void {
  if (isCloudInitValue(key, text)) {
    return demandOn(call, guest, ['VM.Config.Cloudinit', 'VM.Config.CDROM']);
  }
  if (/^ipconfig\d+$/.test(key) || byKey.get(key) === 'VM.Config.Cloudinit') {
    return demandOn(call, guest, ['VM.Config.Cloudinit', 'VM.Config.Network'], true);
  }
  if (key === 'lock') return demandSkiplock(call, true);
  const privilege = privilegeFor(key, text);
  if (privilege === 'root') throw onlyRoot(key);
  demandOn(call, guest, [privilege]);
}

function demandVolume(call: Call, key: string, text: string): void {
  const drive = parseDrive(key, text);
  const source = drive['import-from'];
  if (drive.file.startsWith('/') || source?.startsWith('/')) {
    throw new RyokanError('forbidden', `only root can use a path of the host as '${key}'`);
  }
  if (source !== undefined) demandSource(call, source);
  // The drive of the node itself.
  if (drive.file === 'cdrom') call.demand('/', ['Sys.Console']);
  const cloudInit = newCloudInitStorage(drive);
  if (cloudInit !== undefined) return call.demand(`/storage/${cloudInit}`, ['Datastore.AllocateSpace']);
  const request = newVolumeRequest(drive);
  if (request) return call.demand(`/storage/${request.storage}`, ['Datastore.AllocateSpace']);
  if (!namesVolume(drive)) return;
  const storage = drive.file.slice(0, drive.file.indexOf(':'));
  call.demand(`/storage/${storage}`, ['Datastore.Audit', 'Datastore.AllocateSpace'], true);
}

/** A copy of a volume shows all that is in it. */
function demandSource(call: Call, volid: string): void {
  const { storage, name } = parseVolumeId(tryParseArchiveMember(volid)?.archive ?? volid);
  const volume = parseVolumeName(name);
  const content = volume.kind === 'image' ? 'images' : volume.content;
  demandReadVolume(call, { storage, content, ...(volume.vmid === undefined ? {} : { vmid: volume.vmid }) });
}

/** What reaches the node or its networks needs the same rights in a copy of a guest as in a new one. */
export function demandDevices(call: Call, properties: Readonly<Record<string, string>>): void {
  if (call.isRoot) return;
  for (const [key, text] of Object.entries(properties)) {
    if (/^net\d+$/.test(key)) demandBridge(call, text);
    else if (isMappable(key)) {
      if (privilegeFor(key, text) === 'root') throw onlyRoot(key);
      demandMapping(call, key, text);
    } else if (isVolumeKey(key) && parseDrive(key, text).file === 'cdrom') call.demand('/', ['Sys.Console']);
  }
}

const isMappable = (key: string): boolean => /^(?:cpu|usb\d+|hostpci\d+|virtiofs\d+)$/.test(key);

function demandMapping(call: Call, key: string, text: string): void {
  const mapping = mappingOf(key, text);
  if (mapping !== undefined) call.demand(mapping, ['Mapping.Use']);
}

const onlyRoot = (key: string) =>
  new RyokanError('forbidden', `only root can set '${key}' config; leave it as it is`);

function demandBridge(call: Call, text: string): void {
  const { bridge, tag } = parsePropertyString(qemuNetFields, text);
  if (bridge === undefined) return;
  call.demand(`/sdn/zones/localnetwork/${bridge}${tag === undefined ? '' : `/${tag}`}`, ['SDN.Use']);
}

/** Acting on a guest that is locked is for administrators of the cluster, with a token too. */
export function demandSkiplock(call: Call, skiplock: boolean | undefined): void {
  if (skiplock) call.demand('/', ['Sys.Modify']);
}
