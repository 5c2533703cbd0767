/** Second factors in the Web UI, with Chromium's virtual authenticator. */

import { type TOTP, URI } from 'otpauth';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, openPage, screenshot, type TestPage } from '../lib/browser.ts';
import { startNode, type TestNode } from '../lib/node.ts';

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
async function leave(): Promise<void> {
  await page.getByRole('button', { name: /^Account/ }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.waitForURL('**/login**');
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
