/** Groups, roles and the access control list. */
import { defineMethod } from '../method.ts';
import { Bit, Enum, Format, Null, Type } from '../schema/types.ts';

const Optional = Type.Optional;

const groupId = () => Format('pve-groupid', { description: 'The group.' });
const roleId = () => Format('pve-roleid', { description: 'The role.' });
const comment = () => Type.String({ description: 'What it is for.' });
const privs = () => Format('pve-priv-list', { description: 'Privileges, separated by commas.' });
const allocatesGroups = { perm: '/access/groups', privs: ['Group.Allocate'] } as const;
const changesRoles = { perm: '/access', privs: ['Sys.Modify'] } as const;

export const groupList = defineMethod({
  id: 'access.groupList',
  verb: 'GET',
  path: '/access/groups',
  description: 'Groups that one may see or change.',
  params: Type.Object({}),
  returns: Type.Array(
    Type.Object({
      groupid: Type.String(),
      comment: Optional(Type.String()),
      users: Optional(Type.String({ description: 'Members, separated by commas.' })),
    }),
  ),
  permission: { user: 'all' },
  cli: { command: 'pveum group list', columns: ['groupid', 'comment', 'users'] },
});

export const groupCreate = defineMethod({
  id: 'access.groupCreate',
  verb: 'POST',
  dryRun: 'documents',
  path: '/access/groups',
  description: 'Add a group.',
  params: Type.Object({ groupid: groupId(), comment: Optional(comment()) }),
  returns: Null(),
  permission: allocatesGroups,
  cli: { command: 'pveum group add', args: ['groupid'], aliases: ['pveum groupadd'] },
});

export const groupRead = defineMethod({
  id: 'access.groupRead',
  verb: 'GET',
  path: '/access/groups/{groupid}',
  description: 'One group with its members.',
  params: Type.Object({ groupid: groupId() }),
  returns: Type.Object({ comment: Optional(Type.String()), members: Type.Array(Type.String()) }),
  permission: { perm: '/access/groups', privs: ['Sys.Audit', 'Group.Allocate'], any: true },
});

export const groupUpdate = defineMethod({
  id: 'access.groupUpdate',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/access/groups/{groupid}',
  description: 'Change a group. Members are changed with the users.',
  params: Type.Object({ groupid: groupId(), comment: Optional(comment()) }),
  returns: Null(),
  permission: allocatesGroups,
  cli: { command: 'pveum group modify', args: ['groupid'], aliases: ['pveum groupmod'] },
});

export const groupDelete = defineMethod({
  id: 'access.groupDelete',
  verb: 'DELETE',
  dryRun: 'documents',
  path: '/access/groups/{groupid}',
  description: 'Remove a group with its access rules. Its members stay.',
  params: Type.Object({ groupid: groupId() }),
  returns: Null(),
  permission: allocatesGroups,
  cli: { command: 'pveum group delete', args: ['groupid'], aliases: ['pveum groupdel'] },
});

export const roleList = defineMethod({
  id: 'access.roleList',
  verb: 'GET',
  path: '/access/roles',
  description: 'Roles, built-in and own.',
  params: Type.Object({}),
  returns: Type.Array(
    Type.Object({
      roleid: Type.String(),
      privs: Optional(Type.String({ description: 'Separated by commas.' })),
      special: Optional(Bit('1: built in, cannot be changed.')),
    }),
  ),
  permission: { user: 'all' },
  cli: { command: 'pveum role list', columns: ['roleid', 'privs', 'special'] },
});

export const roleCreate = defineMethod({
  id: 'access.roleCreate',
  verb: 'POST',
  dryRun: 'documents',
  path: '/access/roles',
  description: 'Add a role.',
  params: Type.Object({ roleid: roleId(), privs: Optional(privs()) }),
  returns: Null(),
  permission: changesRoles,
  cli: { command: 'pveum role add', args: ['roleid'], aliases: ['pveum roleadd'] },
});

export const roleRead = defineMethod({
  id: 'access.roleRead',
  verb: 'GET',
  path: '/access/roles/{roleid}',
  description: 'The privileges of a role: those that it has, with 1.',
  params: Type.Object({ roleid: roleId() }),
  returns: Type.Record(Type.String(), Bit()),
  permission: { user: 'all' },
});

export const roleUpdate = defineMethod({
  id: 'access.roleUpdate',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/access/roles/{roleid}',
  description: 'Change the privileges of an own role.',
  params: Type.Object({
    roleid: roleId(),
    privs: Optional(privs()),
    append: Optional(
      Type.Boolean({ requires: 'privs', description: 'Add the privileges, keep those that were.' }),
    ),
  }),
  returns: Null(),
  permission: changesRoles,
  cli: { command: 'pveum role modify', args: ['roleid'], aliases: ['pveum rolemod'] },
});

export const roleDelete = defineMethod({
  id: 'access.roleDelete',
  verb: 'DELETE',
  dryRun: 'documents',
  path: '/access/roles/{roleid}',
  description: 'Remove an own role with the access rules that give it.',
  params: Type.Object({ roleid: roleId() }),
  returns: Null(),
  permission: changesRoles,
  cli: { command: 'pveum role delete', args: ['roleid'], aliases: ['pveum roledel'] },
});

export const aclList = defineMethod({
  id: 'access.aclList',
  verb: 'GET',
  path: '/access/acl',
  description: 'Access rules: all to auditors, else those on paths where one may give out rights.',
  params: Type.Object({}),
  returns: Type.Array(
    Type.Object({
      path: Type.String(),
      type: Enum(['user', 'group', 'token']),
      ugid: Type.String({ description: 'User, group or full token id.' }),
      roleid: Type.String(),
      propagate: Bit('1: holds below the path too.'),
    }),
  ),
  permission: { user: 'all' },
  cli: { command: 'pveum acl list', columns: ['path', 'propagate', 'roleid', 'type', 'ugid'] },
});

export const aclUpdate = defineMethod({
  id: 'access.aclUpdate',
  verb: 'PUT',
  dryRun: 'documents',
  path: '/access/acl',
  description: 'Give roles on a path to users, groups and API tokens, or take them away.',
  params: Type.Object({
    path: Type.String({ description: 'For example /, /vms/100, /storage/local, /nodes/pve1.' }),
    roles: Format('pve-roleid-list', { description: 'Roles.' }),
    users: Optional(Format('pve-userid-list', { description: 'Users.' })),
    groups: Optional(Format('pve-groupid-list', { description: 'Groups.' })),
    tokens: Optional(Format('pve-tokenid-list', { description: 'Full ids of API tokens.' })),
    propagate: Optional(Type.Boolean({ default: true, description: 'Holds below the path too.' })),
    delete: Optional(Type.Boolean({ description: 'Take the roles away.' })),
  }),
  returns: Null(),
  permission: { modifyPath: '{path}' },
  cli: { command: 'pveum acl modify', args: ['path'], aliases: ['pveum aclmod'] },
});
