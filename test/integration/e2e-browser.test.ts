/**
 * The main job in the browser, as the README tells it: from the login page to an installer's screen. A whole Debian is
 * started so in test/lab/debian-browser.test.ts.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testCacheDir } from '../lib/asset-cache.ts';
import { accessibilityFindings, canvasPicture, openBrowser, openPage, screenshot } from '../lib/browser.ts';
import { installerMenu } from '../lib/guest-checks.ts';
import { buildInstallerIso } from '../lib/installer-iso.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { likeness } from '../lib/png.ts';
import { waitFor } from '../lib/wait.ts';
import { connectedScreen, expectSameScreen, logInByForm, uploadInDialog } from '../lib/web-ui.ts';

let node: TestNode;
let browser: Browser;

beforeAll(async () => {
  node = await startNode({ name: 'web1', natBridge: true });
  browser = await openBrowser();
}, 600_000);

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

describe('a stranger', () => {
  test('uploads an installer ISO in the wizard, creates a VM, and sees its menu in the console', async () => {
    const iso = await buildInstallerIso(testCacheDir());
    const { page, problems } = await openPage(browser);
    await logInByForm(page, node);
    await screenshot(page, 'e2e/1-first-page');
    await page.getByRole('button', { name: 'Create VM' }).first().click();

    /** Leaves a step of the wizard, which axe has looked at before. */
    const leave = async (step: string): Promise<void> => {
      await page.getByRole('heading', { name: step, level: 2 }).waitFor();
      expect(await accessibilityFindings(page), `accessibility of the step ${step}`).toEqual([]);
      await page.getByRole('button', { name: 'Next', exact: true }).click();
    };
    await page.getByRole('heading', { name: 'General', level: 2 }).waitFor();
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('installer');
    await leave('General');
    await page.getByRole('button', { name: 'Upload', exact: true }).click();
    await uploadInDialog(page, iso.path, iso.sha256);
    const chosen = page.getByRole('combobox', { name: 'ISO image' });
    await waitFor(async () => (await chosen.inputValue()).endsWith('/debian-installer.iso'), {
      timeout: 10,
      what: 'the uploaded image in the list',
    });
    await screenshot(page, 'e2e/2-wizard-os');
    await leave('Operating system');
    await leave('System');
    await page.getByRole('spinbutton', { name: 'Size' }).fill('8');
    await leave('Disks');
    await leave('CPU');
    await page.getByRole('spinbutton', { name: 'Memory', exact: true }).fill('512');
    await leave('Memory');
    await leave('Network');
    await page.getByRole('heading', { name: 'Confirm', level: 2 }).waitFor();
    await screenshot(page, 'e2e/3-wizard-confirm');
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.waitForURL('**/qemu/*/console', { timeout: 60_000 });

    const vmid = Number(/\/qemu\/(\d+)\//.exec(page.url())?.[1]);
    const admin = await node.admin();
    expect(await admin.get(`${node.path}/qemu/${vmid}/config`)).toMatchObject({
      ...{ name: 'installer', memory: '512', net0: expect.stringContaining('bridge=vmbr0') },
      ...{
        scsi0: expect.stringContaining('size=8G'),
        ide2: expect.stringContaining('iso/debian-installer.iso'),
      },
    });
    const canvas = await connectedScreen(page);
    await installerMenu(node, vmid, 'e2e/4-qemu-screendump');
    const likenessOfMenu = await expectSameScreen(canvas, node.guestSocket(vmid, 'qmp'));
    console.log(`console against QEMU's screendump: ${JSON.stringify(likenessOfMenu)}`);
    await screenshot(page, 'e2e/4-installer-menu');

    // A key typed into the console reaches the guest: the menu's bar moves, and the console shows that too.
    const menu = await canvasPicture(canvas);
    await canvas.click();
    await page.keyboard.press('ArrowDown');
    await waitFor(async () => likeness(menu, await canvasPicture(canvas)).equal < 0.99, {
      timeout: 15,
      what: 'the bar of the menu one line further down',
    });
    await expectSameScreen(canvas, node.guestSocket(vmid, 'qmp'));
    await screenshot(page, 'e2e/5-menu-second-entry');
    expect(await accessibilityFindings(page)).toEqual([]);
    expect(problems).toEqual([]);
  });
});
