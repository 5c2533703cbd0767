/** Login, users and permissions of the mock server. */
import { fail, ok, type Route } from './mock-reply.ts';

const cap = {
  vms: Object.fromEntries(
    [
      'Allocate',
      'PowerMgmt',
      'Console',
      'Clone',
      'Snapshot',
      'Config.Cloudinit',
      'GuestAgent.Unrestricted',
    ].map((one) => [`VM.${one}`, 1]),
  ),
  storage: { 'Datastore.AllocateTemplate': 1, 'Datastore.Allocate': 1 },
  nodes: { 'Sys.Audit': 1, 'Sys.Modify': 1, 'Sys.AccessNetwork': 1 },
  access: {},
  dc: { 'Sys.Modify': 1 },
};

const sessionOf = (username = '') => ({ username, CSRFPreventionToken: '00000000:mock', cap });

export const accessRoutes: readonly Route[] = [
  [
    'GET /access/domains',
    () =>
      ok([
        { realm: 'pam', type: 'pam', comment: 'Linux PAM' },
        { realm: 'pve', type: 'pve', comment: 'Ryokan', default: 1 },
      ]),
  ],
  [
    'POST /access/ticket',
    (_, __, { username, password }) =>
      password === 'wrong' ? fail(401, 'authentication failure') : ok(sessionOf(username)),
  ],
  ['PUT /access/sessions/current', () => ok(sessionOf('root@pam'))],
  [
    'GET /access/users',
    () =>
      ok([
        {
          userid: 'root@pam',
          enable: 1,
          comment: 'Super user',
          'realm-type': 'pam',
          tokens: [{ tokenid: 'terraform', privsep: 1, expire: 0, comment: 'CI' }],
        },
        {
          userid: 'admin@pve',
          enable: 1,
          firstname: '花子',
          lastname: '田中',
          email: 'hanako@example.jp',
          groups: 'admins',
          'realm-type': 'pve',
        },
        { userid: 'guest@pve', enable: 0, expire: 1_700_000_000, 'realm-type': 'pve' },
      ]),
  ],
  ['GET /access/groups', () => ok([{ groupid: 'admins', comment: 'Administrators', users: 'admin@pve' }])],
  [
    'GET /access/roles',
    () =>
      ok([
        { roleid: 'Administrator', special: 1, privs: 'VM.Allocate,VM.Audit,Sys.Audit,Sys.Modify' },
        { roleid: 'PVEAuditor', special: 1, privs: 'VM.Audit,Sys.Audit,Datastore.Audit' },
        { roleid: 'Operators', special: 0, privs: 'VM.PowerMgmt,VM.Console' },
      ]),
  ],
  [
    'GET /access/acl',
    () =>
      ok([
        { path: '/', type: 'user', ugid: 'admin@pve', roleid: 'Administrator', propagate: 1 },
        { path: '/vms/100', type: 'token', ugid: 'root@pam!terraform', roleid: 'PVEVMUser', propagate: 1 },
        { path: '/pool/shop', type: 'group', ugid: 'admins', roleid: 'PVEAuditor', propagate: 0 },
      ]),
  ],
  ['(?:POST|PUT|DELETE) /access/.*', () => ok()],
];
