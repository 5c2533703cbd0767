/**
 * What the permission matrix cannot read off the registry, with the reason of each. An entry that is no longer needed
 * fails the test, as does a new method that needs one.
 */

import type { Verb } from '../lib/api-session.ts';
import type { Parameters } from '../lib/http-client.ts';
import type { Grant } from '../lib/permission-ways.ts';

interface Exception {
  readonly status: number;
  readonly reason: string;
}

/** Parameters that a method needs to get as far as its rights. */
export const ownSamples: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'access.sessionEnd': { id: '0123456789abcdef01234567' },
  'access.sessionRenew': { id: 'current' },
  'storage.volumePath': { volume: 'local:iso/x.iso' },
  'qemu.unlink': { idlist: 'scsi0' },
};

const asksLater = 'whom it is about stands in the parameters: the handler asks for the rights';

/** Methods for any login: without rights a question answers 200 (filtered), a changing call 403. The others stand here. */
export const withoutRights: Readonly<Record<string, Exception>> = {
  'access.permissionWho': { status: 403, reason: asksLater },
  'access.sessionEnd': {
    status: 500,
    reason: 'a session that may not be seen is answered like one that is not there',
  },
  'access.sessionRenew': { status: 200, reason: 'whoever is logged in may stay so' },
  'lxc.index': { status: 500, reason: 'the sample is no container; what exists is no secret, as with VMs' },
  'lxc.status.index': {
    status: 500,
    reason: 'the sample is no container; what exists is no secret, as with VMs',
  },
  'storage.content.info': { status: 403, reason: asksLater },
  'storage.import-metadata': { status: 403, reason: asksLater },
  'storage.volumePath': { status: 403, reason: asksLater },
  'tasks.index': { status: 403, reason: asksLater },
  'tasks.log': { status: 403, reason: asksLater },
  'tasks.status': { status: 403, reason: asksLater },
};

const space: Grant = { path: '/storage/local', privs: ['Datastore.AllocateSpace'] };

/** What handlers ask beside the rule of the record, for the parameters that the matrix uses. */
export const alsoAsked: Readonly<
  Record<string, { readonly grants: readonly Grant[]; readonly reason: string }>
> = {
  'qemu.clone': { grants: [space], reason: 'the guest has a disk, whose copy takes space' },
};

const needsTicket = {
  text: '403 invalid or used console ticket; open the console again',
  reason: 'a console takes the ticket that the call before has given, beside the privilege',
};

/** Refusals that have nothing to do with privileges. */
export const otherRefusals: Readonly<Record<string, { readonly text: string; readonly reason: string }>> = {
  'lxc.vncwebsocket': needsTicket,
  'qemu.vncwebsocket': needsTicket,
  'nodes.vncwebsocket': needsTicket,
};

/** Rules that look at parameters: all of `needs` lets the call through, and one privilege less does not. */
export interface Row {
  readonly what: string;
  readonly verb: Verb;
  readonly path: string;
  readonly params: Parameters;
  /** `root`: no privilege is enough, not even Administrator on everything. */
  readonly needs: readonly Grant[] | 'root';
}

const on = (path: string, ...privs: string[]): Grant => ({ path, privs });

