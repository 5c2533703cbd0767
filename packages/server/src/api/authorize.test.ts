import type { Permission } from '@ryokan/api/method.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { describe, expect, it } from 'vitest';
import { groupsOf, heldOn } from '../access/permissions.ts';
import { parseUserConfig } from '../access/user-config.ts';
import { authorize, type Caller } from './authorize.ts';

const config = parseUserConfig(`
user:ann@pve:1:0:::::
user:lead@pve:1:0:::::
user:chief@pve:1:0:::::
user:dev1@pve:1:0:::::
user:free@pve:1:0:::::
token:ann@pve!ci:0:0::
group:devs:dev1@pve::
group:ops:ann@pve::
acl:1:/vms/100:ann@pve:PVEVMUser:
acl:0:/storage:ann@pve:PVEDatastoreUser:
acl:1:/vms/101:ann@pve:PVEVMAdmin:
acl:1:/storage/own:ann@pve:PVEDatastoreAdmin:
acl:1:/pool/own:ann@pve:PVEPoolAdmin:
acl:1:/access/groups/devs:lead@pve:PVEUserAdmin:
acl:1:/access/realm/pve:lead@pve:PVEUserAdmin:
acl:1:/access:chief@pve:PVEUserAdmin:
`);

const users = {
  userExists: (user: string) => config.users.has(user),
  groupsOf: (user: string) => groupsOf(config, user),
};

function caller(user: string): Caller {
  const can = (path: string, privs: readonly Privilege[], any = false) => {
    const { set } = heldOn(config, user, path);
    return any ? privs.some((priv) => set.has(priv)) : privs.every((priv) => set.has(priv));
  };
  const demand = (path: string, privs: readonly Privilege[], any = false) => {
    if (!can(path, privs, any)) throw new Error(`demand ${path} ${privs.join('|')}`);
  };
  return { user, isRoot: user === 'root@pam', can, demand };
}

/** '' when allowed, else the message, with the parameter errors. */
function answer(user: string, permission: Permission, params: Record<string, unknown> = {}): string {
  try {
    authorize(permission, params, caller(user), users);
    return '';
  } catch (error) {
    const { message, errors } = error as Error & { errors?: Record<string, string> };
    return errors ? JSON.stringify(errors) : message;
  }
}

const audit = { perm: '/vms/{vmid}', privs: ['VM.Audit'] } as const;
const two = { perm: '/vms/{vmid}', privs: ['VM.Audit', 'VM.Clone', 'VM.Allocate'] } as const;
const space = { perm: '/storage/{storage}', privs: ['Datastore.AllocateSpace'] } as const;
const manages = { userGroup: 'userid', privs: ['User.Modify'] } as const;
const creates = { ...manages, groups: 'create' } as const;
const updates = { ...manages, groups: 'update' } as const;
const allocates = { realmOf: 'userid', privs: ['Realm.AllocateUser'] } as const;
const failed = 'Permission check failed';

