/** The pages and dialogs of a container that are looked at. The containers are 200 (running) and 201, on a node `pve1`. */
import type { Page } from 'playwright-core';
import type { PageToSee } from './pages.ts';

const opened = (page: Page) => page.locator('[role=dialog]').waitFor();

/** Opens the form of a row by the text that its first cell has, in any language a key of the configuration. */
const form = (text: string) => async (page: Page) => {
  const row = page.getByRole('row').filter({ hasText: text });
  const menus = await row.locator('.ry-row-menu').count();
  await row
    .locator('.ry-actions-cell button')
    .nth(menus > 0 ? -2 : -1)
    .click();
  await opened(page);
};

/** Opens the form of a row by its place. */
const formAt = (place: number) => async (page: Page) => {
  await page
    .locator('.ry-hardware-table tbody tr')
    .nth(place)
    .locator('.ry-actions-cell button')
    .last()
    .click();
  await opened(page);
};

const choose = (place: number) => async (page: Page) => {
  await page.locator('.ry-toolbar button').first().click();
  await page.getByRole('menuitem').nth(place).click();
  await opened(page);
};

const resources = '/lxc/200/resources';
const options = '/lxc/200/options';

export const containerPages: readonly PageToSee[] = [
  { name: 'container-summary', path: '/lxc/200/summary' },
  {
    name: 'container-console',
    path: '/lxc/200/console',
    act: async (page) => {
      await page.locator('.ry-console-connected').waitFor();
    },
  },
  { name: 'container-stopped-console', path: '/lxc/201/console' },
  { name: 'container-resources', path: resources },
  { name: 'container-add-mount', path: resources, act: choose(0) },
  { name: 'container-add-device', path: resources, act: choose(1) },
  { name: 'container-memory', path: resources, act: formAt(0) },
  { name: 'container-cpu', path: resources, act: formAt(2) },
  {
    name: 'container-mount',
    path: resources,
    act: async (page) => {
      await form('(mp0)')(page);
      await page.locator('.pf-v6-c-expandable-section__toggle button').click();
    },
  },
  { name: 'container-network', path: '/lxc/200/network' },
  { name: 'container-no-network', path: '/lxc/201/network' },
  {
    name: 'container-card',
    path: '/lxc/200/network',
    act: async (page) => {
      await form('(net0)')(page);
      await page.locator('.pf-v6-c-expandable-section__toggle button').click();
    },
  },
  { name: 'container-dns', path: '/lxc/200/dns' },
  { name: 'container-options', path: options },
  {
    name: 'container-features',
    path: options,
    act: async (page) => {
      await page.getByRole('row').filter({ hasText: 'nesting' }).getByRole('button').last().click();
      await opened(page);
    },
  },
  {
    name: 'container-environment',
    path: options,
    act: async (page) => {
      await page.getByRole('row').filter({ hasText: 'TZ=' }).getByRole('button').last().click();
      await opened(page);
    },
  },
  { name: 'container-snapshots', path: '/lxc/200/snapshots' },
  {
    name: 'container-clone',
    path: '/lxc/200/summary',
    act: async (page) => {
      await page.locator('.ry-page-actions button').last().click();
      await page.getByRole('menuitem').nth(1).click();
      await opened(page);
    },
  },
  {
    name: 'container-resource-menu',
    path: resources,
    act: async (page) => {
      await page.getByRole('row').filter({ hasText: '(mp0)' }).locator('.ry-row-menu').click();
      await page.getByRole('menuitem').first().waitFor();
    },
  },
  {
    name: 'container-move',
    path: '/lxc/201/resources',
    act: async (page) => {
      await page.locator('.ry-row-menu').first().click();
      await page.getByRole('menuitem').nth(1).click();
      await opened(page);
    },
  },
  { name: 'container-firewall', path: '/lxc/200/firewall' },
  {
    name: 'container-power-menu',
    path: '/lxc/200/summary',
    act: async (page) => {
      await page.locator('.ry-page-actions button[aria-expanded]').first().click();
      await page.getByRole('menuitem').first().waitFor();
    },
  },
  {
    name: 'container-remove',
    path: '/lxc/201/summary',
    act: async (page) => {
      await page.locator('.ry-page-actions button').last().click();
      await page.getByRole('menuitem').last().click();
      await opened(page);
    },
  },
];
