/** The API reference of the Web UI in a browser, against a running node. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  accessibilityFindings,
  openBrowser,
  openPage,
  type PageOptions,
  screenshot,
} from '../lib/browser.ts';
import { startNode, type TestNode } from '../lib/node.ts';

let node: TestNode;
let browser: Browser;

beforeAll(async () => {
  node = await startNode();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

/** Opens an address as somebody who has to log in first. */
async function open(path: string, options?: PageOptions) {
  const opened = await openPage(browser, options);
  const { page } = opened;
  await page.goto(`${node.url}${path}`);
  await page.locator('input[type=text]').fill('admin');
  await page.locator('select').selectOption('pve');
  await page.locator('input[type=password]').fill(await node.adminPassword());
  await page.keyboard.press('Enter');
  await page.locator('.ry-api').waitFor();
  return opened;
}

const heading = (page: Page) => page.getByRole('article').getByRole('heading', { level: 2 }).first();
const scrollsSideways = (page: Page) =>
  page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');

test('a link to an operation survives the login and shows parameters, permission, result and examples', async () => {
  const { page, problems } = await open('/api-docs/POST/nodes/{node}/qemu');
  expect(await heading(page).textContent()).toContain('/nodes/{node}/qemu');
  const parameters = page.getByRole('table', { name: 'Parameters', exact: true });
  expect(await parameters.getByRole('row', { name: /^vmid required/ }).textContent()).toContain('999999999');
  await page.getByRole('button', { name: 'net[n]', exact: true }).click();
  expect(await page.getByRole('table', { name: 'net[n]' }).textContent()).toContain('macaddr');
  const curl = await page.getByRole('region', { name: 'curl' }).textContent();
  expect(curl).toContain(`${node.url}/api2/json/nodes/${node.name}/qemu`);
  expect(curl).toContain('PVEAPIToken=admin@pve!');
  const commands = await page.getByRole('region', { name: 'Command line of the node' }).textContent();
  expect(commands).toContain('qm create 100');
  expect(await accessibilityFindings(page)).toEqual([]);
  expect(problems).toEqual([]);
});

test('by keyboard: search, down to a result, open it', async () => {
  const { page } = await open('/api-docs');
  const search = page.getByLabel('Path, words or command');
  await search.focus();
  await page.keyboard.type('qm start');
  const list = page.getByRole('navigation', { name: 'All operations' });
  await list.getByRole('link').first().waitFor();
  await expect.poll(() => list.getByText(/^\d+ of \d+ operations$/).textContent()).toMatch(/^[1-9] of/);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect.poll(() => heading(page).textContent()).toContain('/status/start');
  expect(decodeURIComponent(page.url())).toContain('/api-docs/POST/nodes/{node}/qemu/{vmid}/status/start');
  await page.getByRole('link', { name: /^POST/ }).and(page.locator('[aria-current=page]')).waitFor();
});

test('an address without an operation says so', async () => {
  const { page } = await open('/api-docs/GET/no/such');
  await page.getByRole('heading', { name: 'There is no such operation' }).waitFor();
});

test('on a phone, dark, in Japanese: the list, then the operation; nothing sticks out', async () => {
  const { page, problems } = await open('/api-docs', {
    locale: 'ja-JP',
    colorScheme: 'dark',
    viewport: { width: 390, height: 844 },
  });
  expect(await scrollsSideways(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
  await page.getByRole('button', { name: /^nodes\/storage/ }).click();
  await page.getByRole('link', { name: /upload/ }).click();
  expect(await heading(page).textContent()).toContain('/upload');
  await page.getByText('必須').first().waitFor();
  expect(await scrollsSideways(page)).toBe(false);
  expect(await accessibilityFindings(page)).toEqual([]);
  await screenshot(page, 'api-docs-phone-ja');
  await page.getByRole('link', { name: 'すべての操作' }).click();
  // What was unfolded still is.
  await page.getByRole('link', { name: /upload/ }).waitFor();
  expect(problems).toEqual([]);
});