export function parameterRows(node: string): Row[] {
  const config = (what: string, params: Parameters, needs: Row['needs']): Row => ({
    what,
    verb: 'PUT',
    path: `${node}/qemu/100/config`,
    params,
    needs,
  });
  const guest = (...privs: string[]) => on('/vms/100', ...privs);
  const card = guest('VM.Config.Network');
  return [
    config('processors', { cores: 2 }, [guest('VM.Config.CPU')]),
    config('memory', { memory: 32 }, [guest('VM.Config.Memory')]),
    config('an option', { description: 'x' }, [guest('VM.Config.Options')]),
    config('hardware', { vga: 'std' }, [guest('VM.Config.HWType')]),
    config('several areas at once', { cores: 2, memory: 32, onboot: 1 }, [
      guest('VM.Config.CPU', 'VM.Config.Memory', 'VM.Config.Options'),
    ]),
    config('a new disk', { scsi1: 'local:1' }, [guest('VM.Config.Disk'), space]),
    config('a CD-ROM drive', { ide2: 'local:iso/x.iso,media=cdrom' }, [
      guest('VM.Config.CDROM'),
      on('/storage/local', 'Datastore.Audit'),
    ]),
    config("the node's own drive", { ide2: 'cdrom,media=cdrom' }, [
      guest('VM.Config.CDROM'),
      on('/', 'Sys.Console'),
    ]),
    config('a drive for cloud-init', { ide2: 'local:cloudinit' }, [
      guest('VM.Config.Cloudinit', 'VM.Config.CDROM'),
      space,
    ]),
    config('settings of cloud-init', { ciuser: 'ann' }, [guest('VM.Config.Cloudinit')]),
    config('a card on a bridge', { net0: 'virtio,bridge=vmbr7' }, [
      card,
      on('/sdn/zones/localnetwork/vmbr7', 'SDN.Use'),
    ]),
    config('a card on a VLAN of a bridge', { net0: 'virtio,bridge=vmbr7,tag=5' }, [
      card,
      on('/sdn/zones/localnetwork/vmbr7/5', 'SDN.Use'),
    ]),
    config('a PCI device by its name', { hostpci0: 'mapping=gpu' }, [
      guest('VM.Config.HWType'),
      on('/mapping/pci/gpu', 'Mapping.Use'),
    ]),
    config('a PCI device of the node', { hostpci0: '0000:01:00.0' }, 'root'),
    config('a USB device by its name', { usb0: 'mapping=stick' }, [
      guest('VM.Config.HWType'),
      on('/mapping/usb/stick', 'Mapping.Use'),
    ]),
    config('a USB device of the node', { usb0: 'host=1234:5678' }, 'root'),
    config('a shared directory', { virtiofs0: 'share' }, [
      guest('VM.Config.Disk'),
      on('/mapping/dir/share', 'Mapping.Use'),
    ]),
    config('an own processor model', { cpu: 'custom-mine' }, [
      guest('VM.Config.CPU'),
      on('/mapping/cpu/mine', 'Mapping.Use'),
    ]),
    config('a serial line of the node', { serial0: '/dev/ttyS0' }, 'root'),
    config('arguments of QEMU', { args: '-snapshot' }, 'root'),
    config('a disk by its path', { scsi1: '/dev/sdz' }, 'root'),
    config('a locked guest', { memory: 32, skiplock: 1 }, [guest('VM.Config.Memory'), on('/', 'Sys.Modify')]),
    {
      what: 'a new guest with a disk and a card',
      verb: 'POST',
      path: `${node}/qemu`,
      params: { vmid: 111, scsi0: 'local:1', net0: 'virtio,bridge=vmbr7' },
      needs: [
        on('/vms/111', 'VM.Allocate', 'VM.Config.Disk', 'VM.Config.Network'),
        space,
        on('/sdn/zones/localnetwork/vmbr7', 'SDN.Use'),
      ],
    },
    {
      what: 'a new guest by the rights on its pool',
      verb: 'POST',
      path: `${node}/qemu`,
      params: { vmid: 111, pool: 'p1', memory: 32 },
      needs: [on('/pool/p1', 'VM.Allocate', 'VM.Config.Memory')],
    },
    {
      what: 'a new container',
      verb: 'POST',
      path: `${node}/lxc`,
      params: { vmid: 111, ostemplate: 'local:vztmpl/x.tar.gz', rootfs: 'local:1', memory: 64 },
      needs: [on('/vms/111', 'VM.Allocate', 'VM.Config.Disk', 'VM.Config.Memory'), space],
    },
    {
      what: 'a copy of a guest',
      verb: 'POST',
      path: `${node}/qemu/100/clone`,
      params: { newid: 111 },
      needs: [guest('VM.Clone'), on('/vms/111', 'VM.Allocate'), space],
    },
    {
      what: 'a disk to another storage',
      verb: 'POST',
      path: `${node}/qemu/100/move_disk`,
      params: { disk: 'scsi0', storage: 'local' },
      needs: [guest('VM.Config.Disk'), space],
    },
    {
      what: 'a larger disk',
      verb: 'PUT',
      path: `${node}/qemu/100/resize`,
      params: { disk: 'scsi0', size: '+1G' },
      needs: [guest('VM.Config.Disk'), space],
    },
    {
      what: 'power over guests by their numbers',
      verb: 'POST',
      path: `${node}/stopall`,
      params: { vms: '100' },
      needs: [guest('VM.PowerMgmt')],
    },
    {
      what: 'power over all guests',
      verb: 'POST',
      path: `${node}/startall`,
      params: {},
      needs: [on('/', 'VM.PowerMgmt')],
    },
    {
      what: 'a guest into a pool',
      verb: 'PUT',
      path: '/pools/p1',
      params: { vms: '100' },
      needs: [on('/pool/p1', 'Pool.Allocate'), guest('VM.Allocate')],
    },
    {
      what: 'a storage into a pool',
      verb: 'PUT',
      path: '/pools/p1',
      params: { storage: 'local' },
      needs: [on('/pool/p1', 'Pool.Allocate'), on('/storage/local', 'Datastore.Allocate')],
    },
    {
      what: 'a job of a realm',
      verb: 'PUT',
      path: '/cluster/jobs/realm-sync/job1',
      params: { schedule: 'daily', comment: 'x' },
      needs: [on('/access/realm/pve', 'Realm.AllocateUser'), on('/access/groups', 'User.Modify')],
    },
    {
      what: 'another realm that connects to a server',
      verb: 'POST',
      path: '/access/domains/pve/preview',
      params: { type: 'ldap', server1: '127.0.0.1', base_dn: 'dc=x', user_attr: 'uid' },
      needs: [on('/access/realm', 'Realm.Allocate')],
    },
  ];
}
