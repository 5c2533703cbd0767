/** Logins of the Web UI: second factors, with Chromium's virtual authenticator, and the cookie that holds the ticket. */

import { type TOTP, URI } from 'otpauth';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, openPage, screenshot, type TestPage } from '../lib/browser.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { logInByForm } from '../lib/web-ui.ts';

const password = 'the password of ann';

let node: TestNode;
let browser: Browser;
let ui: TestPage;
let page: Page;
/** Security keys are bound to a name; an address is none. */
let home: string;

beforeAll(async () => {
  node = await startNode();
  const admin = await node.admin();
  await admin.call('POST', '/access/users', { userid: 'ann@pve', password });
  home = `https://localhost:${node.port}`;
  browser = await openBrowser();
  ui = await openPage(browser);
  page = ui.page;
  const devtools = await ui.context.newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'usb',
      hasResidentKey: false,
      hasUserVerification: false,
      automaticPresenceSimulation: true,
    },
  });
});
afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

async function typePassword(): Promise<void> {
  await page.goto(`${home}/login`);
  await page.locator('#user').fill('ann');
  await page.locator('#password').fill(password);
  await page.locator('#realm').selectOption('pve');
  await page.locator('#user').press('Enter');
}
const isIn = () => page.waitForURL('**/datacenter/**');
const dialog = () => page.getByRole('dialog');
async function leave(tab = page): Promise<void> {
  await tab.getByRole('button', { name: /^Account/ }).click();
  await tab.getByRole('menuitem', { name: 'Log out' }).click();
  await tab.waitForURL('**/login**');
}

let key: TOTP;
let recovery: string[];

test('a security key is added, and logs in after the password', async () => {
  await typePassword();
  await isIn();
  await page.goto(`${home}/account/factors`);
  await page.getByRole('button', { name: 'Add security key' }).click();
  await dialog().getByLabel('Description').fill('blue key');
  await dialog().getByLabel('Your own password').fill(password);
  await dialog().getByRole('button', { name: 'Register key' }).click();
  await dialog().waitFor({ state: 'detached' });
  await page.getByRole('cell', { name: 'blue key', exact: true }).waitFor();
  await leave();
  await typePassword();
  await page.getByRole('button', { name: 'Use the security key' }).click();
  await isIn();
});

