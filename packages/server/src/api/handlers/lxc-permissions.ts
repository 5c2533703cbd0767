/** Which privilege each option of a container needs: the rule behind methods whose record says only "any login". */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import type { ConfigChange } from '../../guests/config-change.ts';
import { salvageGuest } from '../../guests/guest-store.ts';
import { parseCard } from '../../guests/lxc/card.ts';
import { isVolumeKey } from '../../guests/lxc/config-change.ts';
import { newVolumeRequest, parseVolume, volumeKind } from '../../guests/lxc/volume-value.ts';
import type { Services } from '../../services.ts';
import type { Call } from '../handler-table.ts';
import { demandTags } from './qemu-permissions.ts';

const byKey = new Map<string, Privilege>();
const assign = (privilege: Privilege, keys: string) => {
  for (const key of keys.split(' ')) byKey.set(key, privilege);
};
assign('VM.Config.CPU', 'cores cpulimit cpuunits');
assign('VM.Config.Memory', 'memory swap');
assign('VM.Config.Network', 'nameserver searchdomain hostname');
assign(
  'VM.Config.Options',
  'onboot description tags startup protection template ostype arch console tty cmode timezone entrypoint env features unprivileged',
);

/** Options of no list reach the node, or are new: only root@pam itself sets them. */
function privilegeFor(key: string): Privilege | 'root' {
  if (isVolumeKey(key)) return 'VM.Config.Disk';
  if (/^net\d+$/.test(key)) return 'VM.Config.Network';
  return byKey.get(key) ?? 'root';
}

/** New containers: VM.Allocate, and for each option what changing it would need. */
export function demandLxcCreate(
  call: Call,
  params: { readonly vmid: number; readonly pool?: string | undefined },
  change: ConfigChange,
): void {
  const { vmid, pool } = params;
  const path = `/vms/${vmid}`;
  if (!(pool !== undefined && call.can(`/pool/${pool}`, ['VM.Allocate']))) call.demand(path, ['VM.Allocate']);
  if (change.set.unprivileged === '0') call.demand('/', ['Sys.Modify']);
  demandOptions(call, path, change, {}, true);
}

/** The record has asked for any of the configuration privileges; here each key is looked at. */
export function demandLxcChange(services: Services, call: Call, vmid: number, change: ConfigChange): void {
  if (call.isRoot) return;
  const { properties } = salvageGuest(services.store, 'lxc', services.settings.node, vmid).file;
  demandOptions(call, `/vms/${vmid}`, change, properties, (properties.unprivileged ?? '0') === '1');
  const { tags } = change.set;
  if (tags !== undefined || change.delete.includes('tags')) demandTags(services, call, properties.tags, tags);
}

function demandOptions(
  call: Call,
  path: string,
  change: ConfigChange,
  present: Readonly<Record<string, string>>,
  unprivileged: boolean,
): void {
  if (call.isRoot) return;
  for (const key of [...change.delete, ...change.revert]) demandKey(call, path, key);
  for (const [key, text] of Object.entries(change.set)) {
    demandKey(call, path, key);
    if (isVolumeKey(key)) {
      demandVolume(call, key, text);
      const before = present[key];
      if (before !== undefined) demandVolume(call, key, before);
    } else if (key === 'features') demandFeatures(text, unprivileged);
    else if (/^net\d+$/.test(key)) demandCardBridge(call, key, text);
  }
}

function demandKey(call: Call, path: string, key: string): void {
  const privilege = privilegeFor(key);
  if (privilege === 'root') throw new RyokanError('forbidden', `only root can set '${key}' config`);
  call.demand(path, [privilege]);
}

function demandVolume(call: Call, key: string, text: string): void {
  const value = parseVolume(key, text);
  if (volumeKind(value) !== 'volume') {
    throw new RyokanError('forbidden', `only root can use a directory or device of the node as '${key}'`);
  }
  const request = newVolumeRequest(value);
  if (request) return call.demand(`/storage/${request.storage}`, ['Datastore.AllocateSpace']);
  const storage = value.volume.slice(0, value.volume.indexOf(':'));
  if (storage !== '')
    call.demand(`/storage/${storage}`, ['Datastore.Audit', 'Datastore.AllocateSpace'], true);
}

/** Nesting in an unprivileged container reaches nothing of the node; all else is root's to give. */
function demandFeatures(text: string, unprivileged: boolean): void {
  const others = text.split(',').filter((part) => !/^nesting=/.test(part));
  if (others.length === 0 && unprivileged) return;
  throw new RyokanError(
    'forbidden',
    unprivileged
      ? "only root can change features other than 'nesting'"
      : 'only root can change the features of privileged containers',
  );
}

export function demandCardBridge(call: Call, key: string, text: string): void {
  const { bridge, tag } = parseCard(key, text);
  if (bridge === undefined) return;
  call.demand(`/sdn/zones/localnetwork/${bridge}${tag === undefined ? '' : `/${tag}`}`, ['SDN.Use']);
}
