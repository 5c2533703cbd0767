import { describe, expect, it } from 'vitest';
import { normalizeAclPath } from './acl-path.ts';
import { parseUserConfig, rolePrivileges } from './user-config.ts';
import { formatUserConfig } from './user-config-text.ts';

/** As a node of the public product writes it. */
const foreign = `user:admin@pve:1:1893456000:Ada:Lovelace:ada@example.com:on call%3A day:x:
token:admin@pve!ci:0:1:builds:
token:admin@pve!mon:1893456000:0::
user:root@pam:1:0:::root@example.com:::

group:ops:admin@pve:operators:

pool:web:front end:100,101:local:

role:Starter:VM.Audit,VM.PowerMgmt:

acl:0:/nodes:@ops:PVEAuditor:
acl:1:/:admin@pve:Administrator:
acl:1:/vms/100:@ops:PVEVMUser,Starter:
acl:1:/vms/100:admin@pve!ci:PVEAuditor:
`;

describe('user.cfg', () => {
  it('reads what the public format holds', () => {
    const config = parseUserConfig(foreign);
    expect(config.problems).toEqual([]);
    const admin = config.users.get('admin@pve');
    expect(admin).toMatchObject({
      enable: true,
      expire: 1893456000,
      firstname: 'Ada',
      lastname: 'Lovelace',
      email: 'ada@example.com',
      comment: 'on call: day',
      keys: 'x',
    });
    expect(admin?.tokens.get('ci')).toEqual({ expire: 0, privsep: true, comment: 'builds' });
    expect(admin?.tokens.get('mon')).toEqual({ expire: 1893456000, privsep: false, comment: '' });
    expect(config.groups.get('ops')).toEqual({ users: new Set(['admin@pve']), comment: 'operators' });
    expect(config.pools.get('web')).toEqual({
      comment: 'front end',
      vms: new Set([100, 101]),
      storages: new Set(['local']),
    });
    expect(config.acl.get('/vms/100')?.groups.get('ops')).toEqual(
      new Map([
        ['PVEVMUser', true],
        ['Starter', true],
      ]),
    );
    expect(config.acl.get('/nodes')?.groups.get('ops')).toEqual(new Map([['PVEAuditor', false]]));
    expect([...(rolePrivileges(config, 'Starter') ?? [])]).toEqual(['VM.Audit', 'VM.PowerMgmt']);
  });

  it('keeps its meaning over a round trip, and its text over the second', () => {
    const once = formatUserConfig(parseUserConfig(foreign));
    expect(parseUserConfig(once)).toEqual(parseUserConfig(foreign));
    expect(formatUserConfig(parseUserConfig(once))).toBe(once);
    for (const line of foreign.split('\n').filter(Boolean)) {
      if (!line.startsWith('acl:')) expect(once).toContain(`${line}\n`);
    }
  });

  it.each(['100 %', 'a:b', '日本語 ✓', 'x\ny', '%41', 'tab\there', 'emoji 🎌'])(
    'keeps the comment %j',
    (comment) => {
      const config = parseUserConfig('group:g::');
      const group = config.groups.get('g');
      if (group) group.comment = comment;
      const text = formatUserConfig(config);
      expect(text).toMatch(/^[\x20-\x7e\n]*$/);
      expect(parseUserConfig(text).groups.get('g')?.comment).toBe(comment);
    },
  );

  it('has root@pam always, and enabled', () => {
    expect(parseUserConfig('').users.get('root@pam')?.enable).toBe(true);
    expect(parseUserConfig('user:root@pam:0:0:::::').users.get('root@pam')?.enable).toBe(true);
  });

  it.each([
    ['user:no-realm:1:0:::::', 'invalid user id'],
    ['user:a b@pve:1:0:::::', 'invalid user id'],
    ['user:a@pve:1:soon:::::', 'invalid time of expiry'],
    ['token:gone@pve!x:0:1::', 'token of no known user'],
    ['token:root@pam!xy:-1:1::', 'invalid time of expiry'],
    ['role:Administrator:VM.Audit:', 'a built-in role cannot be defined'],
    ['role::VM.Audit:', 'invalid role id'],
    ['group:a b::', 'invalid group id'],
    ['pool:a//b:::', 'invalid pool id'],
    ['acl:1:/nowhere:root@pam:PVEAdmin:', 'invalid path'],
    ['acl:yes:/:root@pam:PVEAdmin:', 'invalid propagate flag'],
    ['future:something:', 'unknown kind of line'],
    ['no colon at all', 'unknown kind of line'],
    ['__proto__:x', 'unknown kind of line'],
  ])('keeps the line %j without understanding it', (line, problem) => {
    const config = parseUserConfig(`${line}\nuser:ok@pve:1:0:::::\n`);
    expect(config.users.has('ok@pve')).toBe(true);
    expect(config.unknown).toEqual([line]);
    expect(config.problems.join()).toContain(problem);
    expect(formatUserConfig(config)).toContain(`${line}\n`);
  });

  it('reports names that do not exist and grants nothing for them', () => {
    const config = parseUserConfig(
      'role:R:VM.Audit,VM.Fly:\nacl:1:/:gone@pve,@gone,root@pam!gone:PVEAdmin:\nacl:1:/vms:root@pam:Gone:',
    );
    expect([...(config.roles.get('R') ?? [])]).toEqual(['VM.Audit']);
    expect(config.problems).toHaveLength(5);
    // Dropping the rule would let a wider one from further up hold again.
    expect(formatUserConfig(config).match(/acl:.*/g)).toEqual(['acl:1:/vms:root@pam:Gone:']);
  });

  it('reads a damaged privsep field as separated', () => {
    const config = parseUserConfig('user:a@pve:1:0:::::\ntoken:a@pve!tt:0::x:');
    expect(config.users.get('a@pve')?.tokens.get('tt')?.privsep).toBe(true);
  });
});

describe('ACL paths', () => {
  it.each([
    ['/', '/'],
    ['', '/'],
    ['vms/100', '/vms/100'],
    ['//vms//100/', '/vms/100'],
    ['/access/realm/pve', '/access/realm/pve'],
    ['/pool/a/b/c', '/pool/a/b/c'],
    ['/sdn/zones/z/v/100', '/sdn/zones/z/v/100'],
    ['/sdn/zones/localnetwork/vmbr0', '/sdn/zones/localnetwork/vmbr0'],
    ['/mapping/pci/gpu', '/mapping/pci/gpu'],
  ])('%j is %s', (given, path) => expect(normalizeAclPath(given)).toBe(path));

  it.each([
    '/vms/1',
    '/vms/099',
    '/vms/100/x',
    '/vms/abc',
    '/pool/a/b/c/d',
    '/storage/a b',
    '/etc',
    '/nodes/a:b',
    '/\n',
  ])('%j is none', (given) => expect(normalizeAclPath(given)).toBeUndefined());
});
