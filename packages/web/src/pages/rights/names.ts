/** Texts that say in words what privileges and built-in roles are. */
import type { Privilege } from '@ryokan/api/privileges.ts';
import type { PlainKey, Translate } from '../../i18n/index.ts';

export const privilegeTexts: Readonly<Record<Privilege, PlainKey>> = {
  'Datastore.Allocate': 'priv.Datastore.Allocate',
  'Datastore.AllocateSpace': 'priv.Datastore.AllocateSpace',
  'Datastore.AllocateTemplate': 'priv.Datastore.AllocateTemplate',
  'Datastore.Audit': 'priv.Datastore.Audit',
  'Group.Allocate': 'priv.Group.Allocate',
  'Mapping.Audit': 'priv.Mapping.Audit',
  'Mapping.Modify': 'priv.Mapping.Modify',
  'Mapping.Use': 'priv.Mapping.Use',
  'Permissions.Modify': 'priv.Permissions.Modify',
  'Pool.Allocate': 'priv.Pool.Allocate',
  'Pool.Audit': 'priv.Pool.Audit',
  'Realm.Allocate': 'priv.Realm.Allocate',
  'Realm.AllocateUser': 'priv.Realm.AllocateUser',
  'SDN.Allocate': 'priv.SDN.Allocate',
  'SDN.Audit': 'priv.SDN.Audit',
  'SDN.Use': 'priv.SDN.Use',
  'Sys.AccessNetwork': 'priv.Sys.AccessNetwork',
  'Sys.Audit': 'priv.Sys.Audit',
  'Sys.Console': 'priv.Sys.Console',
  'Sys.Incoming': 'priv.Sys.Incoming',
  'Sys.Modify': 'priv.Sys.Modify',
  'Sys.PowerMgmt': 'priv.Sys.PowerMgmt',
  'Sys.Syslog': 'priv.Sys.Syslog',
  'User.Modify': 'priv.User.Modify',
  'VM.Allocate': 'priv.VM.Allocate',
  'VM.Audit': 'priv.VM.Audit',
  'VM.Backup': 'priv.VM.Backup',
  'VM.Clone': 'priv.VM.Clone',
  'VM.Config.CDROM': 'priv.VM.Config.CDROM',
  'VM.Config.CPU': 'priv.VM.Config.CPU',
  'VM.Config.Cloudinit': 'priv.VM.Config.Cloudinit',
  'VM.Config.Disk': 'priv.VM.Config.Disk',
  'VM.Config.HWType': 'priv.VM.Config.HWType',
  'VM.Config.Memory': 'priv.VM.Config.Memory',
  'VM.Config.Network': 'priv.VM.Config.Network',
  'VM.Config.Options': 'priv.VM.Config.Options',
  'VM.Console': 'priv.VM.Console',
  'VM.GuestAgent.Audit': 'priv.VM.GuestAgent.Audit',
  'VM.GuestAgent.FileRead': 'priv.VM.GuestAgent.FileRead',
  'VM.GuestAgent.FileSystemMgmt': 'priv.VM.GuestAgent.FileSystemMgmt',
  'VM.GuestAgent.FileWrite': 'priv.VM.GuestAgent.FileWrite',
  'VM.GuestAgent.Unrestricted': 'priv.VM.GuestAgent.Unrestricted',
  'VM.Migrate': 'priv.VM.Migrate',
  'VM.PowerMgmt': 'priv.VM.PowerMgmt',
  'VM.Replicate': 'priv.VM.Replicate',
  'VM.Snapshot': 'priv.VM.Snapshot',
  'VM.Snapshot.Rollback': 'priv.VM.Snapshot.Rollback',
};

const roleTexts: Readonly<Record<string, PlainKey>> = {
  Administrator: 'role.Administrator',
  NoAccess: 'role.NoAccess',
  PVEAdmin: 'role.PVEAdmin',
  PVEAuditor: 'role.PVEAuditor',
  PVEDatastoreAdmin: 'role.PVEDatastoreAdmin',
  PVEDatastoreUser: 'role.PVEDatastoreUser',
  PVEMappingAdmin: 'role.PVEMappingAdmin',
  PVEMappingUser: 'role.PVEMappingUser',
  PVEPoolAdmin: 'role.PVEPoolAdmin',
  PVEPoolUser: 'role.PVEPoolUser',
  PVESDNAdmin: 'role.PVESDNAdmin',
  PVESDNUser: 'role.PVESDNUser',
  PVESysAdmin: 'role.PVESysAdmin',
  PVETemplateUser: 'role.PVETemplateUser',
  PVEUserAdmin: 'role.PVEUserAdmin',
  PVEVMAdmin: 'role.PVEVMAdmin',
  PVEVMUser: 'role.PVEVMUser',
};

/** What a role is for, in one line. */
export function roleText(t: Translate, role: string): string {
  const key = roleTexts[role];
  return t(key ?? 'rights.roleOwn');
}

/** A privilege in words; its name when it is one of a later version. */
export function privilegeText(t: Translate, privilege: string): string {
  const key = privilegeTexts[privilege as Privilege] as PlainKey | undefined;
  return key === undefined ? privilege : t(key);
}
