/**
 * A realm of type ad against a real Active Directory (Samba's): TLS, logins by both names, what is refused and why, syncs.
 * In the lab: making the domain takes half a minute, and its ports are fixed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ActiveDirectory,
  activeDirectoryReason,
  base,
  domain,
  startActiveDirectory,
} from '../lib/active-directory.ts';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';

const passwordOf = (name: string) => `Secret-${name}-1234`;
const title = `an Active Directory${activeDirectoryReason ? ` (${activeDirectoryReason})` : ''}`;

describe.skipIf(activeDirectoryReason !== '')(title, () => {
  let directory: ActiveDirectory;
  let node: TestNode;
  let admin: ApiSession;

  beforeAll(async () => {
    directory = await startActiveDirectory();
    for (const name of ['reader', 'ann', 'bob', 'carl'])
      await directory.tool(
        ...['user', 'create', name, passwordOf(name), `--mail-address=${name}@example.com`],
        ...['--use-username-as-cn', '--given-name=Åsa', `--surname=${name}`],
      );
    await directory.tool('group', 'add', 'staff');
    await directory.tool('group', 'addmembers', 'staff', 'ann,bob');
    // A name of logins that differs from the account's.
    await directory.tool('user', 'rename', 'bob', `--upn=robert@${domain}`);
    await directory.tool('user', 'disable', 'carl');
    node = await startNode();
    admin = await node.admin();
  }, 900_000);
  afterAll(async () => {
    await node?.stop();
    await directory?.stop();
  });

  const settings = () => ({
    ...{ type: 'ad', domain, server1: '127.0.0.1', mode: 'ldaps', verify: true, capath: directory.ca },
    ...{ bind_dn: `CN=reader,CN=Users,${base}`, password: passwordOf('reader') },
    sync_attributes: 'email=mail,firstname=givenName,lastname=sn',
    // Without the groups that come with every domain, whose names have blanks: each would be a warning.
    ...{ filter: '(!(isCriticalSystemObject=TRUE))', group_filter: '(cn=staff)' },
  });
  const logInAs = async (user: string, password: string) => {
    const session = await logIn(node.url, user, password);
    session.close();
  };
  const sync = (realm: string) => admin.run('POST', `/access/domains/${realm}/sync`, { scope: 'both' });

  it('is added after a test of the connection; without TLS it says what it wants', async () => {
    const tried = (values: object) =>
      admin.answer('POST', '/access/domains', {
        ...settings(),
        ...{ realm: 'corp', 'check-connection': true },
        ...values,
      });
    expect((await tried({ mode: 'ldap' })).reason).toContain('set mode to ldaps or ldap+starttls');
    expect((await tried({ capath: '/etc/ssl/certs' })).reason).toContain('authority that is not known here');
    expect((await tried({ password: 'wrong' })).reason).toContain('check bind_dn and password');
    expect((await tried({ mode: 'ldap+starttls' })).status).toBe(200);
    await admin.call('PUT', '/access/domains/corp', { mode: 'ldaps', 'check-connection': true });
  });

  it('gives users and groups, by the root that it tells itself', async () => {
    const preview = await admin.call<{ users: number; groups: number }>(
      'POST',
      '/access/domains/corp/preview',
    );
    expect(preview).toMatchObject({ users: 4 });
    await sync('corp');
    const users = await admin.get<{ userid: string }[]>('/access/users', { full: true });
    expect(users).toContainEqual(
      expect.objectContaining({
        ...{ userid: 'ann@corp', email: 'ann@example.com', firstname: 'Åsa', lastname: 'ann' },
        groups: 'staff-corp',
      }),
    );
    expect(users.map(({ userid }) => userid).filter((one) => one.endsWith('@corp'))).toEqual(
      expect.arrayContaining(['ann@corp', 'bob@corp', 'carl@corp', 'reader@corp']),
    );
    expect(await admin.get('/access/groups/staff-corp')).toMatchObject({ members: ['ann@corp', 'bob@corp'] });
  });

  it('lets in by the name of the account, and nobody who is switched off there', async () => {
    await logInAs('ann@corp', passwordOf('ann'));
    // Also when the name of logins is another one.
    await logInAs('bob@corp', passwordOf('bob'));
    await expect(logInAs('ann@corp', passwordOf('bob'))).rejects.toThrow();
    await expect(logInAs('ann@corp', '')).rejects.toThrow();
    await expect(logInAs('carl@corp', passwordOf('carl'))).rejects.toThrow();
    expect(await node.daemonLog()).toMatch(/carl@corp.*disabled|disabled.*carl@corp/);
  });

  it('lets in by userPrincipalName where the realm names users so', async () => {
    await admin.call('POST', '/access/domains', {
      ...{ ...settings(), realm: 'upn', user_attr: 'userPrincipalName' },
      'check-connection': true,
    });
    await sync('upn');
    await logInAs(`robert@${domain}@upn`, passwordOf('bob'));
    await expect(logInAs(`bob@${domain}@upn`, passwordOf('bob'))).rejects.toThrow();
  });

  it('takes out who has gone', async () => {
    await directory.tool('user', 'delete', 'ann');
    await admin.run('POST', '/access/domains/corp/sync', { scope: 'both', 'remove-vanished': 'entry;acl' });
    expect(await admin.get('/access/groups/staff-corp')).toMatchObject({ members: ['bob@corp'] });
    await expect(logInAs('ann@corp', passwordOf('ann'))).rejects.toThrow();
  });
});
