import { describe, expect, it } from 'vitest';
import { explain, type RuleEffect } from './explain.ts';
import { parseUserConfig } from './user-config.ts';

const config = parseUserConfig(`
user:root@pam:1:0:::::
user:ann@pve:1:0:::::
user:bob@pve:1:0:::::
user:cyd@pve:1:0:::::
token:ann@pve!sep:0:1::
token:ann@pve!full:0:0::
token:root@pam!sep:0:1::
group:ops:ann@pve,bob@pve:
pool:web::200:fast:
role:Power:VM.PowerMgmt,VM.Audit:
acl:1:/:@ops:PVEAuditor:
acl:1:/vms:ann@pve:PVEVMUser:
acl:1:/vms/101:ann@pve:Power:
acl:1:/vms/102:ann@pve:NoAccess:
acl:1:/vms/102:@ops:PVEVMAdmin:
acl:0:/nodes:bob@pve:PVESysAdmin:
acl:1:/pool/web:cyd@pve:PVEVMUser:
acl:1:/pool/web:bob@pve:NoAccess:
acl:1:/vms:ann@pve!sep:PVEAuditor:
`);

const effects = (user: string, path: string, privilege: Parameters<typeof explain>[3]) =>
  explain(config, user, path, privilege).checks.flatMap(({ rules }) =>
    rules.map((rule) => [`${rule.path} ${rule.roleid}`, rule.effect] as const),
  );

type Rows = readonly (readonly [rule: string, effect: RuleEffect])[];

describe('an explanation', () => {
  it('names the rule that grants, and those that it replaces', () => {
    const { granted, reason, needed } = explain(config, 'ann@pve', '/vms/100', 'VM.Console');
    expect({ granted, needed }).toEqual({ granted: true, needed: [] });
    expect(reason).toBe("VM.Console is granted by role PVEVMUser for user 'ann@pve' on /vms");
    expect(effects('ann@pve', '/vms/100', 'VM.Console')).toEqual([
      ['/ PVEAuditor', 'replaced'],
      ['/vms PVEVMUser', 'applies'],
    ] satisfies Rows);
  });

  it('tells that a rule further down gives less, and what to give there', () => {
    const { granted, reason, needed } = explain(config, 'ann@pve', '/vms/101', 'VM.Console');
    expect(granted).toBe(false);
    expect(reason).toBe(
      "role Power for user 'ann@pve' on /vms/101 decides on /vms/101 and does not have VM.Console; " +
        "it replaces role PVEVMUser for user 'ann@pve' on /vms, which has it",
    );
    expect(needed).toMatchObject([{ action: 'give', subject: 'ann@pve', path: '/vms/101', keep: [] }]);
    expect(needed[0]?.roles[0]).toBe('PVEVMUser');
  });

  it('says which roles a new rule would push aside', () => {
    const [need] = explain(config, 'ann@pve', '/vms/100', 'VM.Migrate').needed;
    expect(need).toMatchObject({ path: '/vms/100', keep: ['PVEVMUser'] });
    expect(need?.roles).not.toContain('PVEVMUser');
  });

  it('of NoAccess names it and what it takes away', () => {
    const { reason, needed } = explain(config, 'ann@pve', '/vms/102', 'VM.Audit');
    expect(reason).toBe(
      "role NoAccess for user 'ann@pve' on /vms/102 takes away all privileges of 'ann@pve' on /vms/102",
    );
    expect(needed).toEqual([
      { action: 'remove', subject: 'ann@pve', path: '/vms/102', roles: ['NoAccess'], keep: [] },
    ]);
    expect(effects('ann@pve', '/vms/102', 'VM.Audit')).toEqual([
      ['/ PVEAuditor', 'replaced'],
      ['/vms PVEVMUser', 'replaced'],
      ['/vms/102 NoAccess', 'denies'],
      ['/vms/102 PVEVMAdmin', 'hidden'],
    ] satisfies Rows);
  });

  it('knows rules that hold on their own path only', () => {
    expect(explain(config, 'bob@pve', '/nodes/a', 'Sys.Console').reason).toBe(
      "role PVEAuditor for group 'ops' on / decides on /nodes/a and does not have Sys.Console",
    );
    expect(effects('bob@pve', '/nodes/a', 'Sys.Console')).toContainEqual([
      '/nodes PVESysAdmin',
      'not-propagated',
    ]);
  });

  it('goes by the pools of a guest', () => {
    expect(explain(config, 'cyd@pve', '/vms/200', 'VM.Console').reason).toBe(
      "VM.Console is granted by role PVEVMUser for user 'cyd@pve' on /pool/web (by pool 'web')",
    );
    expect(explain(config, 'cyd@pve', '/vms/201', 'VM.Console').reason).toBe(
      "no rule gives 'cyd@pve' anything on /vms/201",
    );
    expect(effects('bob@pve', '/vms/200', 'VM.Audit')).toEqual([
      ['/ PVEAuditor', 'cancelled'],
      ['/ PVEAuditor', 'replaced'],
      ['/pool/web NoAccess', 'denies'],
    ] satisfies Rows);
  });

  it('of a token shows both sides: its own rules and those of its user', () => {
    const { granted, checks, needed } = explain(config, 'ann@pve!sep', '/vms/100', 'VM.Console');
    expect(granted).toBe(false);
    expect(checks.map((check) => [check.subject, check.granted])).toEqual([
      ['ann@pve!sep', false],
      ['ann@pve', true],
    ]);
    expect(needed.map(({ subject }) => subject)).toEqual(['ann@pve!sep']);
    const all = explain(config, 'ann@pve!full', '/vms/100', 'VM.Console');
    expect(all.checks.map(({ subject }) => subject)).toEqual(['ann@pve']);
  });

  it('of root@pam needs no rules, but its separated tokens do', () => {
    expect(explain(config, 'root@pam', '/vms/1', 'VM.Audit')).toMatchObject({ granted: true, checks: [] });
    expect(explain(config, 'root@pam!sep', '/', 'VM.Audit').checks.map(({ subject }) => subject)).toEqual([
      'root@pam!sep',
    ]);
  });
});
