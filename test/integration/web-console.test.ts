/** The screen of a guest in the browser: full screen, text from the clipboard, keys, and coming back by itself. */

import { connectQmp } from '@ryokan/server/guests/qemu/qmp-client.ts';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiSession } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { canvasPicture, openBrowser, openPage, screenshot } from '../lib/browser.ts';
import { installerMenu } from '../lib/guest-checks.ts';
import { buildInstallerIso } from '../lib/installer-iso.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { likeness } from '../lib/png.ts';
import { waitFor } from '../lib/wait.ts';
import { connectedScreen, expectSameScreen, logInByForm } from '../lib/web-ui.ts';

let node: TestNode;
let browser: Browser;
let admin: ApiSession;
let page: Page;
let canvas: Locator;
const vmid = 100;

beforeAll(async () => {
  const iso = await buildInstallerIso(testCacheDir());
  node = await startNode({ name: 'screen1' });
  browser = await openBrowser();
  admin = await node.admin();
  await admin.uploadFile(`${node.path}/storage/local/upload`, iso.path, { content: 'iso' });
  await waitFor(async () => (await admin.get<unknown[]>(`${node.path}/storage/local/content`)).length > 0, {
    timeout: 20,
    what: 'the uploaded image',
  });
  await admin.run('POST', `${node.path}/qemu`, {
    ...{ vmid, memory: 512, ide2: 'local:iso/debian-installer.iso,media=cdrom', boot: 'order=ide2' },
  });
  await admin.run('POST', `${node.path}/qemu/${vmid}/status/start`);
  ({ page } = await openPage(browser));
  await logInByForm(page, node);
  await page.goto(`${node.url}/qemu/${vmid}/console`);
  canvas = await connectedScreen(page);
  await installerMenu(node, vmid);
}, 600_000);

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

const isFull = () => page.evaluate<boolean>('document.fullscreenElement !== null');

/** Does something and waits until the picture is another one, and QEMU's own. */
async function changesScreen(act: () => Promise<unknown>): Promise<void> {
  const before = await canvasPicture(canvas);
  await act();
  await waitFor(async () => likeness(before, await canvasPicture(canvas)).equal < 0.999, {
    timeout: 15,
    what: 'another picture',
  });
  await expectSameScreen(canvas, node.guestSocket(vmid, 'qmp'));
}

test('full screen and back', async () => {
  await page.getByRole('button', { name: 'Full screen' }).click();
  await expect.poll(isFull).toBe(true);
  await page.getByRole('button', { name: 'Leave full screen' }).click();
  await expect.poll(isFull).toBe(false);
});

test('text is typed into the guest', async () => {
  await canvas.click();
  // From the menu to the prompt of its boot loader.
  await changesScreen(() => page.keyboard.press('Escape'));
  await changesScreen(async () => {
    await page.getByRole('button', { name: 'Paste text' }).click();
    await page.getByRole('textbox', { name: 'Text for the guest' }).fill('Hello_World 123');
    await page.getByRole('button', { name: 'Type it' }).click();
  });
  await screenshot(page, 'e2e/7-console-typed');
});

test('Ctrl+Alt+Del restarts it', async () => {
  const qmp = await connectQmp(node.guestSocket(vmid, 'qmp'));
  try {
    const reset = qmp.waitForEvent('RESET', { timeout: 20_000 });
    await page.getByRole('button', { name: 'Ctrl+Alt+Del' }).click();
    await reset;
  } finally {
    qmp.close();
  }
});

test('a console whose connection is cut comes back by itself, as does one whose guest is started again', async () => {
  const tasks = await admin.get<{ upid: string; type: string }[]>(`${node.path}/tasks`, { source: 'active' });
  const open = tasks.filter((task) => task.type === 'vncproxy');
  // One page has opened one console, and no second one that waits for nobody.
  expect(open).toHaveLength(1);
  for (const { upid } of open) await admin.call('DELETE', `${node.path}/tasks/${upid}`);
  await page.getByRole('status').filter({ hasText: 'Connection lost' }).waitFor({ timeout: 10_000 });
  await connectedScreen(page);

  await admin.run('POST', `${node.path}/qemu/${vmid}/status/stop`);
  await page.getByText('The guest is not running').waitFor();
  await admin.run('POST', `${node.path}/qemu/${vmid}/status/start`);
  canvas = await connectedScreen(page);
  await expectSameScreen(canvas, node.guestSocket(vmid, 'qmp'));
});
