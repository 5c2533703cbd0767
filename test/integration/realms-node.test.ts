/** Directory logins on a running node: API, command line, a scheduled sync, and in the browser the wizard and a login by OpenID. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import {
  accessibilityFindings,
  openBrowser,
  openPage,
  type PageOptions,
  screenshot,
} from '../lib/browser.ts';
import {
  type DirectoryServer,
  groups,
  readerDn,
  secret,
  slapdReason,
  startDirectory,
  userDn,
  users,
} from '../lib/directory-server.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { clientId, clientKey, type OpenIdProvider, startOpenIdProvider } from '../lib/openid-provider.ts';
import { waitFor } from '../lib/wait.ts';
import { chooseInMenu, logInByForm, pressInDialog } from '../lib/web-ui.ts';

describe.skipIf(slapdReason !== '')(`realms of a node${slapdReason ? ` (${slapdReason})` : ''}`, () => {
  let directory: DirectoryServer;
  let provider: OpenIdProvider;
  let node: TestNode;
  let admin: ApiSession;
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ryn-realms-'));
    directory = await startDirectory([{ uid: 'ann', mail: 'ann@ryokan.test' }, { uid: 'bob' }], {
      staff: ['ann', 'bob'],
    });
    node = await startNode();
    admin = await node.admin();
    provider = await startOpenIdProvider(folder, [node.url]);
    browser = await openBrowser();
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await provider?.stop();
    await node?.stop();
    await directory?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const ldap = () => ({
    ...{ type: 'ldap', server1: '127.0.0.1', port: directory.tlsPort, mode: 'ldaps', verify: true },
    ...{ capath: directory.ca, base_dn: users, group_dn: groups, user_attr: 'uid', bind_dn: readerDn },
    password: secret,
  });

  it('are added only when the directory answers, if one wants it so', async () => {
    const wrong = { ...ldap(), realm: 'corp', password: 'wrong', 'check-connection': true };
    const refused = await admin.answer('POST', '/access/domains', wrong);
    expect(refused.status).toBe(500);
    expect(refused.reason).toContain('check bind_dn and password');
    await admin.call('POST', '/access/domains', { ...ldap(), realm: 'corp', 'check-connection': true });
    const shown = await admin.get<Record<string, unknown>>('/access/domains/corp');
    expect(shown).toMatchObject({ type: 'ldap', port: directory.tlsPort, verify: 1 });
    expect(shown).not.toHaveProperty('password');
  });

  it('sync as a task and let people log in', async () => {
    const dry = await admin.run('POST', '/access/domains/corp/sync', { 'dry-run': true });
    expect(dry.log).toContain("create user 'ann@corp'");
    expect((await admin.answer('GET', '/access/users/ann@corp')).status).toBe(500);
    await node.cli('pveum', 'realm', 'sync', 'corp', '--scope', 'both');
    expect(await admin.get('/access/groups/staff-corp')).toMatchObject({ members: ['ann@corp', 'bob@corp'] });
    const ann = await logIn(node.url, 'ann@corp', 'ann-password');
    expect(await ann.get('/access/permissions')).toEqual({});
    ann.close();
    await expect(logIn(node.url, 'ann@corp', '')).rejects.toThrow('401');
    // Nothing that a person logs or lists shows the password.
    expect(dry.log.join('\n') + (await node.daemonLog())).not.toContain(secret);
  });

  it('are managed on the command line', async () => {
    const args = ['--type', 'openid', '--issuer-url', provider.issuer, '--client-id', clientId];
    await node.cli(
      'pveum',
      'realm',
      'add',
      'sso',
      ...args,
      '--client-key',
      clientKey,
      '--capath',
      provider.ca,
    );
    await node.cli('pveum', 'realm', 'modify', 'sso', '--autocreate', '1', '--comment', 'Company login');
    expect((await node.cli('pveum', 'realm', 'list')).stdout).toMatch(/sso .*openid .*Company login/);
    await node.cli('pveum', 'realm', 'add', 'gone', ...args);
    await node.cli('pveum', 'realm', 'delete', 'gone');
    expect((await node.cli('pveum', 'realm', 'list')).stdout).not.toContain('gone');
  });

  it('sync at set times', async () => {
    const jobs = '/cluster/jobs/realm-sync';
    await admin.call('POST', `${jobs}/hourly`, { realm: 'corp', schedule: 'hourly', scope: 'users' });
    expect(await admin.get(jobs)).toEqual([
      expect.objectContaining({ id: 'hourly', realm: 'corp', enabled: 1, 'next-run': expect.any(Number) }),
    ]);
    await directory.change((client) =>
      client.add(userDn('cyd'), { objectClass: 'inetOrgPerson', uid: 'cyd', cn: 'c', sn: 'c' }),
    );
    // Every minute from now on: the next full one is at most 60 s away.
    await admin.call('PUT', `${jobs}/hourly`, { schedule: '*' });
    await waitFor(async () => (await admin.answer('GET', '/access/users/cyd@corp')).status === 200, {
      timeout: 120,
      every: 500,
      what: 'the scheduled sync',
    });
    expect(await admin.get(`${jobs}/hourly`)).toMatchObject({ 'last-run': expect.any(Number) });
    await admin.call('DELETE', `${jobs}/hourly`);
    const next = await admin.get<{ timestamp: number; utc: string }[]>('/cluster/jobs/schedule-analyze', {
      ...{ schedule: '*-1-1 0:00', starttime: 1_767_225_600, iterations: 2 },
    });
    expect(next).toHaveLength(2);
    expect(next[0]?.utc).toMatch(/^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d 20\d\d$/);
  });

  const look = async (page: Page, name: string) => {
    await page.waitForTimeout(500);
    await screenshot(page, `pages/realms-${name}`);
    expect(await accessibilityFindings(page)).toEqual([]);
  };

  it('sync at set times that are set in the browser', async () => {
    const jobs = () => admin.get<Record<string, unknown>[]>('/cluster/jobs/realm-sync');
    const { page, context, problems } = await openPage(browser);
    const dialog = page.getByRole('dialog');
    const row = page.getByRole('row').filter({ hasText: 'corp' });
    const act = (entry: string) => chooseInMenu(page, 'Actions for sync-corp', entry);
    await logInByForm(page, node);
    await page.goto(`${node.url}/datacenter/realms`);
    await page.getByRole('button', { name: 'Scheduled syncs' }).click();
    await page.getByText('No scheduled syncs').waitFor();

    await page.getByRole('button', { name: 'Add a scheduled sync' }).click();
    await page.locator('#job-realm').selectOption('corp');
    await page.locator('#job-schedule').fill('every day');
    await dialog.getByText('No schedule: for example').waitFor();
    expect(await dialog.getByRole('button', { name: 'Add', exact: true }).isDisabled()).toBe(true);
    await page.locator('#job-schedule').fill('mon..fri 22:00');
    await dialog.getByText('Next: ').waitFor();
    await page.locator('#job-comment').fill('after work');
    await dialog.getByLabel('Other options than those of the realm').check();
    await dialog.getByLabel('Take over').selectOption('users');
    await look(page, 'job-add');
    await pressInDialog(page, 'Add');
    await row.getByText('mon..fri 22:00').waitFor();
    const own = { scope: 'users', 'enable-new': 1, 'remove-vanished': 'none' };
    const made = { id: 'sync-corp', realm: 'corp', schedule: 'mon..fri 22:00', comment: 'after work' };
    expect(await jobs()).toMatchObject([{ ...made, enabled: 1, ...own }]);

    await directory.change((client) =>
      client.add(userDn('dan'), { objectClass: 'inetOrgPerson', uid: 'dan', cn: 'd', sn: 'd' }),
    );
    await act('Run now');
    await waitFor(async () => (await admin.answer('GET', '/access/users/dan@corp')).status === 200, {
      timeout: 60,
      what: 'the sync that was asked for',
    });

    await act('Edit');
    await page.locator('#job-schedule').fill('2:30');
    await dialog.getByLabel('Runs at these times').uncheck();
    await page.locator('#job-comment').fill('');
    await dialog.getByLabel('Other options than those of the realm').uncheck();
    await pressInDialog(page, 'Save');
    await row.getByText('switched off').waitFor();
    const [changed = {}] = await jobs();
    expect(changed).toMatchObject({ id: 'sync-corp', realm: 'corp', schedule: '2:30', enabled: 0 });
    for (const key of ['comment', ...Object.keys(own), 'next-run']) expect(changed).not.toHaveProperty(key);
    await look(page, 'jobs');

    await act('Remove');
    await dialog.getByText('stay as they are').waitFor();
    await pressInDialog(page, 'Remove');
    await page.getByText('No scheduled syncs').waitFor();
    expect(await jobs()).toEqual([]);
    expect(problems).toEqual([]);
    await context.close();
  });

  it.each<[string, PageOptions]>([
    ['en', {}],
    ['ja', { locale: 'ja-JP', colorScheme: 'dark', viewport: { width: 390, height: 844 } }],
  ])('can be added and synced in the browser (%s)', async (language, options) => {
    const { page, context, problems } = await openPage(browser, options);
    await logInByForm(page, node);
    await page.goto(`${node.url}/datacenter/realms`);
    await look(page, `list-${language}`);
    await page.locator('.ry-toolbar-actions button').first().click();
    await page.locator('#realm-name').fill(`web-${language}`);
    const values = { server1: '127.0.0.1', base_dn: users, bind_dn: readerDn, password: 'wrong' };
    for (const [field, value] of Object.entries(values)) await page.locator(`#realm-${field}`).fill(value);
    const folded = page.locator('.pf-v6-c-expandable-section').filter({ hasText: /Connection|接続/ });
    await folded.locator('button').first().click();
    await page.locator('#realm-port').fill(String(directory.tlsPort));
    await page.locator('#realm-capath').fill(directory.ca);
    await look(page, `add-${language}`);
    const primary = page.locator('.pf-v6-c-modal-box__footer button').first();
    await primary.click();
    await page.getByText('check bind_dn and password').waitFor();
    await page.locator('#realm-password').fill(secret);
    await primary.click();
    await page.getByText(`ann@web-${language}`).waitFor();
    await look(page, `preview-${language}`);
    await primary.click();
    await waitFor(
      async () => (await admin.answer('GET', `/access/users/ann@web-${language}`)).status === 200,
      {
        timeout: 60,
        what: 'the first sync',
      },
    );
    await page
      .getByRole('row')
      .filter({ hasText: `web-${language}` })
      .locator('.ry-row-menu')
      .click();
    await page.getByRole('menuitem').first().click();
    await look(page, `sync-${language}`);
    await page.keyboard.press('Escape');
    await page
      .getByRole('row')
      .filter({ hasText: `web-${language}` })
      .locator('.ry-row-menu')
      .click();
    await page.getByRole('menuitem').nth(1).click();
    await page.locator('#realm-comment').fill('Directory');
    await look(page, `edit-${language}`);
    await primary.click();
    await page.locator('.pf-v6-c-modal-box').waitFor({ state: 'detached' });
    expect(await admin.get(`/access/domains/web-${language}`)).toMatchObject({
      comment: 'Directory',
      verify: 1,
    });
    // The refused test is one failed load, and it is told.
    expect(problems.filter((one) => !one.includes('status of 500'))).toEqual([]);
    await context.close();
  });

  it('let people in by OpenID in the browser', async () => {
    const { page, context, problems } = await openPage(browser);
    await page.goto(`${node.url}/login?next=%2Fdatacenter%2Fstorage`);
    await page.locator('#realm').selectOption('sso');
    await look(page, 'login-openid');
    await page.getByRole('button', { name: 'Log in with Company login' }).click();
    await page.getByLabel('Name').fill('hanako');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL(`${node.url}/datacenter/storage`);
    await page.getByText('hanako@sso').first().waitFor();
    expect((await context.cookies(node.url)).filter(({ name }) => name === 'PVEAuthCookie')).toMatchObject([
      { httpOnly: true, secure: true, sameSite: 'Strict' },
    ]);
    expect(problems).toEqual([]);
    // The address of an answer is good once, and for the tab that asked.
    await context.close();
    const other = await openPage(browser);
    await other.page.goto(`${node.url}/?code=x&state=y`);
    await other.page.locator('#password').waitFor();
    await other.context.close();
  });
});
