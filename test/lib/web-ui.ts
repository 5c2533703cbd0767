/** Steps that a person takes in the Web UI, by what they see: labels and roles, in English. */

import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { canvasLikeness } from './browser.ts';
import type { TestNode } from './node.ts';
import type { Likeness } from './png.ts';
import { waitFor } from './wait.ts';

/** Logs in as admin@pve; the page is at the datacenter's summary then. */
export async function logInByForm(page: Page, node: TestNode): Promise<void> {
  await page.goto(node.url);
  await page.locator('#user').fill('admin');
  await page.locator('#password').fill(await node.adminPassword());
  await page.locator('#realm').selectOption('pve');
  await page.locator('#user').press('Enter');
  await page.waitForURL('**/datacenter/**');
}

/** Uploads a file in the dialog that is open; resolves when the file is stored and the dialog gone. */
export async function uploadInDialog(page: Page, file: string, sha256?: string): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'Upload a file' });
  await dialog.getByTestId('upload-file').setInputFiles(file);
  if (sha256 !== undefined) {
    await dialog.getByLabel('Checksum').selectOption('sha256');
    await dialog.getByLabel('SHA256').fill(sha256);
  }
  await dialog.getByRole('button', { name: 'Upload', exact: true }).click();
  await dialog.waitFor({ state: 'detached', timeout: 120_000 });
}

/** Presses a dialog's button and waits until the dialog is gone: a refused change stays open and fails here. */
export async function pressInDialog(page: Page, name: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name, exact: true }).click();
  await dialog.waitFor({ state: 'detached' }).catch(async (cause: unknown) => {
    throw new Error(`the dialog stays: ${await dialog.textContent()}`, { cause });
  });
}

/** Opens a menu by its button and takes the item whose text begins so. */
export async function chooseInMenu(page: Page, menu: string, item: string): Promise<void> {
  await page.getByRole('button', { name: menu, exact: true }).click();
  await page.getByRole('menuitem', { name: new RegExp(`^${item}`) }).click();
}

/** The canvas of the console that is open, once connected. */
export async function connectedScreen(page: Page): Promise<Locator> {
  await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor({ timeout: 30_000 });
  const canvas = page.getByTestId('vnc-screen').locator('canvas').first();
  await canvas.waitFor();
  return canvas;
}

/** Waits until the console shows what QEMU itself shows; the last likeness stands in the error when it never does. */
export async function expectSameScreen(canvas: Locator, qmpPath: string): Promise<Likeness> {
  let last: Likeness | undefined;
  const same = await waitFor(
    async () => {
      last = await canvasLikeness(canvas, qmpPath);
      return last.equal > 0.98 && last.equalContent > 0.98 ? last : undefined;
    },
    {
      timeout: 30,
      every: 500,
      what: () => `the guest's screen in the console; last ${JSON.stringify(last)}`,
    },
  );
  expect(same.equal).toBeGreaterThan(0.98);
  return same;
}

/** Text that a terminal of the page shows, without the blanks that fill its lines. */
export async function terminalText(page: Page): Promise<string> {
  const lines = await page.locator('.xterm-rows > div').allTextContents();
  return lines.map((line) => line.replaceAll('\u00a0', ' ').trimEnd()).join('\n');
}

export async function terminalShows(page: Page, pattern: RegExp, timeout: number): Promise<string> {
  let text = '';
  await waitFor(
    async () => {
      text = await terminalText(page);
      return pattern.test(text);
    },
    { timeout, every: 500, what: () => `${pattern} in the terminal, which shows:\n${text}` },
  );
  return text;
}
