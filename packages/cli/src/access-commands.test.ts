/** Commands of `pveum` that are no plain method, and their text, against an HTTP server on a real Unix socket. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { explanation } from './access-presenters.ts';
import { FakeDaemon } from './fake-daemon.ts';
import { outputOptions } from './render.ts';
import type { Session } from './session.ts';
import { runTest } from './test-support.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = new FakeDaemon();
  await daemon.open();
});
afterEach(() => daemon.close());

const run = (words: string) => runTest(words.split(' '), { socket: daemon.socket });
const answer = (data: unknown) => {
  daemon.handle = () => ({ body: { data } });
};
const last = () => daemon.received.at(-1);

it.each(['pveum acl delete', 'pveum acldel'])('%s takes a role away', async (words) => {
  answer(null);
  expect((await run(`${words} /vms/100 --roles PVEVMUser --users ann@pve`)).code).toBe(0);
  expect(`${last()?.verb} ${last()?.path}`).toBe('PUT /access/acl');
  expect(Object.fromEntries(last()?.params ?? [])).toEqual({
    path: '/vms/100',
    roles: 'PVEVMUser',
    users: 'ann@pve',
    delete: '1',
  });
});

it('asks for the password of a ticket', async () => {
  answer({ ticket: 'PVE:ann@pve:0::x', username: 'ann@pve' });
  expect((await run('pveum ticket ann@pve')).out).toBe('PVE:ann@pve:0::x\n');
  expect(last()?.params.get('password')).toBe('secret');
});

it('shows what a user or token may, with a mark where it holds below', async () => {
  answer({ '/vms': { 'VM.Audit': 1, 'VM.Clone': 0 }, '/': { 'Sys.Audit': 1 } });
  const { out } = await run('pveum user token permissions ann@pve t1 --noborder');
  expect(out.split('\n').map((line) => line.trimEnd())).toEqual([
    'ACL path  Permissions',
    '/         Sys.Audit (*)',
    '/vms      VM.Audit (*)',
    '          VM.Clone',
    "Permissions marked with '(*)' have the 'propagate' flag set.",
    '',
  ]);
  expect(last()?.params.get('userid')).toBe('ann@pve!t1');
});

it('says why not, and which command would help', () => {
  const rule = { path: '/vms', type: 'group', ugid: 'ops', roleid: 'PVEAuditor', propagate: 1 };
  const data = {
    userid: 'ann@pve',
    path: '/vms/100',
    privilege: 'VM.PowerMgmt',
    granted: 0,
    propagate: 0,
    reason: 'the reason',
    obstacle: 'user is disabled',
    checks: [
      { subject: 'ann@pve', granted: 0, rules: [{ ...rule, 'has-privilege': 0, effect: 'applies' }] },
      { subject: 'ann@pve!t', granted: 0, rules: [] },
    ],
    needed: [
      {
        action: 'give',
        subject: 'ann@pve',
        path: '/vms/100',
        roles: ['PVEVMUser', 'Administrator'],
        keep: ['Own'],
      },
    ],
  };
  const output = outputOptions({ noborder: '1' }, { unicode: false, columns: undefined }, true);
  const out = explanation(data, { session: { output } as Session });
  expect(out?.split('\n').map((line) => line.trimEnd())).toEqual([
    'ann@pve does not have VM.PowerMgmt on /vms/100',
    'the reason',
    'cannot log in at present: user is disabled',
    '',
    'rules for ann@pve:',
    'path  who   role        has it  effect',
    '/vms  @ops  PVEAuditor  no      applies',
    '',
    'rules for ann@pve!t: none',
    '',
    'what would grant it:',
    '  pveum acl modify /vms/100 --roles PVEVMUser,Own --users ann@pve',
    '  (or, in place of PVEVMUser: Administrator)',
    '',
  ]);
});