describe('authorize', () => {
  it.each<[string, string, Permission, Record<string, unknown>, string]>([
    ['root may everything', 'root@pam', { user: 'root' }, {}, ''],
    ['root needs no parameters', 'root@pam', audit, {}, ''],
    ['a token of root is not root', 'root@pam!full', { user: 'root' }, {}, `${failed} (user != root@pam)`],
    ['anybody', 'ann@pve', { user: 'all' }, {}, ''],
    ['world', '', { user: 'world' }, {}, ''],
    ['has it', 'ann@pve', audit, { vmid: 100 }, ''],
    ['as text', 'ann@pve', audit, { vmid: '100' }, ''],
    ['has it not', 'ann@pve', audit, { vmid: 200 }, `${failed} (/vms/200, VM.Audit)`],
    ['names the first one missing', 'ann@pve', two, { vmid: 100 }, `${failed} (/vms/100, VM.Clone)`],
    ['any of them', 'ann@pve', { ...two, any: true }, { vmid: 100 }, ''],
    [
      'none of them',
      'lead@pve',
      { ...two, any: true },
      { vmid: 1000 },
      `${failed} (/vms/1000, ${two.privs.join('|')})`,
    ],
    ['a missing parameter', 'ann@pve', audit, {}, '{"vmid":"property is missing and it is not optional"}'],
    [
      'an empty one is not the path above',
      'ann@pve',
      space,
      { storage: '' },
      '{"storage":"property is missing and it is not optional"}',
    ],
    [
      'a path in a parameter',
      'ann@pve',
      space,
      { storage: '../vms/100' },
      `{"storage":"'/storage/../vms/100' is no path of the permission tree"}`,
    ],
    ['an array', 'ann@pve', audit, { vmid: ['100'] }, `{"vmid":"type check ('string') failed"}`],
    ['only with a parameter', 'ann@pve', { ...audit, ifParam: 'x' }, { vmid: 100 }, failed],
    [
      'with that parameter',
      'ann@pve',
      { ...audit, ifParam: 'x' },
      { x: 1, vmid: 200 },
      `${failed} (/vms/200, VM.Audit)`,
    ],
    ['and', 'ann@pve', { and: [audit, { user: 'all' }] }, { vmid: 200 }, `${failed} (/vms/200, VM.Audit)`],
    [
      'or, the rest only with a parameter',
      'ann@pve',
      { or: [audit, { ...audit, ifParam: 'x' }] },
      { vmid: 200 },
      failed,
    ],
    ['or, one is met', 'ann@pve', { or: [{ perm: '/', privs: ['Sys.Audit'] }, audit] }, { vmid: 100 }, ''],
    [
      'or, none is met',
      'ann@pve',
      { or: [{ perm: '/', privs: ['Sys.Audit'] }, audit] },
      { vmid: 200 },
      failed,
    ],
    ['or, one cannot be judged', 'ann@pve', { or: [audit, { user: 'all' }] }, {}, ''],
    ['modify on a guest by VM.Allocate', 'ann@pve', { modifyPath: '{path}' }, { path: '/vms/101' }, ''],
    [
      'modify on a guest without it',
      'ann@pve',
      { modifyPath: '{path}' },
      { path: '/vms/100' },
      `${failed} (/vms/100, Permissions.Modify|VM.Allocate)`,
    ],
    ['modify on a storage', 'ann@pve', { modifyPath: '{path}' }, { path: '/storage/own' }, ''],
    ['modify on a pool', 'ann@pve', { modifyPath: '{path}' }, { path: 'pool/own/' }, ''],
    [
      'modify on the root',
      'ann@pve',
      { modifyPath: '{path}' },
      { path: '/' },
      `${failed} (/, Permissions.Modify)`,
    ],
    [
      'modify on a node',
      'chief@pve',
      { modifyPath: '{path}' },
      { path: '/nodes/n1' },
      `${failed} (/nodes/n1, Permissions.Modify)`,
    ],
    [
      'modify nowhere',
      'ann@pve',
      { modifyPath: '{path}' },
      { path: '/etc' },
      `{"path":"'/etc' is no path of the permission tree"}`,
    ],
    ['oneself', 'ann@pve', { self: 'userid' }, { userid: 'ann@pve' }, ''],
    ['a token is not its user', 'ann@pve!ci', { self: 'userid' }, { userid: 'ann@pve' }, failed],
    ['somebody else', 'ann@pve', { self: 'userid' }, { userid: 'lead@pve' }, failed],
    ['nobody', 'ann@pve', { self: 'userid' }, { userid: 'gone@pve' }, "no such user ('gone@pve')"],
    [
      'no user id',
      'ann@pve',
      { self: 'userid' },
      { userid: 'x' },
      `{"userid":"invalid format - value does not look like a valid user name\\n"}`,
    ],
    ['realm of a user', 'lead@pve', allocates, { userid: 'new@pve' }, ''],
    [
      'another realm',
      'lead@pve',
      allocates,
      { userid: 'new@pam' },
      'demand /access/realm/pam Realm.AllocateUser',
    ],
    ['all users', 'chief@pve', manages, { userid: 'free@pve' }, ''],
    [
      'all users, but this one is none',
      'chief@pve',
      manages,
      { userid: 'gone@pve' },
      "no such user ('gone@pve')",
    ],
    ['a member of my group', 'lead@pve', manages, { userid: 'dev1@pve' }, ''],
    [
      'a member of another group',
      'lead@pve',
      manages,
      { userid: 'ann@pve' },
      `${failed} (/access/groups, User.Modify)`,
    ],
    [
      'a member of none',
      'lead@pve',
      manages,
      { userid: 'free@pve' },
      `${failed} (/access/groups, User.Modify)`,
    ],
    ['new user in my group', 'lead@pve', creates, { userid: 'new@pve', groups: 'devs' }, ''],
    [
      'new user in no group',
      'lead@pve',
      creates,
      { userid: 'new@pve' },
      `${failed} (/access/groups, User.Modify)`,
    ],
    [
      'new user in another group too',
      'lead@pve',
      creates,
      { userid: 'new@pve', groups: 'devs,ops' },
      `${failed} (/access/groups/ops, User.Modify)`,
    ],
    [
      'new user, groups as a list',
      'lead@pve',
      creates,
      { userid: 'new@pve', groups: ['devs', 'ops'] },
      `${failed} (/access/groups/ops, User.Modify)`,
    ],
    ['new user in any group by the chief', 'chief@pve', creates, { userid: 'new@pve', groups: 'ops' }, ''],
    ['change without groups', 'lead@pve', updates, { userid: 'dev1@pve' }, ''],
    [
      'change into another group',
      'lead@pve',
      updates,
      { userid: 'dev1@pve', groups: 'ops' },
      `${failed} (/access/groups/ops, User.Modify)`,
    ],
    [
      'pull a stranger into my group',
      'lead@pve',
      updates,
      { userid: 'ann@pve', groups: 'devs' },
      `${failed} (/access/groups, User.Modify)`,
    ],
    [
      'a group that is a path',
      'lead@pve',
      updates,
      { userid: 'dev1@pve', groups: 'devs/../ops' },
      `{"groups":"invalid group 'devs/../ops'"}`,
    ],
  ])('%s', (_, user, permission, params, expected) => {
    expect(answer(user, permission, params)).toBe(expected);
  });
});
