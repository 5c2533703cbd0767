/** A container in the browser as a person uses it: console, power, resources, network, snapshots, removal. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, openPage } from '../lib/browser.ts';
import { type ContainerLab, openContainerLab } from '../lib/containers.ts';
import { waitFor } from '../lib/wait.ts';
import { logInByForm, terminalShows } from '../lib/web-ui.ts';

let lab: ContainerLab;
let browser: Browser;
let page: Page;
let problems: string[];
const vmid = 200;

beforeAll(async () => {
  lab = await openContainerLab('webct1');
  browser = await openBrowser();
  await lab.create(vmid, {
    ...{ hostname: 'box', cmode: 'shell', memory: 64, swap: 0, features: 'nesting=1' },
    ...{ net0: 'name=eth0,bridge=vmbr0,ip=192.0.2.10/24,host-managed=1', start: 1 },
  });
  ({ page, problems } = await openPage(browser));
  page.setDefaultTimeout(30_000);
  await logInByForm(page, lab.node);
}, 600_000);

afterAll(async () => {
  await browser?.close();
  await lab?.close();
});

const open = (tab: string) => page.goto(`${lab.node.url}/lxc/${vmid}/${tab}`);
const dialog = () => page.getByRole('dialog');

const becomes = (status: string) =>
  waitFor(async () => (await lab.status(vmid)).status === status, { timeout: 60, what: status });

test('the summary says how it stands, what it may do and where it is reached', async () => {
  // A link that does not know the kind of the guest finds it all the same.
  await page.goto(`${lab.node.url}/qemu/${vmid}/summary`);
  await page.waitForURL(`**/lxc/${vmid}/summary`);
  const facts = page.locator('.ry-facts').first();
  await facts.getByText('192.0.2.10').waitFor();
  const text = await facts.textContent();
  expect(text).toMatch(/Status\s*running/);
  expect(text).toMatch(/Unprivileged\s*Yes/);
  expect(text).toMatch(/Features\s*nesting/);
  await page.getByRole('heading', { name: '200 box' }).waitFor();
});

test('the console takes what is typed and answers', async () => {
  await open('console');
  await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
  await page.keyboard.type('echo "$(hostname)-$((6*7))"\n');
  await terminalShows(page, /^box-42$/m, 30);
});

test('a power action asks first and says what happens', async () => {
  await page.getByRole('button', { name: 'Power actions' }).click();
  const menu = await page.getByRole('menuitem').allInnerTexts();
  expect(menu).toEqual(['Reboot', 'Stop']);
  await page.getByRole('menuitem', { name: 'Stop' }).click();
  await dialog().getByText('All its processes are killed at once').waitFor();
  await dialog().getByRole('button', { name: 'Stop' }).click();
  await becomes('stopped');
  await page.getByText('The guest is not running').waitFor();
  await page.getByRole('button', { name: 'Start' }).last().click();
  await becomes('running');
  await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
});

test('it is removed with its volumes, named one by one', async () => {
  await lab.power(vmid, 'stop');
  await open('summary');
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await dialog().getByText(`local:${vmid}/vm-${vmid}-disk-0.raw`).waitFor();
  await dialog().getByRole('textbox').fill(String(vmid));
  await dialog().getByRole('button', { name: 'Remove' }).click();
  await page.waitForURL('**/node/webct1/**');
  await waitFor(async () => (await lab.admin.get<unknown[]>(`${lab.node.path}/lxc`)).length === 0, {
    timeout: 60,
    what: 'no container',
  });
  expect(problems).toEqual([]);
});