test('an authenticator app is added by its key and a code; recovery keys are shown once', async () => {
  await page.goto(`${home}/account/factors`);
  await page.getByRole('button', { name: 'Add authenticator app' }).click();
  await dialog().getByRole('img', { name: 'QR code' }).waitFor();
  await screenshot(page, 'account/add-totp');
  const secret = await dialog().locator('input[readonly]').inputValue();
  key = URI.parse(`otpauth://totp/x?secret=${secret}`) as TOTP;
  await dialog()
    .getByLabel('Code of the app')
    .fill(key.generate({ timestamp: Date.now() - 30_000 }));
  await dialog().getByLabel('Description').fill('my phone');
  await dialog().getByLabel('Your own password').fill(password);
  await dialog().getByRole('button', { name: 'Add', exact: true }).click();
  await dialog().waitFor({ state: 'detached' });
  await page.getByRole('cell', { name: 'my phone', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Add recovery keys' }).click();
  await dialog().getByLabel('Your own password').fill(password);
  await dialog().getByRole('button', { name: 'Make keys' }).click();
  await dialog().getByRole('listitem').nth(9).waitFor();
  recovery = await dialog().getByRole('listitem').allInnerTexts();
  await screenshot(page, 'account/recovery');
  expect(recovery).toHaveLength(10);
  await dialog().getByRole('button', { name: 'I have kept it' }).click();
  await page.getByText('Keys left: 10').waitFor();
  await screenshot(page, 'account/factors');
  await leave();
});

test('the login takes a code of the app, and refuses a wrong one', async () => {
  await typePassword();
  await page.getByRole('button', { name: 'Authenticator app' }).click();
  await page.locator('#second-factor').fill('000000');
  await page.locator('#second-factor').press('Enter');
  await page.getByText('That did not fit').waitFor();
  await screenshot(page, 'account/second-step');
  await page.locator('#second-factor').fill(key.generate());
  await page.locator('#second-factor').press('Enter');
  await isIn();
  await leave();
  await typePassword();
  await page.getByRole('button', { name: 'Recovery key' }).click();
  await page.locator('#second-factor').fill(recovery[0] ?? '');
  await page.locator('#second-factor').press('Enter');
  await isIn();
});

test('sessions are shown and ended; logging out ends them on the server', async () => {
  await page.goto(`${home}/account/sessions`);
  await page.getByText('This session').waitFor();
  await screenshot(page, 'account/sessions');
  const admin = await node.admin();
  const mine = () => admin.get<Array<{ userid: string; tfa?: string }>>('/access/sessions');
  expect((await mine()).filter(({ userid }) => userid === 'ann@pve')).toMatchObject([{ tfa: 'recovery' }]);
  await leave();
  expect((await mine()).filter(({ userid }) => userid === 'ann@pve')).toEqual([]);
  expect(ui.problems.filter((problem) => !/status of 40[13]/.test(problem))).toEqual([]);
});

test('the ticket is in a cookie that no script can read; all tabs share it, a renewal and a logout included', async () => {
  const { page: first, context, problems } = await openPage(browser);
  await logInByForm(first, node);
  const cookie = async () => {
    const all = await context.cookies(node.url);
    return all.find(({ name }) => name === 'PVEAuthCookie');
  };
  const begun = await cookie();
  expect(begun).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict', path: '/', expires: -1 });
  expect(decodeURIComponent(begun?.value ?? '')).toMatch(/^PVE:admin@pve:/);
  const readable = await first.evaluate<string>(
    'JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])',
  );
  expect(readable).toContain('admin@pve');
  expect(readable).not.toMatch(/PVE:|PVEAuth/);

  const second = await context.newPage();
  await second.goto(`${node.url}/datacenter/users`);
  await second.getByText('ann@pve').first().waitFor();
  // As if the last renewal had been a while ago. Storage events go to other tabs only, so this one is loaded anew.
  await second.evaluate(`{
    const session = JSON.parse(localStorage.getItem('ryokan.session'));
    localStorage.setItem('ryokan.session', JSON.stringify({ ...session, renewed: session.renewed - 3_600_000 }));
  }`);
  await second.reload();
  await second.getByText('ann@pve').first().waitFor();
  const renewal = second.waitForResponse(
    (response) => response.request().method() === 'PUT' && response.url().endsWith('/sessions/current'),
  );
  await second.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  expect((await renewal).status()).toBe(200);
  await expect.poll(async () => (await cookie())?.value !== begun?.value).toBe(true);
  expect(await cookie()).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict' });
  await second.goto(`${node.url}/datacenter/groups`);
  await second.getByRole('heading', { level: 1 }).waitFor();

  await first.bringToFront();
  await leave(first);
  await second.waitForURL('**/login**');
  expect(await cookie()).toBeUndefined();
  expect(problems).toEqual([]);
  await context.close();
});

test('a session that has ended elsewhere leads to the login, and the next login begins another', async () => {
  const { page: theirs, context } = await openPage(browser);
  await logInByForm(theirs, node);
  const admin = await node.admin();
  const rows = await admin.get<Array<{ id: string; agent: string; current?: number }>>('/access/sessions');
  const ended = rows.find(({ agent, current }) => !current && agent.includes('Chrome'));
  await admin.call('DELETE', `/access/sessions/${ended?.id}`);
  await theirs.waitForURL('**/login**');
  await logInByForm(theirs, node);
  await theirs.reload();
  await theirs.getByRole('button', { name: /^Account/ }).waitFor();
  await context.close();
});
