import { builtinRoles, privileges } from '@ryokan/api/privileges.ts';
import { describe, expect, it } from 'vitest';
import { explain } from './explain.ts';
import { heldEverywhere, heldOn, levels } from './permissions.ts';
import { parseUserConfig } from './user-config.ts';

/** One state of user.cfg; every row below asks it something. */
const config = parseUserConfig(`
user:root@pam:1:0:::::
user:ann@pve:1:0:::::
user:bob@pve:1:0:::::
user:cyd@pve:1:0:::::
user:dan@pve:1:0:::::
user:eve@pve:1:0:::::
user:adm@pve:1:0:::::
token:root@pam!full:0:0::
token:root@pam!sep:0:1::
token:ann@pve!full:0:0::
token:ann@pve!sep:0:1::
token:ann@pve!more:0:1::
token:dan@pve!sep:0:1::
token:adm@pve!sep:0:1::
group:ops:bob@pve,cyd@pve:
group:dev:bob@pve,eve@pve:
group:out:eve@pve:
pool:web:front end:200,201:fast:
pool:web/inner::202::
role:Starter:VM.PowerMgmt,VM.Audit:
role:Empty::
acl:1:/:adm@pve:Administrator:
acl:1:/:dan@pve:PVEAuditor:
acl:1:/vms:ann@pve:PVEVMUser:
acl:0:/vms/100:ann@pve:PVEVMAdmin:
acl:1:/vms/101:ann@pve:NoAccess:
acl:1:/vms/102:ann@pve:Starter:
acl:0:/nodes:ann@pve:PVESysAdmin:
acl:0:/nodes/pve1:ann@pve:PVEAuditor:
acl:1:/storage/local:ann@pve:PVEDatastoreUser,PVEDatastoreAdmin:
acl:1:/vms/103:ann@pve:Empty:
acl:1:/vms/104:ann@pve:RoleOfTheFuture:
acl:1:/:@ops:PVEAuditor:
acl:1:/vms:@ops:PVEVMUser:
acl:1:/vms/110:@ops:PVEVMAdmin:
acl:1:/vms/110:bob@pve:Starter:
acl:1:/vms/111:@dev:PVETemplateUser:
acl:1:/vms/111:@ops:NoAccess:
acl:0:/vms/112:@ops:Starter:
acl:1:/vms/112:@dev:Starter:
acl:1:/:@out:NoAccess:
acl:1:/vms/113:eve@pve:PVEVMUser:
acl:1:/pool/web:dan@pve:PVEVMUser:
acl:1:/pool/web/inner:dan@pve:PVEVMAdmin:
acl:1:/pool/web:ann@pve:PVEDatastoreUser:
acl:1:/vms/201:dan@pve:NoAccess:
acl:1:/pool/web:cyd@pve:NoAccess:
acl:1:/vms:ann@pve!sep:PVEAuditor:
acl:1:/vms/100:ann@pve!more:Administrator:
acl:1:/storage:ann@pve!more:PVEDatastoreAdmin:
acl:0:/vms:dan@pve!sep:PVEVMAdmin:
acl:1:/vms:root@pam!sep:PVEVMUser:
acl:1:/:adm@pve!sep:PVEVMUser:
`);

const all = builtinRoles.Administrator as readonly string[];
const role = (name: string): readonly string[] => builtinRoles[name] as readonly string[];
const none: readonly string[] = [];

/** Who, where, what they hold there, and why. */
const rows: readonly (readonly [user: string, path: string, expected: readonly string[], why: string])[] = [
  ['root@pam', '/', all, 'root has everything'],
  ['root@pam', '/vms/999', all, 'root has everything where no rule is'],
  ['root@pam!full', '/vms/999', all, 'a full token of root has everything'],
  ['root@pam!sep', '/vms/999', role('PVEVMUser'), 'a separated token of root has its own rules only'],
  ['root@pam!sep', '/storage/local', none, 'a separated token of root without a rule'],
  ['root@pam!gone', '/', none, 'a token that does not exist'],
  ['adm@pve', '/', all, 'Administrator on the root path'],
  ['adm@pve', '/access/realm/pve', all, 'Administrator propagates'],
  ['adm@pve!sep', '/vms/100', role('PVEVMUser'), 'user has all, token less'],
  ['nobody@pve', '/', none, 'an unknown user'],
  ['nobody@pve!xy', '/', none, 'a token of an unknown user'],
  ['ann@pve', '/', none, 'no rule on the root path'],
  ['ann@pve', '/vms', role('PVEVMUser'), 'a rule on the path itself'],
  ['ann@pve', '/vms/150', role('PVEVMUser'), 'a rule above propagates'],
  ['ann@pve', '/vms/100', role('PVEVMAdmin'), 'the deeper rule replaces the one above'],
  ['ann@pve', '/vms/101', none, 'NoAccess further down takes away'],
  ['ann@pve', '/vms/102', ['VM.Audit', 'VM.PowerMgmt'], 'an own role with less replaces more'],
  ['ann@pve', '/vms/103', none, 'a role without privileges replaces too'],
  ['ann@pve', '/vms/104', none, 'a role that does not exist replaces and grants nothing'],
  ['ann@pve', '/nodes', role('PVESysAdmin'), 'without propagation: the path itself'],
  ['ann@pve', '/nodes/pve2', none, 'without propagation: nothing below'],
  ['ann@pve', '/nodes/pve1', role('PVEAuditor'), 'own rule below a rule that does not propagate'],
  ['ann@pve', '/storage', none, 'a rule below says nothing above'],
  ['ann@pve', '/storage/local', role('PVEDatastoreAdmin'), 'two roles in one rule add up'],
  ['ann@pve', '/storage/local2', none, 'a name that starts the same is another path'],
  ['ann@pve', '/storage/fast', role('PVEDatastoreUser'), 'a storage of a pool'],
  ['ann@pve', '/vms/200', ['Datastore.AllocateSpace', 'Datastore.Audit', ...role('PVEVMUser')], 'pool adds'],
  ['bob@pve', '/', role('PVEAuditor'), 'by group'],
  ['bob@pve', '/vms/150', role('PVEVMUser'), 'by group, deeper rule'],
  ['bob@pve', '/vms/110', ['VM.Audit', 'VM.PowerMgmt'], 'the user rule hides the group rule on one level'],
  ['cyd@pve', '/vms/110', role('PVEVMAdmin'), 'the group rule for another member'],
  ['bob@pve', '/vms/111', none, 'NoAccess of one group beats the role of another'],
  ['eve@pve', '/vms/111', role('PVETemplateUser'), 'deeper group rule after NoAccess above'],
  ['eve@pve', '/', none, 'NoAccess by group on the root path'],
  ['eve@pve', '/vms/150', none, 'NoAccess propagates'],
  ['eve@pve', '/vms/113', role('PVEVMUser'), 'user rule further down overrides NoAccess above'],
  ['dan@pve', '/nodes/pve1', role('PVEAuditor'), 'auditor everywhere'],
  ['dan@pve', '/pool/web', role('PVEVMUser'), 'rule on a pool'],
  ['dan@pve', '/pool/web/inner', role('PVEVMAdmin'), 'rule on a nested pool'],
  ['dan@pve', '/vms/200', union('PVEAuditor', 'PVEVMUser'), 'guest of a pool: both add up'],
  ['dan@pve', '/vms/202', union('PVEAuditor', 'PVEVMAdmin'), 'guest of a nested pool'],
  ['dan@pve', '/vms/201', none, 'NoAccess on the guest beats the pool'],
  ['dan@pve', '/vms/203', role('PVEAuditor'), 'a guest that is in no pool'],
  ['dan@pve', '/storage/fast', union('PVEAuditor', 'PVEVMUser'), 'storage of a pool'],
  ['cyd@pve', '/vms/200', none, 'NoAccess on the pool beats rules on guests'],
  ['ann@pve!full', '/vms/100', role('PVEVMAdmin'), 'a full token has what its user has'],
  ['ann@pve!full', '/vms/101', none, 'also nothing where the user has nothing'],
  ['ann@pve!sep', '/vms/150', ['VM.Audit', 'VM.GuestAgent.Audit'], 'what both have, not the token alone'],
  ['ann@pve!sep', '/vms/101', none, 'the user lost access, so did the token'],
  ['ann@pve!sep', '/storage/local', none, 'no rule for the token'],
  ['ann@pve!more', '/vms/100', role('PVEVMAdmin'), 'Administrator on a token is cut to the user'],
  ['ann@pve!more', '/storage/local', role('PVEDatastoreAdmin'), 'token rule above, user rule below'],
  ['ann@pve!more', '/storage/fast', role('PVEDatastoreUser'), 'cut to what the user has by pool'],
  [
    'dan@pve!sep',
    '/vms',
    role('PVEAuditor').filter((p) => role('PVEVMAdmin').includes(p)),
    'no propagation: here',
  ],
  ['dan@pve!sep', '/vms/150', none, 'no propagation: not below'],
];

function union(...names: string[]): readonly string[] {
  return [...new Set(names.flatMap(role))];
}

describe('privileges', () => {
  it.each(rows)('%s on %s', (user, path, expected, why) => {
    expect([...heldOn(config, user, path).set].sort(), why).toEqual([...expected].sort());
  });

  it('are explained as they are decided, for everybody, everywhere', () => {
    const asked = [
      ...new Set(rows.map(([, path]) => path)),
      '/pool/web',
      '/pool/web/inner',
      '/access/groups/x',
    ];
    const tokens = [...config.users].flatMap(([id, user]) =>
      [...user.tokens.keys()].map((one) => `${id}!${one}`),
    );
    const telling = privileges.filter((one) =>
      /^VM.(Audit|Clone|PowerMgmt)$|^(Sys|Datastore).Audit$|^Permissions/.test(one),
    );
    const wrong: string[] = [];
    for (const user of [...config.users.keys(), ...tokens]) {
      for (const path of asked) {
        const held = heldOn(config, user, path).propagate;
        for (const privilege of telling) {
          const { granted, propagate, checks } = explain(config, user, path, privilege);
          const same = granted === held.has(privilege) && propagate === (held.get(privilege) === true);
          if (!same || checks.every((check) => check.granted) !== granted)
            wrong.push(`${user} ${path} ${privilege}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('tells whether a privilege holds further down', () => {
    const flag = (user: string, path: string, priv: 'VM.Audit' | 'VM.Clone') =>
      heldOn(config, user, path).propagate.get(priv);
    expect(flag('ann@pve', '/vms', 'VM.Audit')).toBe(true);
    expect(flag('ann@pve', '/vms/100', 'VM.Clone')).toBe(false);
    // Two groups give the same role, one of them with propagation.
    expect(flag('bob@pve', '/vms/112', 'VM.Audit')).toBe(true);
    expect(flag('cyd@pve', '/vms/112', 'VM.Audit')).toBe(false);
    expect(flag('dan@pve!sep', '/vms', 'VM.Audit')).toBe(false);
    expect(flag('dan@pve', '/vms/200', 'VM.Audit')).toBe(true);
  });

  it('answers again from memory with the same object, and shares it between equal sets of roles', () => {
    expect(heldOn(config, 'ann@pve', '/vms/150')).toBe(heldOn(config, 'ann@pve', '/vms/150'));
    expect(heldOn(config, 'ann@pve', '/vms/151')).toBe(heldOn(config, 'ann@pve', '/vms/150'));
  });

  it('tells what is held on every path, however deep the rules stand', () => {
    const everywhere = (user: string) => [...heldEverywhere(config, user)].sort();
    expect(everywhere('root@pam')).toEqual([...all].sort());
    expect(everywhere('root@pam!full')).toEqual([...all].sort());
    expect(everywhere('adm@pve')).toEqual([...all].sort());
    expect(everywhere('adm@pve!sep')).toEqual([...role('PVEVMUser')].sort());
    // Rules on the root path, but NoAccess further down.
    expect(everywhere('dan@pve')).toEqual([]);
    expect(everywhere('cyd@pve')).toEqual([]);
    expect(everywhere('ann@pve')).toEqual([]);
    expect(everywhere('nobody@pve')).toEqual([]);
    expect(everywhere('root@pam!gone')).toEqual([]);
  });

  it('what is held everywhere is cut to what every deeper rule grants, and is there on each path', () => {
    const deeper = parseUserConfig(`
user:ann@pve:1:0:::::
user:bob@pve:1:0:::::
group:ops:bob@pve:
pool:web::200:fast:
acl:1:/:ann@pve:Administrator:
acl:0:/vms/100:ann@pve:PVEVMUser:
acl:1:/storage:ann@pve:PVEAdmin:
acl:0:/:bob@pve:PVEAuditor:
acl:1:/:@ops:PVEVMUser,PVEAuditor:
acl:1:/pool/web:@ops:PVEVMAdmin:
acl:1:/sdn:@ops:PVESDNUser:
`);
    expect([...heldEverywhere(deeper, 'ann@pve')].sort()).toEqual(
      role('PVEVMUser')
        .filter((priv) => role('PVEAdmin').includes(priv))
        .sort(),
    );
    const paths = ['/', '/vms', '/vms/100', '/vms/200', '/storage/fast', '/pool/web', '/sdn/zones/a', '/x'];
    for (const user of ['ann@pve', 'bob@pve']) {
      const common = [...heldEverywhere(deeper, user)];
      for (const path of paths) {
        expect([...heldOn(deeper, user, path).set], `${user} ${path}`).toEqual(
          expect.arrayContaining(common),
        );
      }
    }
    expect([...heldEverywhere(deeper, 'bob@pve')]).toEqual([]);
  });

  it('takes a path apart level by level', () => {
    expect(levels('/')).toEqual(['/']);
    expect(levels('/sdn/zones/a')).toEqual(['/', '/sdn', '/sdn/zones', '/sdn/zones/a']);
  });
});
